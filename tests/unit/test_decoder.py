"""The diffusion decoder: reproducible, guided in one batch, stopped at any step."""

import copy
import logging
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.profiles import TINY
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.cross_attention import cross_attentions
from difficmh_core.diffusion.cuda_graph import Recorded
from difficmh_core.diffusion.decoder import DiffusionDecoder
from difficmh_core.diffusion.noise import PortableNoise
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import ConfigError

CONFIG = TINY
SEED = 231
SETTINGS = DecodeSettings(steps=20, guidance_scale=2.0, sampler=SamplerName.DPM_SOLVER)


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    module = ControlledUNet(DenoisingUNet(CONFIG.unet), ControlModule(CONFIG.unet, CONFIG.control))
    module.control.initialize_from(module.base)
    for layer in (*module.control.to_encoder, *module.control.to_decoder):
        torch.nn.init.normal_(layer.weight, std=0.2)
    return module.eval()


@pytest.fixture(scope="module")
def decoder(unet):
    return DiffusionDecoder(unet, NoiseSchedule(CONFIG.schedule))


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(4)
    return (
        torch.randn(1, 4, 8, 12, generator=generator),
        torch.randn(1, 16, 16, generator=generator),
        torch.randn(1, 16, 16, generator=generator),
    )


def decode(decoder, inputs, seed=SEED, **settings):
    *_, last = decoder.steps(*inputs, replace(SETTINGS, **settings), seed)
    return last.latent


def watch_steps(unet, see):
    """Call ``see(latent, timesteps)`` at every evaluation of the U-Net; returns what ends it."""
    times = []
    first = unet.base.time_embedding.register_forward_hook(
        lambda _m, given, _o: times.append(given[0])
    )
    second = unet.base.encoder[0].register_forward_hook(
        lambda _m, given, _o: see(given[0], times.pop())
    )
    ends = ExitStack()
    ends.callback(first.remove)
    ends.callback(second.remove)
    return ends


@pytest.mark.parametrize("start", [1.0, 0.4])
@pytest.mark.parametrize("sampler", list(SamplerName))
@pytest.mark.parametrize("steps", [1, 3])
def test_same_seed_gives_the_same_latent(decoder, inputs, sampler, steps, start):
    settings = {"sampler": sampler, "steps": steps, "start": start}
    first = decode(decoder, inputs, **settings)
    assert torch.equal(decode(decoder, inputs, **settings), first)
    assert not torch.equal(decode(decoder, inputs, seed=SEED + 1, **settings), first)
    assert torch.isfinite(first).all()
    assert not first.requires_grad


def test_guidance_in_one_batch_is_two_passes(unet, decoder, inputs):
    content, context, unconditional = inputs
    settings = DecodeSettings(
        steps=1, guidance_scale=5.0, sampler=SamplerName.DDIM, control_scale=0.5
    )
    (step,) = decoder.steps(*inputs, settings, SEED)
    latent, timesteps = PortableNoise(SEED).draw(content), torch.tensor([999])
    with torch.no_grad():
        with_tags, without = (
            unet(latent, timesteps, rows, content, 0.5) for rows in (context, unconditional)
        )
    prediction = without + 5 * (with_tags - without)
    clean, _ = NoiseSchedule(CONFIG.schedule).clean_and_noise(latent, prediction, timesteps)
    torch.testing.assert_close(step.clean, clean, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(step.latent, step.clean)


def test_without_guidance_one_pass_runs(unet, decoder, inputs):
    batches = []
    handle = watch_steps(unet, lambda _latent, timesteps: batches.append(len(timesteps)))
    decode(decoder, inputs, steps=2, guidance_scale=1.0)
    decode(decoder, inputs, steps=1, guidance_scale=2.0)
    handle.close()
    assert batches == [1, 1, 2]


def test_guidance_acts_in_its_interval_only(unet, decoder, inputs):
    seen = []
    handle = watch_steps(unet, lambda latent, times: seen.append((int(times[0]), len(latent))))
    settings = {"steps": 4, "guidance_scale": 3.0, "sampler": SamplerName.DDIM}
    inside = decode(decoder, inputs, **settings, guidance_interval=(0.3, 0.8))
    handle.close()
    assert seen == [(999, 1), (749, 2), (499, 2), (249, 1)]
    nowhere = decode(decoder, inputs, **settings, guidance_interval=(0.0, 0.0))
    assert not torch.equal(inside, nowhere)
    assert torch.equal(nowhere, decode(decoder, inputs, **settings | {"guidance_scale": 1.0}))


def test_what_stays_the_same_is_computed_once(unet, decoder, inputs):
    asked, transformers = [], cross_attentions(unet)
    handles = ExitStack()
    for layer in transformers:
        attention = layer.transformer_blocks[0].attn2
        for linear in (attention.to_k, attention.to_v):
            handle = linear.register_forward_hook(lambda module, *_: asked.append(module))
            handles.callback(handle.remove)
    with handles:
        decode(decoder, inputs, steps=3, guidance_scale=2.0, guidance_interval=(0.3, 0.8))
    assert len(asked) == len(set(asked)) == 2 * len(transformers) > 0


def test_what_is_computed_once_is_what_each_step_would_compute(unet, inputs):
    content, context, _ = inputs
    latent, timesteps = torch.randn_like(content), torch.tensor([321])
    with torch.no_grad():
        projected, hint = unet.project(context), unet.control.hint(content)
        for scale in (1.0, 0.5, 0.0):
            expected = unet(latent, timesteps, context, content, scale)
            prepared = unet.prepared(latent, timesteps, projected, hint, scale)
            torch.testing.assert_close(prepared, expected, atol=1e-5, rtol=1e-5)


def test_without_recording_the_result_is_the_same_and_a_warning_says_so(
    unet, inputs, caplog, monkeypatch
):
    def refuse(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore words")

    content, context, _ = inputs
    recorded, timesteps = Recorded(unet.prepared), torch.tensor([500])
    monkeypatch.setattr(recorded, "_record", refuse)
    with torch.no_grad(), caplog.at_level(logging.WARNING):
        projected, hint = unet.project(context), unet.control.hint(content)
        for _ in range(2):
            given = recorded(content, timesteps, projected, hint, option=0.5)
            assert torch.equal(given, unet.prepared(content, timesteps, projected, hint, 0.5))
    (warning,) = caplog.messages
    assert "(CUDA out of memory. Tried to allocate 2 GiB). They are launched one" in warning


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_recorded_kernels_do_what_the_network_does(unet, inputs):
    network, given = copy.deepcopy(unet).cuda(), [value.cuda() for value in inputs]
    recorded = Recorded(network.prepared)
    with torch.inference_mode():
        projected, hint = network.project(given[1]), network.control.hint(given[0])
    for timestep, option in ((900, 1.0), (100, 1.0), (100, 0.5)):
        timesteps = torch.tensor([timestep], device="cuda")
        prepared = (given[0], timesteps, projected, hint)
        with torch.inference_mode():
            ours = recorded(*prepared, option=option)
            expected = network(given[0], timesteps, given[1], given[0], option)
        torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def test_a_late_start_noises_the_content(unet, decoder, inputs):
    content = inputs[0]
    latents = []
    handle = watch_steps(unet, lambda *given: latents.append(given))
    decode(decoder, inputs, steps=1, guidance_scale=1.0, start=0.25)
    handle.close()
    schedule, timesteps = NoiseSchedule(CONFIG.schedule), torch.tensor([249])
    expected = schedule.add_noise(content, PortableNoise(SEED).draw(content), timesteps)
    assert torch.equal(latents[0][0], expected)
    assert torch.equal(latents[0][1], timesteps)


def test_gradients_are_off_inside_and_on_between_the_steps(decoder, inputs):
    steps = decoder.steps(*inputs, replace(SETTINGS, steps=3), SEED)
    first = next(steps)
    assert first.index == 1
    assert not first.latent.requires_grad
    assert torch.is_grad_enabled()
    steps.close()
    assert torch.is_grad_enabled()


def test_half_precision_stays_inside(inputs):
    torch.manual_seed(0)
    unet = ControlledUNet(DenoisingUNet(CONFIG.unet), ControlModule(CONFIG.unet, CONFIG.control))
    exact, half = (
        decode(DiffusionDecoder(each, NoiseSchedule(CONFIG.schedule)), inputs, steps=2)
        for each in (unet.eval(), deepcopy(unet).bfloat16())
    )
    assert half.dtype == torch.float32
    assert 0 < (half - exact).abs().mean() < 0.05


def test_more_steps_than_a_late_start_leaves_are_refused(decoder, inputs):
    with pytest.raises(ConfigError, match="leaves 10 of 1000"):
        decode(decoder, inputs, steps=11, start=0.01)
