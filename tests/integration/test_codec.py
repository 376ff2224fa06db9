"""The codec as a whole, with real classes at tiny size and random weights."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.profiles import presets_of
from difficmh_core.errors import ConfigError, CorruptBitstreamError, ModelMismatchError
from difficmh_core.models.load import load_codec
from difficmh_core.tagging.tags import Tag

SETTINGS = DecodeSettings(steps=2, guidance_scale=2.0, sampler=SamplerName.DPM_SOLVER)


@pytest.fixture(scope="module")
def codec(tiny_codec):
    return tiny_codec


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((90, 70), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def encoded(codec, photo):
    return codec.encode(photo, tags=["tench", "person"])


def test_a_picture_comes_back_in_its_size(codec, encoded, photo):
    assert codec.decode_image(encoded.data, SETTINGS).size == photo.size


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (64, 64), (65, 1)])
def test_any_size_comes_back(codec, size):
    image = Image.new("RGB", size, (200, 30, 90))
    data = codec.encode(image, tags=None).data
    codec.verify(data)
    stream = codec.parse(data)
    assert (stream.width_px, stream.height_px) == size
    assert codec.decode_image(data, SETTINGS).size == size


def test_the_section_bits_add_up_to_the_file(encoded):
    assert sum(encoded.section_bits.values()) == pytest.approx(8 * len(encoded.data))
    assert list(encoded.section_bits) == [
        "header", "tags", "hyper", "latent", "corrections", "checks",
    ]  # fmt: skip


def test_bpp_counts_the_whole_file_and_the_original_pixels(encoded, photo):
    assert encoded.stream.bpp == 8 * len(encoded.data) / (photo.width * photo.height)


def test_equal_calls_give_equal_bytes_and_pictures(codec, encoded, photo):
    assert codec.encode(photo, tags=["person", "tench"]).data == encoded.data
    first, second = (codec.decode_image(encoded.data, SETTINGS) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_the_seed_changes_the_picture_and_nothing_else_does(codec, encoded):
    default = codec.decode_image(encoded.data, SETTINGS)
    checksum = codec.decode_image(encoded.data, replace(SETTINGS, seed=encoded.stream.checksum))
    other = codec.decode_image(encoded.data, replace(SETTINGS, seed=1))
    assert default.tobytes() == checksum.tobytes()
    assert default.tobytes() != other.tobytes()


def test_quality_is_stored_and_changes_the_file(codec, photo):
    low, high = (codec.encode(photo, quality=q, tags=None) for q in (0.0, 100.0))
    assert (low.stream.quality_level, high.stream.quality_level) == (0, 255)
    assert len(low.data) < len(high.data)


@pytest.mark.parametrize("target_bytes", [80, 120, 200])
def test_the_target_is_filled_by_the_best_quality_that_fits(codec, photo, target_bytes):
    found = codec.encode(photo, target_bytes=target_bytes, tags=None)
    assert len(found.data) <= target_bytes
    better = (found.stream.quality_level + 1) / 255 * 100
    if better <= 100:
        assert len(codec.encode(photo, quality=better, tags=None).data) > target_bytes


def test_a_target_that_nothing_fits_names_the_smallest_file(codec, photo):
    smallest = len(codec.encode(photo, quality=0.0, tags=None).data)
    with pytest.raises(ConfigError, match=f"the smallest file of this image has {smallest}"):
        codec.encode(photo, target_bytes=smallest - 1, tags=None)


def test_steps_are_counted_and_previewed(codec, encoded, photo):
    steps = list(codec.decode(encoded.data, replace(SETTINGS, steps=3)))
    assert [(step.index, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert [step.image is None for step in steps] == [True, True, False]
    assert steps[0].preview().size == (12, 9)


@pytest.mark.parametrize("start", [0.3, 1.0])
def test_every_sampler_and_every_number_of_steps_makes_a_picture_of_its_own(codec, encoded, start):
    def decoded(sampler, steps):
        settings = replace(SETTINGS, steps=steps, sampler=sampler, start=start)
        return codec.decode_image(encoded.data, settings)

    four = {sampler: decoded(sampler, 4) for sampler in SamplerName}
    one = {sampler: decoded(sampler, 1) for sampler in SamplerName}
    assert {picture.size for picture in (*four.values(), *one.values())} == {(90, 70)}
    assert len({picture.tobytes() for picture in four.values()}) == len(SamplerName)
    assert all(one[sampler] != four[sampler] for sampler in SamplerName)


def test_realism_zero_shows_the_content_latent_without_a_step(codec, encoded):
    (only,) = codec.decode(encoded.data, replace(SETTINGS, realism=0.0, seed=1))
    again = codec.decode_image(encoded.data, replace(SETTINGS, realism=0.0, seed=2))
    assert only.image.tobytes() == again.tobytes()


def test_a_little_realism_changes_the_content_a_little(codec, encoded):
    pictures = [
        np.asarray(codec.decode_image(encoded.data, replace(SETTINGS, realism=r)), dtype=float)
        for r in (0.0, 0.01, 0.5)
    ]
    apart = [np.abs(picture - pictures[0]).mean() for picture in pictures]
    assert apart[0] == 0 < apart[1] < apart[2]


def test_tags_steer_the_picture(codec, encoded):
    settings = replace(SETTINGS, guidance_scale=8.0)
    kept, removed, other = (
        codec.decode_image(encoded.data, settings, tags=tags).tobytes()
        for tags in (None, [], ["volcano"])
    )
    assert len({kept, removed, other}) == 3


def test_tags_are_a_set_of_known_names(codec, photo):
    tags = [Tag(id=0, name="tench", confidence=0.5), "tench"]
    assert codec.encode(photo, tags=tags).stream.tag_ids == (0,)
    with pytest.raises(ConfigError, match="no such tag"):
        codec.encode(photo, tags=["no such tag"])
    with pytest.raises(ConfigError, match="at most 16 tags"):
        codec.encode(photo, tags=[codec.vocabulary.name_of(i) for i in range(17)])


@pytest.mark.parametrize("quality", [-1.0, 100.1, float("nan")])
def test_a_quality_out_of_range_is_refused(codec, photo, quality):
    with pytest.raises(ConfigError, match="quality must lie in 0 to 100"):
        codec.encode(photo, quality=quality)


def test_another_model_is_refused_by_name(codec, encoded):
    other = replace(encoded.stream, fingerprint=b"\0\1\2\3")
    with pytest.raises(ModelMismatchError, match="model 00010203"):
        codec.verify(other.to_bytes())
    with pytest.raises(ModelMismatchError, match="profile 'nano'"):
        codec.verify(replace(encoded.stream, profile="nano").to_bytes())


def test_wrong_integers_are_refused_even_with_a_right_checksum(codec, encoded):
    stream, latent = encoded.stream, encoded.stream.latent
    flipped = latent.payload[:-1] + bytes([latent.payload[-1] ^ 16])
    for changed in (
        replace(stream, latent=replace(latent, symbol_check=latent.symbol_check ^ 1)),
        replace(stream, latent=replace(latent, payload=flipped)),
        replace(stream, height_px=stream.height_px + 64),
    ):
        with pytest.raises(CorruptBitstreamError):
            codec.verify(changed.to_bytes())


def test_verify_tells_the_bits_that_the_encoder_told(codec, encoded):
    assert codec.verify(encoded.data) == pytest.approx(dict(encoded.section_bits))


def test_presets_decode(codec, encoded):
    presets = presets_of(codec.config.profile)
    assert list(presets) == list(presets_of("sd21")) == ["instant", "fast", "paper"]
    assert codec.decode_image(encoded.data, presets["instant"]).size == (90, 70)


def test_an_unknown_profile_lists_the_known_ones():
    with pytest.raises(ConfigError, match="nano, sd21, tiny"):
        load_codec("huge")


def test_cancelling_is_to_stop_iterating(codec, encoded):
    steps = codec.decode(encoded.data, replace(SETTINGS, steps=1000))
    assert next(steps).index == 1
    steps.close()
    assert codec.decode_image(encoded.data, SETTINGS).size == (90, 70)


def test_the_number_of_threads_changes_no_byte(codec, encoded, photo):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        data = codec.encode(photo, tags=["tench", "person"]).data
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert data == encoded.data


def test_tags_are_found_on_one_thread_whoever_asks(codec, photo):
    seen = []

    def tagger(image):
        seen.append(torch.get_num_threads())
        return [Tag(id=1, name="goldfish", confidence=0.5)]

    asking = DiffICMHCodec(codec.config, codec.networks, codec.vocabulary, lambda: tagger)
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        assert [tag.id for tag in asking.tag(photo)] == [1]
        assert torch.get_num_threads() == n_threads
    assert seen == [1, 1]


def test_pictures_that_are_coded_at_the_same_time_give_the_bytes_they_give_alone(codec, photo):
    photos = [photo.rotate(angle, expand=True) for angle in range(0, 360, 30)]
    alone = [codec.encode(each, tags=["tench"]).data for each in photos]

    def encode(each):
        return codec.encode(each, tags=["tench"], analyzed=codec.analyze(each)).data

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(encode, photos)) == alone
