"""How fast a profile's networks decode, beside the plain way of the same size.

    python -m benchmarks.decode [--profile sd21] [--device cuda] [--sizes 512x512 768x512]
                                [--steps 20 50] [--guidance 5] [--out results/decode.json]

Weights are random: time does not depend on them. For each size and number of steps: milliseconds
from the content latent to the picture, denoising steps per second, the share of the device's
matrix peak (measured by one large product in the same run) that the counted operations reach, and
peak memory. Beside it, in the same run, element type and memory format, an eager loop over
diffusers' U-Net and ControlNet of the profile's sizes: what a user would write.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from difficmh_core.config import CodecConfig, DecodeSettings, SamplerName
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.decoder import DiffusionDecoder
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.profiles import NANO
from difficmh_core.sd21 import SD21

CONFIGS = {"sd21": SD21, "nano": NANO, "tiny": CodecConfig.tiny()}
_N_TOKENS = 77
_PEAK_SIDE = 8192
_REPEATS = 3

Decode = Callable[[Tensor, int], Tensor]
"""From a content latent and a number of steps to a picture."""


def ours(config: CodecConfig, guidance: float, device: torch.device, dtype: torch.dtype) -> Decode:
    """Return decoding by this project."""
    unet = ControlledUNet(DenoisingUNet(config.unet), ControlModule(config.unet, config.control))
    autoencoder = Autoencoder(config.autoencoder)
    for module in (unet, autoencoder):
        module.requires_grad_(requires_grad=False).eval().to(device, dtype)
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    decoder = DiffusionDecoder(unet, NoiseSchedule(config.schedule))
    context = torch.randn(1, _N_TOKENS, config.unet.context_channels, device=device)

    def decode(content: Tensor, steps: int) -> Tensor:
        settings = DecodeSettings(
            steps=steps, guidance_scale=guidance, sampler=SamplerName.DDIM, seed=0
        )
        *_, last = decoder.steps(content, context, torch.zeros_like(context), settings, 0)
        return autoencoder.decode(last.latent)

    return decode


def plain(
    config: CodecConfig, guidance: float, device: torch.device, dtype: torch.dtype
) -> Decode:
    """Return the loop over diffusers' U-Net and ControlNet of the same widths."""
    from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel

    widths, levels = config.unet.block_channels, config.unet.attention_levels
    shared = {
        "in_channels": 4,
        "block_out_channels": widths,
        "layers_per_block": config.unet.layers_per_block,
        "cross_attention_dim": config.unet.context_channels,
        "attention_head_dim": [width // config.unet.head_channels for width in widths],
        "use_linear_projection": True,
        "norm_num_groups": config.unet.norm_groups,
        "down_block_types": tuple(
            "CrossAttnDownBlock2D" if has_attention else "DownBlock2D" for has_attention in levels
        ),
    }
    up_blocks = tuple(
        "CrossAttnUpBlock2D" if has_attention else "UpBlock2D"
        for has_attention in reversed(levels)
    )
    unet = UNet2DConditionModel(up_block_types=up_blocks, **shared)
    control = ControlNetModel(conditioning_channels=4, **shared)
    # The stem of ControlNet reads pictures; here it reads the latent, as large as it is.
    control.controlnet_cond_embedding = torch.nn.Conv2d(4, widths[0], 3, padding=1)
    autoencoder = Autoencoder(config.autoencoder)
    for module in (unet, control, autoencoder):
        module.requires_grad_(requires_grad=False).eval().to(device, dtype)
        module.to(memory_format=torch.channels_last)
    context = torch.randn(2, _N_TOKENS, config.unet.context_channels, device=device, dtype=dtype)

    def decode(content: Tensor, steps: int) -> Tensor:
        scheduler = DDIMScheduler(beta_schedule="scaled_linear")
        scheduler.set_timesteps(steps, device=device)
        latent = torch.randn_like(content)
        hint = torch.cat([content, content]).to(dtype)
        for timestep in scheduler.timesteps:
            both = torch.cat([latent, latent]).to(dtype)
            down, middle = control(both, timestep, context, hint, return_dict=False)
            (noise,) = unet(
                both,
                timestep,
                context,
                down_block_additional_residuals=down,
                mid_block_additional_residual=middle,
                return_dict=False,
            )
            conditional, unconditional = noise.float().chunk(2)
            guided = unconditional + guidance * (conditional - unconditional)
            latent = scheduler.step(guided, timestep, latent).prev_sample
        return autoencoder.decode(latent)

    return decode


def peak_of(device: torch.device, dtype: torch.dtype) -> float:
    """Return the operations per second that a large matrix product reaches [FLOP/s]."""
    side = _PEAK_SIDE if device.type == "cuda" else _PEAK_SIDE // 4
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / timed(lambda: a @ b, device)


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Return the median time of a run, after one that is not counted [s]."""
    seconds = list[float]()
    for _ in range(_REPEATS + 1):
        _wait(device)
        began = time.perf_counter()
        run()
        _wait(device)
        seconds.append(time.perf_counter() - began)
    return sorted(seconds[1:])[_REPEATS // 2]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@torch.inference_mode()
def measured(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Yield one line for each way, size and number of steps."""
    device = torch.device(arguments.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    config = CONFIGS[arguments.profile]
    peak = peak_of(device, dtype)
    for name, make in {"this project": ours, "diffusers, eager": plain}.items():
        began = time.perf_counter()
        decode = make(config, arguments.guidance, device, dtype)
        for size in arguments.sizes:
            width, height = (int(side) for side in size.split("x"))
            content = torch.randn(1, 4, height // 8, width // 8, device=device)
            with FlopCounterMode(display=False) as counter:
                decode(content, 1)
            one_step = counter.get_total_flops()
            with FlopCounterMode(display=False) as counter:
                decode(content, 2)
            a_step = counter.get_total_flops() - one_step
            first_s = time.perf_counter() - began
            for steps in arguments.steps:
                if device.type == "cuda":
                    torch.cuda.reset_peak_memory_stats(device)
                seconds = timed(lambda: decode(content, steps), device)  # noqa: B023
                memory = (
                    torch.cuda.max_memory_allocated(device) / 1e9
                    if device.type == "cuda"
                    else math.nan
                )
                n_operations = one_step + (steps - 1) * a_step
                yield {
                    "way": name,
                    "size": size,
                    "steps": steps,
                    "guidance": arguments.guidance,
                    "dtype": str(dtype).removeprefix("torch."),
                    "ms": round(1000 * seconds, 1),
                    "steps_per_s": round(steps / seconds, 2),
                    "tflop": float(f"{n_operations / 1e12:.4g}"),
                    "share_of_peak": round(n_operations / seconds / peak, 3),
                    "peak_tflop_per_s": float(f"{peak / 1e12:.4g}"),
                    "memory_gb": None if math.isnan(memory) else round(memory, 2),
                    "first_picture_s": round(first_s, 1),
                }


def main() -> None:
    """Measure, print every line, and keep them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="sd21", choices=list(CONFIGS))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--sizes", nargs="+", default=["512x512", "768x512"])
    parser.add_argument("--steps", nargs="+", type=int, default=[20, 50])
    parser.add_argument("--guidance", type=float, default=5.0)
    parser.add_argument("--out", type=Path, default=Path("results/decode.json"))
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    kept = list[dict[str, object]]()
    for line in measured(arguments):
        print(json.dumps(line), flush=True)
        kept.append(line)
        arguments.out.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
