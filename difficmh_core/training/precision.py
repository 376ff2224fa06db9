"""Where training computes in bfloat16, and what it computes on."""

import platform

import torch


def has_bfloat16(device_type: str) -> bool:
    """Tell whether matrix products and convolutions are fast in bfloat16 on a kind of device.

    Args:
        device_type: As in ``torch.device.type``; anything but ``cpu`` and ``cuda`` says no.
    """
    if device_type == "cpu":
        # With AVX2 alone, a convolution in bfloat16 took 5 to 300 times as long as in single
        # precision, measured.
        return torch.backends.cpu.get_cpu_capability() == "AVX512"
    return device_type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def device_name(device: torch.device, *, in_bfloat16: bool, n_processes: int) -> str:
    """Describe what a stage runs on, for the cards of its weights.

    Args:
        device: Of one process.
        in_bfloat16: Whether matrix products run in bfloat16.
        n_processes: How many were started together.
    """
    precision = "bfloat16" if in_bfloat16 else "single precision"
    if device.type == "cuda":
        name = f"{torch.cuda.get_device_name(device)} ({precision})"
    else:
        threads = torch.get_num_threads()
        name = f"{device.type.upper()} ({platform.machine()}, {threads} threads, {precision})"
    return name if n_processes == 1 else f"{n_processes} x {name}"
