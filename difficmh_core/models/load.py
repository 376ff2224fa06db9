"""Loading a profile: its networks, filled with its weights, as one codec."""

from pathlib import Path

import torch

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.profiles import DEFAULT_RATE, profile_of
from difficmh_core.errors import BackendUnavailableError
from difficmh_core.models.nano import load_nano, load_tiny
from difficmh_core.weights.network_card import NANO_FOLDER


def load_codec(
    name: str = "nano",
    *,
    device: torch.device | str = "cpu",
    cache_dir: Path | None = None,
    weights_folder: Path = NANO_FOLDER,
    rate: int = DEFAULT_RATE,
) -> DiffICMHCodec:
    """Load a profile.

    Args:
        name: ``nano``, ``sd21`` or ``tiny``.
        device: Where to run the networks.
        cache_dir: Where fetched weights lie; ``None`` takes the default cache.
        weights_folder: Where nano's weights lie, if not the packaged ones.
        rate: One of sd21's :attr:`Profile.rates`; a larger one makes smaller files.

    Raises:
        ConfigError: If there is no such profile or rate.
        BackendUnavailableError: If the profile's weights or the device are absent.
        CheckpointError: If the profile's weights are damaged.
    """
    if not is_present(device):
        raise BackendUnavailableError(
            f"There is no device {str(device)!r} here. Use the device 'cpu'."
        )
    folder = cache_dir or cache_folder()
    match profile_of(name).name:
        case "nano":
            return load_nano(device, folder, weights_folder)
        case "tiny":
            return load_tiny(device, folder)
        case _:
            from difficmh_core.models.sd21 import load_sd21  # its tagger needs torchvision, slow

            return load_sd21(device, folder, rate)


def is_present(device: torch.device | str) -> bool:
    """Tell whether networks can run on a device here."""
    kind = torch.device(device).type
    return torch.cuda.is_available() if kind == "cuda" else True


def cost_notice(name: str, device: torch.device | str) -> str | None:
    """Tell what a profile would take on this device, if it would take long."""
    return None if torch.device(device).type == "cuda" else profile_of(name).cost_on_cpu
