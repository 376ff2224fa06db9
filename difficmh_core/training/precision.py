"""Where training computes in bfloat16."""

import torch

__all__ = ["has_bfloat16"]


def has_bfloat16(device_type: str) -> bool:
    """Return whether matrix products and convolutions are fast in bfloat16 on a kind of device.

    Args:
        device_type: As in ``torch.device.type``; anything but ``cpu`` and ``cuda`` says no.
    """
    if device_type == "cpu":
        # With AVX2 alone, a convolution in bfloat16 took 5 to 300 times as long as in single
        # precision, measured.
        return torch.backends.cpu.get_cpu_capability() == "AVX512"
    return device_type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
