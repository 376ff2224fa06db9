"""Load a profile and read every weight of it once, tagger included.

    python -m benchmarks.full_size.reading CACHE_DIR RATE

What is read in this way is in memory in the end, once or more often: the peak of this process
beside the size of the files says how often.
"""

import sys
from pathlib import Path
from typing import cast

import torch
from torch import nn

from difficmh_core.models.load import load_codec
from difficmh_core.tagging.ram import RamTagger


def main() -> None:
    """Load, and add up every weight."""
    codec = load_codec("sd21", cache_dir=Path(sys.argv[1]), rate=int(sys.argv[2]))
    networks, tagger = codec.networks, codec._tagger()
    modules = [networks.autoencoder, networks.latent_codec, networks.unet]
    modules += [cast(nn.Module, networks.conditioner), cast(RamTagger, tagger).network]
    total, n_bytes = torch.zeros((), dtype=torch.float64), 0
    for module in modules:
        for value in module.parameters():
            total += value.sum(dtype=torch.float64)
            n_bytes += value.nbytes
    print(f"{n_bytes / 1e9:.3f} GB, sum {total.item():.3f}")


if __name__ == "__main__":
    main()
