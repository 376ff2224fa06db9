"""The file format is a promise: these tests fix it byte for byte."""

import random
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from difficmh_core.bitstream.coded_latent import CodedLatent
from difficmh_core.bitstream.container import Bitstream, Limits
from difficmh_core.bitstream.leb128 import read_leb128, write_leb128
from difficmh_core.config.profiles import NUMBERED_PROFILES, PROFILES
from difficmh_core.errors import (
    BitstreamError,
    ConfigError,
    CorruptBitstreamError,
    DiffICMHError,
    ImageError,
    TruncatedBitstreamError,
)

STREAM = Bitstream(
    profile="nano",
    quality_level=128,
    fingerprint=bytes.fromhex("01020304"),
    height_px=512,
    width_px=768,
    tag_ids=(),
    latent=CodedLatent(payload=b"y" * 300, corrections=b"", symbol_check=0xBEEF),
)
TAGGED = replace(
    STREAM,
    profile="sd21",
    quality_level=0,
    height_px=1,
    width_px=65535,
    tag_ids=(3, 70, 1500),
    latent=replace(STREAM.latent, payload=b"\xff\0", corrections=b"\x0a"),
)
NOTHING = CodedLatent(payload=b"", corrections=b"", symbol_check=0)
EMPTY = replace(STREAM, profile="tiny", height_px=64, width_px=100, latent=NOTHING)
SHORTER = replace(STREAM, latent=replace(STREAM.latent, payload=b"y" * 130))
STREAMS = pytest.mark.parametrize(
    "stream", [STREAM, TAGGED, EMPTY], ids=["plain", "tagged", "empty"]
)
GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.dicmh"))
FILES = pytest.mark.parametrize(
    "data",
    [stream.to_bytes() for stream in (STREAM, TAGGED, EMPTY)]
    + [path.read_bytes() for path in GOLDEN],
    ids=["plain", "tagged", "empty", *(path.stem for path in GOLDEN)],
)

GOLDEN_HEADER = bytes.fromhex("d1434d 01 01 80 01020304 8004 8006 00 ac02 00")
GOLDEN_TAGGED = bytes.fromhex(
    "d1434d 01 02 00 01020304 01 ffff03 03 02 01 002175f27e ff00 0a beef"
)
GOLDEN_EMPTY = bytes.fromhex("d1434d 01 ff 80 01020304 40 64 00 00 00 0000")


def sealed(body):
    """Return a file with a right checksum, whatever is in it."""
    return body + zlib.crc32(body).to_bytes(4, "big")


@st.composite
def streams(draw):
    profile = draw(st.sampled_from(list(PROFILES.values())))
    ids = draw(st.sets(st.integers(0, profile.vocabulary_size - 1), max_size=64))
    return Bitstream(
        profile=profile.name,
        quality_level=draw(st.integers(0, 255)),
        fingerprint=draw(st.binary(min_size=4, max_size=4)),
        height_px=draw(st.integers(1, 65535)),
        width_px=draw(st.integers(1, 900)),
        tag_ids=tuple(sorted(ids)),
        latent=CodedLatent(
            payload=draw(st.binary(max_size=400)),
            corrections=draw(st.binary(max_size=20)),
            symbol_check=draw(st.integers(0, 65535)),
        ),
    )


@settings(max_examples=100, deadline=None)
@given(streams())
def test_round_trip(stream):
    data = stream.to_bytes()
    assert Bitstream.from_bytes(data) == stream
    assert Bitstream.from_bytes(data).to_bytes() == data
    assert stream.n_bytes == len(data) == sum(stream.section_bytes().values())
    assert stream.checksum == int.from_bytes(data[-4:], "big") == zlib.crc32(data[:-4])


def test_bytes_are_the_published_ones():
    assert STREAM.to_bytes() == sealed(GOLDEN_HEADER + b"y" * 300 + bytes.fromhex("beef"))
    assert TAGGED.to_bytes() == sealed(GOLDEN_TAGGED)
    assert EMPTY.to_bytes() == sealed(GOLDEN_EMPTY)
    assert (STREAM.checksum, TAGGED.checksum, EMPTY.checksum) == (
        0x4DA04987,
        0x3CBA304E,
        0xE0654121,
    )


def test_numbers_of_profiles_never_change():
    known = {p.number: (p.name, p.vocabulary_size) for p in PROFILES.values()}
    assert known == {1: ("nano", 1080), 2: ("sd21", 4585), 255: ("tiny", 1080)}
    assert {p.number: p for p in PROFILES.values()} == NUMBERED_PROFILES


def test_fixed_part_of_a_photograph_has_24_bytes():
    costs = {"header": 18, "tags": 0, "payload": 300, "corrections": 0, "checks": 6}
    assert STREAM.section_bytes() == costs
    assert STREAM.n_bytes - 300 == 24


def test_eight_tags_take_at_most_eleven_bytes():
    tagged = replace(STREAM, profile="sd21", tag_ids=tuple(range(4577, 4585)))
    assert tagged.n_bytes - STREAM.n_bytes == 11
    assert replace(tagged, profile="nano", tag_ids=tuple(range(8))).n_bytes < tagged.n_bytes


def test_bpp_counts_the_whole_file():
    assert STREAM.bpp == 8 * 324 / (512 * 768)


@FILES
def test_every_truncation_is_refused(data):
    for length in range(len(data)):
        with pytest.raises(TruncatedBitstreamError, match=r"ends after .*Copy it again\.$"):
            Bitstream.from_bytes(data[:length])


@FILES
def test_every_flipped_bit_is_refused(data):
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BitstreamError):
            Bitstream.from_bytes(bytes(damaged))


@STREAMS
def test_bytes_behind_the_end_are_refused(stream):
    for ending in (b"\0", b"\xff", b"12345678", stream.to_bytes()):
        with pytest.raises(CorruptBitstreamError):
            Bitstream.from_bytes(stream.to_bytes() + ending)


def mutate(data, generator):
    """Change, drop, repeat, insert or move some bytes."""
    mutated = bytearray(data)
    for _ in range(generator.randint(1, 4)):
        start = generator.randrange(len(mutated) + 1)
        stop = min(len(mutated), start + generator.randint(0, 6))
        choice = generator.randrange(4)
        if choice == 0:
            mutated[start:stop] = generator.randbytes(stop - start)
        elif choice == 1:
            del mutated[start:stop]
        elif choice == 2:
            mutated[start:start] = generator.randbytes(generator.randint(1, 6))
        else:
            mutated[start:start] = mutated[start:stop]
    return bytes(mutated)


@pytest.mark.parametrize("is_sealed", [False, True], ids=["as-damaged", "sealed-again"])
def test_twenty_thousand_mutations_neither_crash_nor_pass(is_sealed):
    """A mutated file is refused; one whose checksum was made right is refused or canonical."""
    generator = random.Random(is_sealed)
    files = [stream.to_bytes() for stream in (SHORTER, TAGGED, EMPTY)]
    n_accepted = 0
    for index in range(10_000):
        data = files[index % 3]
        mutated = sealed(mutate(data[:-4], generator)) if is_sealed else mutate(data, generator)
        if mutated == data:
            continue
        try:
            stream = Bitstream.from_bytes(mutated)
        except DiffICMHError:
            continue
        n_accepted += 1
        assert stream.to_bytes() == mutated
    assert is_sealed or n_accepted == 0


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_arbitrary_contents_never_crash(contents):
    for data in (contents, b"\xd1CM\x01" + contents, sealed(b"\xd1CM\x01\x01" + contents)):
        try:
            stream = Bitstream.from_bytes(data)
        except DiffICMHError:
            continue
        assert stream.to_bytes() == data


def test_foreign_files_are_named_as_such():
    with pytest.raises(BitstreamError, match=r"not a Diff-ICMH file: it begins with ff d8 ff"):
        Bitstream.from_bytes(b"\xff\xd8\xff\xe0" + bytes(100))


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 15])
def test_beginnings_are_named_as_truncated(length):
    with pytest.raises(TruncatedBitstreamError, match=f"ends after {length} bytes"):
        Bitstream.from_bytes(STREAM.to_bytes()[:length])


@pytest.mark.parametrize("version", [2, 3, 255])
def test_later_versions_are_named_as_such(version):
    with pytest.raises(
        BitstreamError, match=rf"version {version}; this program reads version 1\. Decode it with"
    ):
        Bitstream.from_bytes(sealed(b"\xd1CM" + bytes([version]) + b"whatever it holds"))


def test_unknown_profiles_are_named_as_such():
    body = bytearray(STREAM.to_bytes()[:-4])
    body[4] = 7
    with pytest.raises(BitstreamError, match=r"coded with profile 7; .* 1 \(nano\), 2 \(sd21\)"):
        Bitstream.from_bytes(sealed(bytes(body)))
    with pytest.raises(CorruptBitstreamError, match="checksum does not match"):
        Bitstream.from_bytes(bytes(body) + STREAM.to_bytes()[-4:])


def test_damage_says_what_to_do():
    data = bytearray(STREAM.to_bytes())
    data[200] ^= 1
    with pytest.raises(CorruptBitstreamError, match=r"checksum does not match.*Copy it again\."):
        Bitstream.from_bytes(bytes(data))


def test_pictures_over_the_limit_name_it_and_how_to_raise_it():
    large = replace(STREAM, height_px=60_000, width_px=50_000)
    with pytest.raises(ImageError, match=r"50000 x 60000 px.* limit is 64,000,000\. .*raise") as e:
        Bitstream.from_bytes(large.to_bytes())
    assert "Limits(max_pixels=3000000000)" in str(e.value)
    assert Bitstream.from_bytes(large.to_bytes(), limits=Limits(max_pixels=3_000_000_000)) == large


def test_sides_over_the_limit_are_refused():
    with pytest.raises(ImageError, match="each side must have 1 to 500 px"):
        Bitstream.from_bytes(STREAM.to_bytes(), limits=Limits(max_side_px=500))
    Limits().check_picture(height_px=1, width_px=65535)
    for height_px, width_px in ((0, 5), (5, 0), (65536, 1), (1, 65536)):
        with pytest.raises(ImageError, match="each side must have 1 to 65535 px"):
            Limits(max_side_px=10**9).check_picture(height_px=height_px, width_px=width_px)


@pytest.mark.parametrize("size", ["00 8006", "8004 00", "808004 8006", "ffffffff0f 01"])
def test_sizes_that_no_picture_has_are_refused(size):
    data = GOLDEN_HEADER[:10] + bytes.fromhex(size) + bytes.fromhex("00 00 00 0000")
    with pytest.raises(ImageError, match="each side must have"):
        Bitstream.from_bytes(sealed(data))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(max_tags=2), r"3 tags; the limit is 2\..*Limits\(max_tags=3\)"),
        (Limits(max_payload_bytes=1), r"2 bytes of payload; .*Limits\(max_payload_bytes=2\)"),
        (Limits(max_payload_bytes=0), r"2 bytes of payload"),
    ],
)
def test_sections_over_the_limit_name_it_and_how_to_raise_it(limits, message):
    with pytest.raises(BitstreamError, match=message):
        Bitstream.from_bytes(TAGGED.to_bytes(), limits=limits)


@pytest.mark.parametrize("lengths", ["00 ad02 00", "00 ac02 01", "01 ac02 00", "00 ffffffff7f 00"])
def test_lengths_that_promise_too_much_are_refused(lengths):
    data = GOLDEN_HEADER[:14] + bytes.fromhex(lengths) + b"y" * 300 + bytes(2)
    with pytest.raises(TruncatedBitstreamError, match="its header announces"):
        Bitstream.from_bytes(sealed(data))


@pytest.mark.parametrize("lengths", ["00 ab02 00", "00 00 00"])
def test_lengths_that_promise_too_little_are_refused(lengths):
    data = GOLDEN_HEADER[:14] + bytes.fromhex(lengths) + b"y" * 300 + bytes(2)
    with pytest.raises(CorruptBitstreamError, match="its header announces"):
        Bitstream.from_bytes(sealed(data))


def test_ranks_of_no_set_of_tags_are_refused():
    body = bytearray(TAGGED.to_bytes()[:-4])
    body[17:22] = b"\xff" * 5
    with pytest.raises(CorruptBitstreamError, match="no set of 3 in 4585"):
        Bitstream.from_bytes(sealed(bytes(body)))


@pytest.mark.parametrize(
    "numbers",
    ["808400 8006 00 00 00", "8004 8600 00 00 00", "01 01 00 8000 00", "01 01 00 00 8000"],
)
def test_numbers_in_a_longer_form_than_needed_are_refused(numbers):
    with pytest.raises(CorruptBitstreamError, match="more than it must"):
        Bitstream.from_bytes(sealed(GOLDEN_HEADER[:10] + bytes.fromhex(numbers) + bytes(2)))


def test_numbers_without_an_end_are_refused():
    with pytest.raises(CorruptBitstreamError, match="more than 5 bytes"):
        Bitstream.from_bytes(sealed(GOLDEN_HEADER[:10] + b"\xff" * 40))


@given(st.integers(0, 2**35 - 1))
def test_numbers_come_back(value):
    encoded = write_leb128(value)
    assert read_leb128(b"!" + encoded + b"!", 1) == (value, 1 + len(encoded))
    assert len(encoded) == max(1, -(-value.bit_length() // 7))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("profile", "large"),
        ("quality_level", -1),
        ("quality_level", 256),
        ("fingerprint", b"abc"),
        ("tag_ids", (2, 1)),
        ("tag_ids", (1, 1)),
        ("tag_ids", (1, 1080)),
        ("tag_ids", (-1, 4)),
        ("tag_ids", tuple(range(256))),
    ],
)
def test_fields_that_the_format_cannot_hold_are_refused(field, value):
    with pytest.raises(ConfigError):
        replace(STREAM, **{field: value})


def test_quality_rate_and_padded_size_follow_from_the_fields():
    assert (STREAM.quality, STREAM.rate) == (pytest.approx(50.196, abs=1e-3), None)
    assert [replace(STREAM, quality_level=n).quality for n in (0, 255)] == [0, 100]
    assert replace(TAGGED, quality_level=16).rate == 16
    assert STREAM.padded_size_px == (512, 768)
    assert replace(STREAM, height_px=65, width_px=64).padded_size_px == (128, 64)


@pytest.mark.parametrize("field", ["height_px", "width_px"])
@pytest.mark.parametrize("value", [0, -1, 65536])
def test_sides_that_the_format_cannot_hold_are_refused(field, value):
    with pytest.raises(ImageError, match="each side must have 1 to 65535 px"):
        replace(STREAM, **{field: value})
