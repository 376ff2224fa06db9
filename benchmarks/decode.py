"""How fast a profile's networks decode, beside the plain way of the same size.

    python -m benchmarks.decode [--profile sd21] [--device cuda] [--sizes 512x512 768x512]
                                [--steps 20 50] [--guidance 5] [--out results/decode.json]

Weights are random: time does not depend on them. For each size and number of steps: milliseconds
from the content latent to the picture, denoising steps per second, the share of the device's
matrix peak (measured by one large product in the same run) that the counted operations reach,
peak memory, and the seconds to the first picture after the weights are there. Beside it, in the
same run, element type and memory format, an eager loop over diffusers' U-Net and ControlNet of the
profile's sizes: what a user would write.

Without a GPU, ``--profile tiny --sizes 128x128 --steps 2`` runs all of it in seconds.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.memory import CONFIGS, LiveTensors
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.networks import CodecConfig
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.decoder import DiffusionDecoder
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.models.sd21 import AUTOENCODER_TILING

_N_TOKENS = 77
_PEAK_SIDE = 8192
_REPEATS = 3

Decode = Callable[[Tensor, int], Tensor]
"""From a content latent and a number of steps to a picture."""
Maker = Callable[[CodecConfig, float, torch.device, torch.dtype], tuple[Decode, list[nn.Module]]]
"""From settings, guidance, device and element type to what decodes, and its networks."""


def ours(
    config: CodecConfig, guidance: float, device: torch.device, dtype: torch.dtype
) -> tuple[Decode, list[nn.Module]]:
    """Return decoding by this project."""
    unet = ControlledUNet(DenoisingUNet(config.unet), ControlModule(config.unet, config.control))
    autoencoder = Autoencoder(config.autoencoder)
    for module in (unet, autoencoder):
        module.requires_grad_(requires_grad=False).eval().to(device, dtype)
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.autoencoder.patch_px == 1:
        autoencoder.tiling = AUTOENCODER_TILING
    decoder = DiffusionDecoder(unet, NoiseSchedule(config.schedule))
    context = torch.randn(1, _N_TOKENS, config.unet.context_channels, device=device)

    def decode(content: Tensor, steps: int) -> Tensor:
        settings = DecodeSettings(
            steps=steps, guidance_scale=guidance, sampler=SamplerName.DDIM, seed=0
        )
        *_, last = decoder.steps(content, context, torch.zeros_like(context), settings, 0)
        return autoencoder.decode(last.latent)

    return decode, [unet, autoencoder]


def plain(
    config: CodecConfig, guidance: float, device: torch.device, dtype: torch.dtype
) -> tuple[Decode, list[nn.Module]]:
    """Return the loop over diffusers' U-Net and ControlNet of the same widths."""
    from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel

    widths, levels = config.unet.block_channels, config.unet.attention_levels
    channels = config.unet.diffusion_channels
    shared = {
        "in_channels": channels,
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
    unet = UNet2DConditionModel(out_channels=channels, up_block_types=up_blocks, **shared)
    control = ControlNetModel(conditioning_channels=channels, **shared)
    # The stem of ControlNet reads pictures; here it reads the latent, as large as it is.
    control.controlnet_cond_embedding = torch.nn.Conv2d(channels, widths[0], 3, padding=1)
    autoencoder = Autoencoder(config.autoencoder)
    for module in (unet, control, autoencoder):
        module.requires_grad_(requires_grad=False).eval().to(device, dtype)
        module.to(memory_format=torch.channels_last)
    context = torch.randn(2, _N_TOKENS, config.unet.context_channels, device=device, dtype=dtype)

    def decode(content: Tensor, steps: int) -> Tensor:
        scheduler = DDIMScheduler(beta_schedule="scaled_linear")
        scheduler.set_timesteps(steps, device="cpu" if device.type == "meta" else device)
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

    return decode, [unet, control, autoencoder]


OURS, PLAIN = "this project", "diffusers, eager"
WAYS: Mapping[str, Maker] = {OURS: ours, PLAIN: plain}


def peak_of(device: torch.device, dtype: torch.dtype) -> float:
    """Return the operations per second that a large matrix product reaches [FLOP/s]."""
    side = _PEAK_SIDE if device.type == "cuda" else _PEAK_SIDE // 4
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / timed(lambda: a @ b, device)


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Return the median time of a run, after one that is not counted [s]."""
    seconds = [seconds_of(run, device) for _ in range(_REPEATS + 1)]
    return sorted(seconds[1:])[_REPEATS // 2]


def seconds_of(run: Callable[[], object], device: torch.device) -> float:
    """Return the time of one run, until the device is done [s]."""
    _wait(device)
    began = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def operations(make: Maker, config: CodecConfig, guidance: float, size: str) -> tuple[int, int]:
    """Return the operations of decoding in one step, and of each further step [FLOP].

    They are counted on shapes alone, where nothing is recorded: a recorded network is launched as
    one kernel, of which a counter sees nothing.
    """
    with torch.device("meta"):
        decode, _ = make(config, guidance, torch.device("meta"), torch.bfloat16)
    content, counts = latent(config, size), list[int]()
    for steps in (1, 2):
        with FlopCounterMode(display=False) as counter:
            decode(content, steps)
        counts.append(counter.get_total_flops())
    return counts[0], counts[1] - counts[0]


def latent(config: CodecConfig, size: str, device: torch.device | str = "meta") -> Tensor:
    """Return a content latent for a picture of ``width x height`` [px]."""
    width, height = (int(side) for side in size.split("x"))
    channels = config.unet.diffusion_channels
    return torch.randn(1, channels, height // 8, width // 8, device=device)


def peak_memory_gb(
    run: Callable[[], object], networks: Sequence[nn.Module], device: torch.device
) -> float:
    """Return the most memory that a run holds, weights included [GB].

    On CUDA it is what the allocator gave out. Elsewhere the tensors are counted.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        run()
        return torch.cuda.max_memory_allocated(device) / 1e9
    with LiveTensors(networks) as live:
        run()
    weights = sum(value.nbytes for network in networks for value in network.state_dict().values())
    return (weights + live.peak_bytes) / 1e9


@torch.no_grad()
def measured(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Yield one line for each way, size and number of steps."""
    device = torch.device(arguments.device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    peak = peak_of(device, dtype)
    for way in WAYS:  # one after the other: the second must not count the first one's memory
        yield from _measured_way(way, arguments, device, dtype, peak)


def _measured_way(
    way: str,
    arguments: argparse.Namespace,
    device: torch.device,
    dtype: torch.dtype,
    peak: float,
) -> Iterator[dict[str, object]]:
    config, guidance = CONFIGS[arguments.profile], arguments.guidance
    decode, networks = WAYS[way](config, guidance, device, dtype)
    for size in arguments.sizes:
        content = latent(config, size, device)
        one_step, a_step = operations(WAYS[way], config, guidance, size)
        first_s = seconds_of(lambda: decode(content, arguments.steps[0]), device)  # noqa: B023
        for steps in arguments.steps:
            seconds = timed(lambda: decode(content, steps), device)  # noqa: B023
            memory = peak_memory_gb(lambda: decode(content, 2), networks, device)  # noqa: B023
            n_operations = one_step + (steps - 1) * a_step
            yield {
                "way": way,
                "profile": arguments.profile,
                "device": device_name(device),
                "size": size,
                "steps": steps,
                "guidance": guidance,
                "dtype": str(dtype).removeprefix("torch."),
                "ms": round(1000 * seconds, 1),
                "steps_per_s": round(steps / seconds, 2),
                "tflop": float(f"{n_operations / 1e12:.4g}"),
                "share_of_peak": round(n_operations / seconds / peak, 3),
                "peak_tflop_per_s": float(f"{peak / 1e12:.4g}"),
                "memory_gb": float(f"{memory:.3g}"),
                "first_picture_s": round(first_s, 2),
            }


def device_name(device: torch.device) -> str:
    """Return the name of the device; a CPU says how many threads it works with."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"


def factors(lines: Sequence[dict[str, object]]) -> list[str]:
    """Tell the speed-up of this project, one sentence for each size and step count."""
    ms = {(line["way"], line["size"], line["steps"]): float(str(line["ms"])) for line in lines}
    return [
        f"{size} px, {steps} steps: {ms[PLAIN, size, steps] / own:.2f} times as fast as {PLAIN}"
        for (way, size, steps), own in ms.items()
        if way == OURS and (PLAIN, size, steps) in ms
    ]


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
        arguments.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(*factors(kept), sep="\n")


if __name__ == "__main__":
    main()
