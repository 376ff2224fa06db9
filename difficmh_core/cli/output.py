"""What the command line tells about a file: fields for programs, lines for people."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.networks import QUALITY_LEVELS
from difficmh_core.config.profiles import PROFILES
from difficmh_core.errors import BackendUnavailableError
from difficmh_core.tagging.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from difficmh_core.encoding import Encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a command tells.

    Attributes:
        fields: For programs; what JSON can hold.
        text: For people; no line break at its end.
    """

    fields: Mapping[str, object]
    text: str


def report_encoded(path: Path, encoded: "Encoded", seconds: float) -> Report:
    """Tell what encoding a photo gave.

    Args:
        path: Where the file is.
        encoded: What is in it.
        seconds: How long encoding took [s].
    """
    tags = ", ".join(f"{tag.name} ({tag.confidence:.2f})" for tag in encoded.tags)
    lines = [
        f"{path}: {_summary(encoded.stream)}",
        f"tags: {tags or 'none'}",
        *_section_lines(encoded.section_bits, encoded.stream.n_bytes),
        f"encoded in {seconds:.1f} s",
    ]
    fields = {
        "file": str(path),
        **encoded.stream.header_fields(),
        "tags": [asdict(tag) for tag in encoded.tags],
        "section_bits": dict(encoded.section_bits),
        "seconds": round(seconds, 3),
    }
    return Report(fields=fields, text="\n".join(lines))


def report_stream(path: Path, stream: Bitstream) -> Report:
    """Tell every field of a file and the bits of every section; needs no network.

    The hyper-latent and the latent share one range-coded payload: where one ends is known only to
    who decodes it.
    """
    section_bits = {name: 8 * n_bytes for name, n_bytes in stream.section_bytes().items()}
    tags = list(zip(stream.tag_ids, _tag_names(stream), strict=True))
    lines = [
        f"{path}: {_summary(stream)}",
        f"profile {stream.profile}, model {stream.fingerprint.hex()}, "
        f"symbol check {stream.latent.symbol_check:04x}, checksum {stream.checksum:08x}",
        f"tags: {', '.join(name or f'number {tag_id}' for tag_id, name in tags) or 'none'}",
        *_section_lines(section_bits, stream.n_bytes),
    ]
    fields = {
        "file": str(path),
        **stream.header_fields(),
        "tags": [{"id": tag_id, "name": name} for tag_id, name in tags],
        "section_bits": section_bits,
    }
    return Report(fields=fields, text="\n".join(lines))


def _summary(stream: Bitstream) -> str:
    quality = (
        f"quality {stream.quality:.1f} (level {stream.quality_level} of {QUALITY_LEVELS})"
        if stream.rate is None
        else f"rate weight {stream.rate}"
    )
    return (
        f"{stream.n_bytes:,} bytes, {stream.bpp:.4f} bpp, "
        f"{stream.width_px} x {stream.height_px} px, {quality}"
    )


def _section_lines(section_bits: Mapping[str, float], n_bytes: int) -> list[str]:
    return [
        f"{name:>11} {bits:>11,.1f} bits {bits / (8 * n_bytes):6.1%}"
        for name, bits in section_bits.items()
    ]


def _tag_names(stream: Bitstream) -> list[str | None]:
    """Return the name of each tag, or ``None`` where the profile's vocabulary is not packaged."""
    try:
        vocabulary = load_vocabulary(PROFILES[stream.profile].vocabulary)
    except BackendUnavailableError:
        return [None] * len(stream.tag_ids)
    return [vocabulary.name_of(tag_id) for tag_id in stream.tag_ids]
