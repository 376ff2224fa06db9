"""What tells one set of trained networks from another.

The fingerprint in a file covers what decides symbols, no more: with it, many decoders read a file.
Whoever keeps decoded pictures, or measures of them, must tell these decoders apart, too.
"""

import hashlib

import torch

from difficmh_core.codec import DiffICMHCodec

_KEY_VALUES = 4096
"""Of each tensor: enough to tell trained networks apart, and quick for large ones."""


def model_key(codec: DiffICMHCodec) -> str:
    """A SHA-256, in hexadecimal, that other networks do not have, decoders included."""
    digest = hashlib.sha256(codec.fingerprint)
    networks = codec.networks
    for module in (networks.autoencoder, networks.latent_codec, networks.unet, networks.preview):
        for name, tensor in module.state_dict().items():
            values = tensor.detach().flatten()[:_KEY_VALUES].to("cpu", torch.float64)
            digest.update(name.encode() + values.numpy().tobytes())
    return digest.hexdigest()
