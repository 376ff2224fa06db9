"""The noise schedule: its published end points, and the rotation between predictions."""

import pytest
import torch

from difficmh_core.config.networks import PredictionType, ScheduleConfig
from difficmh_core.diffusion.schedule import NoiseSchedule


def random_latents(seed):
    return torch.randn(3, 4, 2, 5, generator=torch.Generator().manual_seed(seed)).double()


TIMESTEPS = torch.tensor([0, 421, 999])


def test_end_points_are_the_published_ones():
    schedule = NoiseSchedule(ScheduleConfig())
    assert schedule.alpha_bar.dtype == torch.float64
    assert schedule.alpha_bar[0].item() == pytest.approx(0.99915, abs=1e-12)
    assert schedule.alpha_bar[-1].item() == pytest.approx(0.0046600985, abs=1e-10)
    assert torch.all(schedule.alpha_bar.diff() < 0)


@pytest.mark.parametrize("prediction", list(PredictionType))
def test_prediction_determines_clean_and_noise(prediction):
    schedule = NoiseSchedule(ScheduleConfig(prediction=prediction))
    clean, noise = random_latents(1), random_latents(2)
    latent = schedule.add_noise(clean, noise, TIMESTEPS)
    target = schedule.target(clean, noise, TIMESTEPS)
    found_clean, found_noise = schedule.clean_and_noise(latent, target, TIMESTEPS)
    torch.testing.assert_close(found_clean, clean)
    torch.testing.assert_close(found_noise, noise)


def test_epsilon_is_the_noise_itself():
    schedule = NoiseSchedule(ScheduleConfig(prediction=PredictionType.EPSILON))
    noise = random_latents(2)
    assert torch.equal(schedule.target(random_latents(1), noise, TIMESTEPS), noise)


def test_v_is_the_latent_rotated_by_a_right_angle():
    schedule = NoiseSchedule(ScheduleConfig(prediction=PredictionType.V))
    clean, noise = random_latents(1), random_latents(2)
    latent = schedule.add_noise(clean, noise, TIMESTEPS)
    v = schedule.target(clean, noise, TIMESTEPS)
    torch.testing.assert_close(latent**2 + v**2, clean**2 + noise**2)


def test_element_type_of_the_latent_is_kept():
    schedule = NoiseSchedule(ScheduleConfig())
    clean, noise = random_latents(1).bfloat16(), random_latents(2).bfloat16()
    noisy = schedule.add_noise(clean, noise, TIMESTEPS)
    expected = schedule.add_noise(clean.float(), noise.float(), TIMESTEPS)
    assert noisy.dtype == torch.bfloat16
    torch.testing.assert_close(noisy.float(), expected, atol=0.03, rtol=0.03)
