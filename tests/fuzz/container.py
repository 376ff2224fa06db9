"""The ``.dicmh`` container, its tags, range decoder and corrections, behind checksums that fit."""

from dataclasses import replace
from functools import cache

import torch

from difficmh_core._support.threads import one_thread
from difficmh_core.bitstream.container import Bitstream, Limits
from difficmh_core.compression.gains import without_gain
from difficmh_core.errors import BitstreamError, ImageError
from difficmh_core.models.load import load_codec
from tests.fuzz.dicmh import CRC_BYTES, NANO, TINY, repaired, with_crc

REFUSALS = (BitstreamError, ImageError)
"""What reading a file may raise."""
PROFILES = {NANO: "nano", TINY: "tiny"}
_LIMITS = Limits(max_pixels=1 << 18)
"""Larger pictures would show nothing more, slowly."""
_BLOCK_PX = 64


class FileReader:
    """Reads files of one profile up to their latents, as the codec does."""

    def __init__(self, profile):
        self.codec = load_codec(profile)
        self._latent_codec = self.codec.networks.latent_codec
        # The codec copies its networks for each file; that takes longer than to read a small one.
        self._coder = self._latent_codec.symbol_coder(0)
        self._coder_at = cache(self._at_level)

    def _at_level(self, level):
        quality = torch.tensor([level / 255], dtype=torch.float64)
        gain = torch.ones_like(self._coder.inverse_hyper_gain)
        gain = without_gain(self._latent_codec.hyper_gains, gain, quality)
        return replace(self._coder, inverse_hyper_gain=gain)

    @torch.no_grad()
    @one_thread()  # more would wait for each other longer than small files take
    def read(self, data, limits=None):
        """The parsed file, and its latents."""
        stream = self.codec.parse(Bitstream.from_bytes(data, limits=limits))
        size_64 = tuple(side // _BLOCK_PX for side in stream.padded_size_px)
        coder = self._coder_at(stream.quality_level)
        return stream, coder.decode(stream.latent, size_64)


@cache
def readers():
    """One reader for each profile, by its number in the file."""
    return {number: FileReader(name) for number, name in PROFILES.items()}


@one_thread()
def fuzz(data):
    """Read bytes as they are, with a checksum that fits, and with a whole frame that fits."""
    fingerprints = {number: reader.codec.fingerprint for number, reader in readers().items()}
    frames = (data, with_crc(data[:-CRC_BYTES]), repaired(data, fingerprints))
    for candidate in dict.fromkeys(frames):
        try:
            stream = Bitstream.from_bytes(candidate, limits=_LIMITS)
        except REFUSALS:
            continue
        if stream.to_bytes() != candidate:
            raise AssertionError(f"{candidate.hex()} was read, but is written as another file")
        check_latents(candidate, stream)


def check_latents(data, stream):
    """Decode what a file stores; a picture's worth of numbers, or a refusal."""
    number = next((n for n, name in PROFILES.items() if name == stream.profile), TINY)
    reader = readers()[number]
    try:
        _, latents = reader.read(data, _LIMITS)
    except REFUSALS:
        return
    latent_codec = reader.codec.networks.latent_codec
    quality = torch.tensor([stream.quality_level / 255], dtype=torch.float64)
    with torch.no_grad():
        content = latent_codec.synthesize(latents.y_hat, latents.z_hat, quality)
    rows, columns = (-(-side // _BLOCK_PX) * 8 for side in (stream.height_px, stream.width_px))
    if content.shape[-2:] != (rows, columns):
        raise AssertionError(f"{stream} has a content latent of the shape {content.shape}")
