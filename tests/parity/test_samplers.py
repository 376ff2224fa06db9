"""Schedules and trajectories of the samplers against the published ones."""

import pytest
import torch

from difficmh_core.config.decoding import SamplerName
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.samplers import sampler_steps, sampler_timesteps
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.weights.published.diffusion import load_published_control, load_published_unet

# A change of the input grows about ninetyfold over the five steps, to values around 70.
TRAJECTORY_TOLERANCE = 5e-3


@pytest.fixture(scope="module")
def reference(parity):
    return parity.tensors("sampler.safetensors")


@pytest.fixture(scope="module")
def schedule(parity):
    return NoiseSchedule(parity.schedule_config())


@pytest.fixture(scope="module")
def predict(parity, reference):
    """The reduced network with guidance; None is a single conditional pass."""
    published = parity.tensors("weights_unet_control.safetensors")
    base = DenoisingUNet(parity.unet_config())
    control = ControlModule(parity.unet_config(), parity.control_config())
    load_published_unet(base, published, "reduced")
    load_published_control(control, published, "reduced")
    unet = ControlledUNet(base, control).eval()
    hint = reference["hint"]

    @torch.no_grad()
    def run(latent, timestep, guidance_scale):
        timesteps = torch.tensor([timestep])
        conditional = unet(latent, timesteps, reference["context_cond"], hint)
        if guidance_scale == 1:
            return conditional
        unconditional = unet(latent, timesteps, reference["context_uncond"], hint)
        return unconditional + guidance_scale * (conditional - unconditional)

    return run


def check(actual, expected):
    torch.testing.assert_close(actual, expected, atol=TRAJECTORY_TOLERANCE, rtol=0)


def test_schedule_is_the_published_one(schedule, reference):
    torch.testing.assert_close(schedule.betas.float(), reference["full_betas"])
    torch.testing.assert_close(schedule.alpha_bar.float(), reference["full_alphas_cumprod"])


@pytest.mark.parametrize("steps", [5, 20, 50])
def test_respaced_schedule_is_the_published_one(schedule, reference, steps):
    timesteps = sampler_timesteps(SamplerName.DDPM, steps)
    ascending = list(reversed(timesteps))
    assert ascending == reference[f"s{steps}_timesteps"].tolist()
    alpha_bar = schedule.alpha_bar[ascending]
    torch.testing.assert_close(
        alpha_bar, reference[f"s{steps}_alphas_cumprod"], atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("steps", [5, 20, 50])
def test_posterior_is_the_published_one(schedule, reference, steps):
    """Feed (clean, latent, noise) = unit vectors, and read the coefficients off the step."""
    one, zero = torch.ones(1, 4, 1, 1).double(), torch.zeros(1, 4, 1, 1).double()
    timesteps = sampler_timesteps(SamplerName.DDPM, steps)
    for position, timestep in enumerate(timesteps[:-1]):
        index = steps - 1 - position
        pair = timesteps[position : position + 2]
        signal = schedule.alpha_bar[timestep].item()

        def step(latent, clean, noise, pair=pair, signal=signal):
            epsilon = (latent - signal**0.5 * clean) / (1 - signal) ** 0.5
            first = next(
                sampler_steps(
                    SamplerName.DDPM,
                    latent,
                    lambda _l, _t: epsilon,
                    schedule,
                    pair,
                    lambda: noise,
                )
            )
            return first.latent.flatten()[0].item()

        assert step(zero, one, zero) == pytest.approx(
            reference[f"s{steps}_posterior_mean_coef1"][index].item(), rel=1e-9
        )
        assert step(one, zero, zero) == pytest.approx(
            reference[f"s{steps}_posterior_mean_coef2"][index].item(), rel=1e-9
        )
        assert step(zero, zero, one) ** 2 == pytest.approx(
            reference[f"s{steps}_posterior_variance"][index].item(), rel=1e-9
        )


@pytest.mark.parametrize("guidance_scale", [1, 5])
def test_ddpm_walks_the_published_trajectory(schedule, reference, predict, guidance_scale):
    noise = iter(reference["noise"])
    steps = list(
        sampler_steps(
            SamplerName.DDPM,
            reference["x_T"],
            lambda latent, timestep: predict(latent, timestep, guidance_scale),
            schedule,
            sampler_timesteps(SamplerName.DDPM, 5),
            lambda: next(noise),
        )
    )
    for step, expected in zip(steps, reference[f"cfg{guidance_scale}_traj"], strict=True):
        check(step.latent, expected)
    check(steps[-1].latent, reference[f"cfg{guidance_scale}_x0"])


@pytest.mark.parametrize(("guidance_scale", "name"), [(1, "nocfg"), (5, "cfg5")])
def test_ddim_arrives_where_the_published_one_does(
    schedule, reference, predict, guidance_scale, name
):
    *_, last = sampler_steps(
        SamplerName.DDIM,
        reference["x_T"],
        lambda latent, timestep: predict(latent, timestep, guidance_scale),
        schedule,
        reference["ddim5_timesteps"].tolist()[::-1],
        lambda: pytest.fail("DDIM draws no noise."),
        final_alpha_bar=schedule.alpha_bar[0].item(),
    )
    check(last.latent, reference[f"ddim5_{name}_x0"])
