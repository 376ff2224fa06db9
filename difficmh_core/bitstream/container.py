"""The container: what a ``.dicmh`` file holds, byte for byte.

======  ====  ===========  ====================================================================
offset  size  field        meaning
======  ====  ===========  ====================================================================
0       3     magic        ``d1 43 4d``; the first byte keeps text tools away
3       1     version      1
4       1     profile      which networks: 1 ``nano``, 2 ``sd21``, 255 ``tiny`` (for tests)
5       1     quality      quality level, 0 (smallest file) to 255
6       4     fingerprint  of everything that decides symbols; the profile's weights must match
10      1-3   height       height of the original picture [px], LEB128, 1 to 65535
..      1-3   width        width of the original picture [px], LEB128, 1 to 65535
..      1     n_tags       number of tags, 0 to 255
..      1-5   n_payload    size of the payload [bytes], LEB128
..      1-5   n_correct    size of the corrections [bytes], LEB128
..      ..    tags         rank of the set of tag ids, see :mod:`.set_code`; its size follows
                           from n_tags and the profile's vocabulary
..      ..    payload      hyper-latent and latent, see :mod:`.range_coder`
..      ..    corrections  choices that another machine might make differently; normally empty
-6      2     check        over the decoded integers, big-endian
-4      4     crc32        CRC-32 (as in zlib) of all bytes before it, big-endian
======  ====  ===========  ====================================================================

A 768x512 picture spends 24 bytes on everything but tags, payload and corrections. Numbers in
LEB128 are in their shortest form, so that equal contents have equal bytes.

A range decoder turns damaged bytes into wrong integers without complaint, so the CRC-32 is what
stands between a flipped bit and a plausible but false picture. The check over the integers tells
damage from a decoder whose arithmetic has gone astray.
"""

import struct
import zlib
from dataclasses import dataclass

from difficmh_core.bitstream.coded_latent import CodedLatent
from difficmh_core.bitstream.leb128 import read_leb128, write_leb128
from difficmh_core.bitstream.set_code import decode_set, encode_set, set_code_bytes
from difficmh_core.config.networks import PIXELS_PER_BLOCK, QUALITY_MAX, quality_share
from difficmh_core.config.profiles import NUMBERED_PROFILES, PROFILES
from difficmh_core.errors import (
    BitstreamError,
    ConfigError,
    CorruptBitstreamError,
    ImageError,
    TruncatedBitstreamError,
)

_MAGIC = b"\xd1CM"
_VERSION = 1
_FIXED = struct.Struct(">3sBBB4s")
_SYMBOL_CHECK = struct.Struct(">H")
_CRC = struct.Struct(">I")
_CHECKS_BYTES = _SYMBOL_CHECK.size + _CRC.size
_MAX_SIDE_PX = 65535
_MAX_BYTE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a file may ask of the machine that reads it; checked before anything is allocated.

    Time and memory grow with the pixels that a file announces, however few bytes it has: a plain
    picture of four megapixels takes 1.5 kB. A damaged file costs at most what a good one of the
    same size does, so ``max_pixels`` is the limit of both.

    Attributes:
        max_pixels: Largest height times width [px].
        max_side_px: Largest height or width [px], at most 65535.
        max_tags: Most tags, at most 255.
        max_payload_bytes: Largest payload, and largest corrections [bytes].
    """

    max_pixels: int = 64_000_000
    max_side_px: int = _MAX_SIDE_PX
    max_tags: int = 64
    max_payload_bytes: int = 1 << 24

    def check_picture(self, *, height_px: int, width_px: int) -> None:
        """Refuse a picture that is empty or larger than these limits.

        Raises:
            ImageError: If it is.
        """
        size = f"{width_px} x {height_px} px"
        longest = min(self.max_side_px, _MAX_SIDE_PX)
        if not (1 <= height_px <= longest and 1 <= width_px <= longest):
            raise ImageError(
                f"The image has {size}, but each side must have 1 to {longest} px. "
                "Use an image of another size."
            )
        if height_px * width_px > self.max_pixels:
            raise ImageError(
                f"The image has {size}, {height_px * width_px:,} in all; the limit is "
                f"{self.max_pixels:,}. Use a smaller one, or raise the limit with "
                f"Limits(max_pixels={height_px * width_px})."
            )

    def check_lengths(self, *, n_tags: int, n_payload: int, n_corrections: int) -> None:
        """Refuse sections larger than these limits.

        Raises:
            BitstreamError: If one is.
        """
        for what, found, name, limit in (
            ("tags", n_tags, "max_tags", self.max_tags),
            ("bytes of payload", n_payload, "max_payload_bytes", self.max_payload_bytes),
            ("bytes of corrections", n_corrections, "max_payload_bytes", self.max_payload_bytes),
        ):
            if found > limit:
                raise BitstreamError(
                    f"The file holds {found:,} {what}; the limit is {limit:,}. If you trust the "
                    f"file, raise the limit with Limits({name}={found})."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bitstream:
    """A coded picture.

    Attributes:
        profile: Name of the networks that coded it, one of :data:`.PROFILES`.
        quality_level: 0 (smallest file) to 255.
        fingerprint: Four bytes that name the weights.
        height_px: Height of the original picture, before padding, 1 to 65535 [px].
        width_px: Width of the original picture, before padding, 1 to 65535 [px].
        tag_ids: Tags, ascending, each once, at most 255.
        latent: The coded integers.
    """

    profile: str
    quality_level: int
    fingerprint: bytes
    height_px: int
    width_px: int
    tag_ids: tuple[int, ...]
    latent: CodedLatent

    def __post_init__(self) -> None:
        """Refuse what the format cannot hold.

        Raises:
            ConfigError: If a field is out of range.
            ImageError: If the picture is empty or a side too long.
        """
        if self.profile not in PROFILES:
            raise ConfigError(
                f"The file format knows the profiles {', '.join(PROFILES)}, not {self.profile!r}."
            )
        if not 0 <= self.quality_level <= _MAX_BYTE:
            raise ConfigError(f"quality_level must lie in 0 to 255, got {self.quality_level}.")
        if len(self.fingerprint) != 4:
            raise ConfigError(f"The fingerprint must have 4 bytes, got {self.fingerprint.hex()}.")
        Limits(max_pixels=_MAX_SIDE_PX**2).check_picture(
            height_px=self.height_px, width_px=self.width_px
        )
        if len(self.tag_ids) > _MAX_BYTE or list(self.tag_ids) != sorted(set(self.tag_ids)):
            raise ConfigError(
                f"A file holds at most 255 tags, ascending and each once, got {self.tag_ids}."
            )
        encode_set(self.tag_ids, PROFILES[self.profile].vocabulary_size)

    @property
    def padded_size_px(self) -> tuple[int, int]:
        """Height and width of the padded picture, whole blocks [px]."""
        block = PIXELS_PER_BLOCK
        return -(-self.height_px // block) * block, -(-self.width_px // block) * block

    @property
    def rate(self) -> int | None:
        """The rate, where the profile's files hold it in the place of the quality."""
        return self.quality_level if PROFILES[self.profile].rates else None

    @property
    def quality(self) -> float:
        """0 (smallest file) to 100 (best picture); means nothing where there is a rate."""
        return quality_share(self.quality_level) * QUALITY_MAX

    def _parts(self) -> dict[str, bytes]:
        """Return all sections but the checksum, in file order."""
        profile = PROFILES[self.profile]
        header = _FIXED.pack(
            _MAGIC, _VERSION, profile.number, self.quality_level, self.fingerprint
        )
        header += write_leb128(self.height_px) + write_leb128(self.width_px)
        header += bytes([len(self.tag_ids)])
        payload, corrections = self.latent.payload, self.latent.corrections
        header += write_leb128(len(payload)) + write_leb128(len(corrections))
        return {
            "header": header,
            "tags": encode_set(self.tag_ids, profile.vocabulary_size),
            "payload": payload,
            "corrections": corrections,
            "checks": _SYMBOL_CHECK.pack(self.latent.symbol_check),
        }

    def to_bytes(self) -> bytes:
        """Return the contents of the file."""
        body = b"".join(self._parts().values())
        return body + _CRC.pack(zlib.crc32(body))

    @property
    def checksum(self) -> int:
        """The CRC-32 at the end of the file; seeds the noise of the decoder."""
        return zlib.crc32(b"".join(self._parts().values()))

    def section_bytes(self) -> dict[str, int]:
        """The size of each part of the file [bytes], in file order; together, the whole file.

        They are ``header``, ``tags``, ``payload``, ``corrections`` and ``checks``.
        """
        sizes = {name: len(part) for name, part in self._parts().items()}
        return sizes | {"checks": _CHECKS_BYTES}

    @property
    def n_bytes(self) -> int:
        """Size of the whole file [bytes]."""
        return sum(self.section_bytes().values())

    @property
    def bpp(self) -> float:
        """Bits of the whole file per pixel of the original picture."""
        return 8 * self.n_bytes / (self.height_px * self.width_px)

    def header_fields(self) -> dict[str, object]:
        """Every field of the header but the tags, for JSON."""
        return {
            "n_bytes": self.n_bytes,
            "bpp": self.bpp,
            "height_px": self.height_px,
            "width_px": self.width_px,
            "profile": self.profile,
            "quality_level": self.quality_level,
            **({"quality": round(self.quality, 2)} if self.rate is None else {"rate": self.rate}),
            "fingerprint": self.fingerprint.hex(),
            "symbol_check": f"{self.latent.symbol_check:04x}",
            "checksum": f"{self.checksum:08x}",
        }

    @classmethod
    def from_bytes(cls, data: bytes, *, limits: Limits | None = None) -> "Bitstream":
        """Parse the contents of a file.

        Args:
            data: The file.
            limits: What it may ask for; ``None`` takes the defaults.

        Raises:
            BitstreamError: If this is no Diff-ICMH file, one of a later version or of an unknown
                profile, or if a section is over its limit.
            TruncatedBitstreamError: If the data end too early.
            CorruptBitstreamError: If they are damaged.
            ImageError: If the picture is over its limit.
        """
        limits = limits or Limits()
        _check_origin(data)
        _, _, number, quality_level, fingerprint = _FIXED.unpack_from(data)
        body, crc = data[: -_CRC.size], data[-_CRC.size :]
        is_intact = _CRC.pack(zlib.crc32(body)) == crc
        if number not in NUMBERED_PROFILES:
            raise _unknown_profile(number) if is_intact else _damaged()
        profile = NUMBERED_PROFILES[number]

        height_px, position = read_leb128(data, _FIXED.size)
        width_px, position = read_leb128(data, position)
        n_tags = data[position] if position < len(data) else 0
        n_payload, position = read_leb128(data, position + 1)
        n_corrections, position = read_leb128(data, position)
        payload_start = position + set_code_bytes(n_tags, profile.vocabulary_size)
        corrections_start = payload_start + n_payload
        checks_start = corrections_start + n_corrections
        if checks_start + _CHECKS_BYTES > len(data):
            raise TruncatedBitstreamError(
                f"The file ends after {len(data):,} bytes, but its header announces "
                f"{checks_start + _CHECKS_BYTES:,}. Copy it again."
            )
        if not is_intact:
            raise _damaged()
        if checks_start + _CHECKS_BYTES < len(data):
            raise CorruptBitstreamError(
                f"The file has {len(data):,} bytes, but its header announces "
                f"{checks_start + _CHECKS_BYTES:,}. Encode the image again."
            )
        limits.check_picture(height_px=height_px, width_px=width_px)
        limits.check_lengths(n_tags=n_tags, n_payload=n_payload, n_corrections=n_corrections)
        return cls(
            profile=profile.name,
            quality_level=quality_level,
            fingerprint=fingerprint,
            height_px=height_px,
            width_px=width_px,
            tag_ids=decode_set(data[position:payload_start], n_tags, profile.vocabulary_size),
            latent=CodedLatent(
                payload=data[payload_start:corrections_start],
                corrections=data[corrections_start:checks_start],
                symbol_check=_SYMBOL_CHECK.unpack_from(data, checks_start)[0],
            ),
        )


def _check_origin(data: bytes) -> None:
    """Refuse bytes that this program did not write, or that end before their header does."""
    if not (data.startswith(_MAGIC) or _MAGIC.startswith(data)):
        raise BitstreamError(
            f"This is not a Diff-ICMH file: it begins with {data[:3].hex(' ')}, not "
            f"{_MAGIC.hex(' ')}. Choose a .dicmh file."
        )
    if len(data) > len(_MAGIC) and data[len(_MAGIC)] != _VERSION:
        raise BitstreamError(
            f"The file has format version {data[len(_MAGIC)]}; this program reads version "
            f"{_VERSION}. Decode it with the program version that wrote it."
        )
    if len(data) < _FIXED.size + _CHECKS_BYTES:
        raise TruncatedBitstreamError(
            f"The file ends after {len(data)} bytes, inside its header. Copy it again."
        )


def _unknown_profile(number: int) -> BitstreamError:
    known = ", ".join(f"{profile.number} ({profile.name})" for profile in PROFILES.values())
    return BitstreamError(
        f"The file was coded with profile {number}; this program knows the profiles {known}. "
        "Decode it with the program version that wrote it."
    )


def _damaged() -> CorruptBitstreamError:
    return CorruptBitstreamError(
        "The file is damaged: its checksum does not match its contents. Copy it again."
    )
