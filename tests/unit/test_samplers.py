"""The samplers: known answers, the listed timesteps, and diffusers' schedulers as oracles."""

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

from difficmh_core.config.decoding import SamplerName
from difficmh_core.config.networks import PredictionType, ScheduleConfig
from difficmh_core.diffusion.samplers import sampler_steps, sampler_timesteps
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.errors import ConfigError

PUBLISHED_50 = [
    *(0, 20, 41, 61, 82, 102, 122, 143, 163, 183, 204, 224, 245, 265, 285, 306, 326, 347, 367),
    *(387, 408, 428, 449, 469, 489, 510, 530, 550, 571, 591, 612, 632, 652, 673, 693, 714, 734),
    *(754, 775, 795, 816, 836, 856, 877, 897, 917, 938, 958, 979, 999),
]
SHAPE = (1, 4, 3, 5)


def random_latent(seed):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed)).double()


def schedule_for(prediction):
    return NoiseSchedule(ScheduleConfig(prediction=prediction))


def walk(sampler, schedule, predict, latent, timesteps):
    generator = torch.Generator().manual_seed(5)

    def draw():
        return torch.randn(SHAPE, generator=generator).double()

    return list(sampler_steps(sampler, latent, predict, schedule, timesteps, draw))


def knows_one_point(schedule, point):
    """Return the perfect network for a data set of one latent."""

    def predict(latent, timestep):
        alpha_bar = schedule.alpha_bar[timestep]
        noise = (latent - alpha_bar.sqrt() * point) / (1 - alpha_bar).sqrt()
        return schedule.target(point, noise, torch.tensor([timestep]))

    return predict


@pytest.mark.parametrize(
    ("steps", "start"), [(1, 1.0), (2, 1.0), (50, 1.0), (1, 0.001), (2, 0.3), (50, 0.3)]
)
@pytest.mark.parametrize("prediction", list(PredictionType))
@pytest.mark.parametrize("sampler", list(SamplerName))
def test_a_one_point_data_set_is_reached_exactly(sampler, prediction, steps, start):
    schedule, point = schedule_for(prediction), random_latent(1)
    states = walk(
        sampler,
        schedule,
        knows_one_point(schedule, point),
        random_latent(2),
        sampler_timesteps(sampler, steps, start=start),
    )
    assert [(state.index, state.total) for state in states] == [
        (index, steps) for index in range(1, steps + 1)
    ]
    tolerance = 1e-5 if sampler is SamplerName.DPM_SOLVER else 1e-9  # diffusers steps in float32
    torch.testing.assert_close(states[-1].latent, point, atol=tolerance, rtol=0)
    for state in states:
        torch.testing.assert_close(state.clean, point, atol=1e-9, rtol=0)


def test_ddpm_timesteps_are_the_published_ones():
    assert sampler_timesteps(SamplerName.DDPM, 5) == (999, 749, 500, 250, 0)
    assert sampler_timesteps(SamplerName.DDPM, 50) == tuple(reversed(PUBLISHED_50))


@pytest.mark.parametrize("sampler", [SamplerName.DDIM, SamplerName.DPM_SOLVER])
def test_other_samplers_end_one_stride_above_zero(sampler):
    assert sampler_timesteps(sampler, 5) == (999, 799, 599, 399, 199)
    assert sampler_timesteps(sampler, 3, start=0.3) == (299, 199, 99)


@pytest.mark.parametrize("sampler", list(SamplerName))
@pytest.mark.parametrize(("steps", "start"), [(1, 1.0), (1000, 1.0), (7, 0.013), (1, 0.0001)])
def test_as_many_timesteps_are_walked_as_were_asked_for(sampler, steps, start):
    timesteps = sampler_timesteps(sampler, steps, start=start)
    assert len(set(timesteps)) == steps
    assert timesteps[0] == max(round(1000 * start) - 1, 0)
    assert list(timesteps) == sorted(timesteps, reverse=True)
    assert timesteps[-1] >= 0


def test_more_steps_than_timesteps_are_refused():
    with pytest.raises(ConfigError, match=r"leaves 100 of 1000 timesteps, but 101 steps"):
        sampler_timesteps(SamplerName.DDIM, 101, start=0.1)


@pytest.mark.parametrize("steps", [1, 8, 20])  # where they divide 1000; else its DDIM drifts
@pytest.mark.parametrize("prediction", list(PredictionType))
@pytest.mark.parametrize("sampler", [SamplerName.DDIM, SamplerName.DPM_SOLVER])
def test_trajectory_is_the_one_of_diffusers(sampler, prediction, steps):
    """Any function will do for a network: both must ask it the same and get to the same place."""

    def predict(latent, timestep):
        return torch.sin(3 * latent + timestep / 500)

    schedule = schedule_for(prediction)
    ours = walk(sampler, schedule, predict, random_latent(3), sampler_timesteps(sampler, steps))
    settings = {
        "beta_schedule": "scaled_linear",
        "beta_start": schedule.config.beta_start,
        "beta_end": schedule.config.beta_end,
        "prediction_type": prediction.value,
        "timestep_spacing": "trailing",
    }
    oracle = (
        DDIMScheduler(**settings, clip_sample=False)
        if sampler is SamplerName.DDIM
        else DPMSolverMultistepScheduler(**settings)
    )
    oracle.set_timesteps(steps)
    latent = random_latent(3)
    for state, timestep in zip(ours, oracle.timesteps, strict=True):
        latent = oracle.step(predict(latent, timestep.item()), timestep, latent).prev_sample
        torch.testing.assert_close(state.latent, latent, atol=2e-3, rtol=1e-3)


def test_ddpm_keeps_the_variance_of_noise():
    """The perfect network for standard normal data leaves a standard normal latent as it is."""
    schedule = schedule_for(PredictionType.EPSILON)

    def predict(latent, timestep):
        return (1 - schedule.alpha_bar[timestep]).sqrt() * latent

    generator = torch.Generator().manual_seed(1)
    latent = torch.randn(1, 4, 50, 50, generator=generator).double()
    *_, last = sampler_steps(
        SamplerName.DDPM,
        latent,
        predict,
        schedule,
        sampler_timesteps(SamplerName.DDPM, 1000),
        lambda: torch.randn(latent.shape, generator=generator).double(),
    )
    assert last.latent.std().item() == pytest.approx(1, abs=0.03)
