"""A ``.dicmh`` file in parts, to be damaged and put together again with a checksum that fits.

Random bytes end at the CRC-32. What is built here passes it, so that damage reaches the header's
limits, the code of the tags, the range decoder and the corrections.
"""

import struct
import zlib
from dataclasses import dataclass, replace

from difficmh_core.bitstream.leb128 import read_leb128, write_leb128
from difficmh_core.bitstream.set_code import set_code_bytes
from difficmh_core.config.profiles import NUMBERED_PROFILES

FIXED_BYTES = 10
CHECK_BYTES = 2
CRC_BYTES = 4
MAX_SIDE_PX = 65535
NANO, TINY = 1, 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a file consists of.

    Attributes:
        fixed: Magic, version, profile, quality level and fingerprint.
        size_px: Height and width.
        n_tags: As the header tells.
        tags: The code of the tags.
        payload: Range-coded integers.
        corrections: The correction list.
        check: Over the decoded integers.
        n_announced: By how much the header is wrong about the payload and the corrections [bytes].
    """

    fixed: bytes
    size_px: tuple[int, int]
    n_tags: int
    tags: bytes
    payload: bytes
    corrections: bytes
    check: bytes
    n_announced: tuple[int, int] = (0, 0)

    def to_bytes(self):
        """The file, its checksum the right one."""
        lengths = (len(self.payload), len(self.corrections))
        told = (max(0, n + error) for n, error in zip(lengths, self.n_announced, strict=True))
        numbers = (*self.size_px, *told)
        height, width, n_payload, n_corrections = map(write_leb128, numbers)
        header = self.fixed + height + width + bytes([self.n_tags]) + n_payload + n_corrections
        return with_crc(header + self.tags + self.payload + self.corrections + self.check)


def with_crc(body):
    """The bytes and their checksum."""
    return body + struct.pack(">I", zlib.crc32(body))


def split(data):
    """The parts of a good file."""
    height, position = read_leb128(data, FIXED_BYTES)
    width, position = read_leb128(data, position)
    n_tags = data[position]
    n_payload, position = read_leb128(data, position + 1)
    n_corrections, position = read_leb128(data, position)
    tags_end = position + set_code_bytes(n_tags, NUMBERED_PROFILES[data[4]].vocabulary_size)
    payload_end = tags_end + n_payload
    corrections_end = payload_end + n_corrections
    return Parts(
        fixed=data[:FIXED_BYTES],
        size_px=(height, width),
        n_tags=n_tags,
        tags=data[position:tags_end],
        payload=data[tags_end:payload_end],
        corrections=data[payload_end:corrections_end],
        check=data[corrections_end : corrections_end + CHECK_BYTES],
    )


def repaired(data, fingerprints):
    """Any bytes as a file whose frame is right; a good file stays as it is.

    Args:
        data: Where each part is taken from, in the order of the file.
        fingerprints: Of the profiles that are loaded, by their numbers; the last is taken where
            the bytes name none of them.
    """
    data = data.ljust(FIXED_BYTES + 5 + CHECK_BYTES + CRC_BYTES, b"\0")
    number = data[4] if data[4] in fingerprints else list(fingerprints)[-1]
    fixed = b"\xd1CM" + bytes([1, number, data[5]]) + fingerprints[number]
    height, position = _read_leniently(data, FIXED_BYTES)
    width, position = _read_leniently(data, position)
    n_tags = data[position] if position < len(data) else 0
    _, position = _read_leniently(data, position + 1)
    n_corrections, position = _read_leniently(data, position)
    n_code = set_code_bytes(n_tags, NUMBERED_PROFILES[number].vocabulary_size)
    rest = data[position : -CHECK_BYTES - CRC_BYTES]
    tags, rest = rest[:n_code].ljust(n_code, b"\0"), rest[n_code:]
    border = len(rest) - min(n_corrections, len(rest))
    check = data[-CHECK_BYTES - CRC_BYTES :][:CHECK_BYTES]
    return Parts(
        fixed=fixed,
        size_px=(1 + (height - 1) % MAX_SIDE_PX, 1 + (width - 1) % MAX_SIDE_PX),
        n_tags=n_tags,
        tags=tags,
        payload=rest[:border],
        corrections=rest[border:],
        check=check,
    ).to_bytes()


def _read_leniently(data, position):
    value = 0
    for index, byte in enumerate(data[position : position + 5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    return value, position + 5


def damaged_bytes(data, random):
    """Bytes with one kind of damage."""
    kind = random.randrange(9)
    at = random.randrange(len(data) + 1)
    if kind == 0 or not data:  # one bit
        return _flipped(data, random, 1) if data else random.randbytes(random.randint(1, 8))
    if kind == 1:
        return _flipped(data, random, random.randint(2, 8))
    if kind == 2:  # one byte
        at = random.randrange(len(data))
        return data[:at] + random.randbytes(1) + data[at + 1 :]
    if kind == 3:
        return data[:at]
    if kind == 4:
        return data + random.randbytes(random.randint(1, 16))
    if kind == 5:
        return data[:at] + random.randbytes(random.randint(1, 4)) + data[at:]
    end = min(len(data), at + random.randint(1, 16))
    if kind == 6:  # a piece removed
        return data[:at] + data[end:]
    if kind == 7:  # a piece of one value
        return data[:at] + random.choice((b"\0", b"\xff", b"\x80")) * (end - at) + data[end:]
    return random.randbytes(len(data))


def _flipped(data, random, n_bits):
    changed = bytearray(data)
    for _ in range(n_bits):
        bit = random.randrange(8 * len(changed))
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def mutant(parts, random, others):
    """A damaged file with the right checksum.

    Args:
        parts: Of a good file.
        random: Decides; the same state gives the same mutant.
        others: Good files of the same profile, whose payloads may be taken.
    """
    data = parts.to_bytes()
    changed = data
    while changed == data:
        mutated = parts
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            mutated = _damaged_part(mutated, random, others)
        changed = mutated.to_bytes()
        if random.random() < 0.05:  # the header's numbers too, whatever they then mean
            header = FIXED_BYTES + 8
            changed = changed[:4] + damaged_bytes(changed[4:header], random) + changed[header:]
            changed = with_crc(changed[:-CRC_BYTES])
    return changed


def _damaged_part(parts, random, others):
    choice = random.random()
    if choice < 0.6:
        return replace(parts, payload=damaged_bytes(parts.payload, random))
    if choice < 0.7:
        return replace(parts, payload=random.choice(others).payload)
    if choice < 0.78:
        return replace(parts, corrections=damaged_bytes(parts.corrections, random))
    if choice < 0.83:
        return replace(parts, size_px=tuple(_other_side(side, random) for side in parts.size_px))
    if choice < 0.87:
        n_tags = random.choice((parts.n_tags, random.randrange(256)))
        vocabulary_size = NUMBERED_PROFILES[parts.fixed[4]].vocabulary_size
        code = random.randbytes(set_code_bytes(n_tags, vocabulary_size))
        return replace(parts, n_tags=n_tags, tags=code)
    if choice < 0.91:
        return replace(parts, fixed=parts.fixed[:5] + random.randbytes(1) + parts.fixed[6:])
    if choice < 0.95:
        return replace(parts, check=random.randbytes(CHECK_BYTES))
    wrong = tuple(random.choice((-1, 0, 1, random.randrange(1 << 20))) for _ in range(2))
    return replace(parts, n_announced=wrong)


def _other_side(side, random):
    """Near, or of another order of magnitude."""
    if random.random() < 0.5:
        return max(1, side + random.choice((-64, -1, 0, 1, 64)))
    return random.randrange(1, 1 << random.randint(1, 16))
