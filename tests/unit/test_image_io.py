"""Whatever a visitor drops comes back as upright 8-bit RGB, or as one clear sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from difficmh_core.errors import ImageError
from difficmh_core.image_io import (
    crop,
    pad_to_multiple,
    read_image,
    to_image,
    to_tensor,
    write_png,
)
from tests.png_chunks import chunk


def encoded(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def noise(height=24, width=32, channels=3, seed=0):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def png(width, height, bit_depth, color_type, scanlines, extra=b""):
    """A PNG written by hand, for kinds that Pillow reads but does not write."""
    header = struct.pack(">IIBBBBB", width, height, bit_depth, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(scanlines))
        + chunk(b"IEND", b"")
    )


def bomb(side):
    """A tiny file that declares a huge picture."""
    return png(side, side, 8, 2, b"\0" * 1000)


# --- accepted, in the right size, mode and orientation ---


@pytest.mark.parametrize("size", [(1, 1), (7, 5000), (5000, 7), (65, 63)])
@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF"])
def test_lossless_rgb_of_any_size_is_unchanged(size, format):
    pixels = noise(size[1], size[0])
    image = read_image(encoded(Image.fromarray(pixels), format))
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), pixels)


def test_path_and_bytes_read_the_same(tmp_path):
    data = encoded(Image.fromarray(noise()), "JPEG")
    (tmp_path / "photo.jpg").write_bytes(data)
    from_path = read_image(tmp_path / "photo.jpg")
    assert from_path.tobytes() == read_image(str(tmp_path / "photo.jpg")).tobytes()
    assert from_path.tobytes() == read_image(data).tobytes()


def test_grey_becomes_three_equal_channels():
    pixels = noise(channels=1)
    assert np.array_equal(
        np.asarray(read_image(encoded(Image.fromarray(pixels)))), pixels[..., None].repeat(3, 2)
    )


def test_black_and_white_keeps_its_two_levels():
    image = Image.fromarray(noise(channels=1)).convert("1")
    assert set(np.unique(np.asarray(read_image(encoded(image))))) == {0, 255}


def test_palette_shows_its_colors():
    image = Image.fromarray(noise()).quantize(16)
    assert np.array_equal(np.asarray(read_image(encoded(image))), np.asarray(image.convert("RGB")))


def test_transparency_is_laid_on_white():
    image = Image.new("RGBA", (3, 1))
    image.putdata([(200, 0, 0, 255), (200, 0, 0, 0), (0, 0, 0, 51)])
    decoded = np.asarray(read_image(encoded(image)))[0]
    assert decoded.tolist() == [[200, 0, 0], [255, 255, 255], [204, 204, 204]]


def test_a_transparent_palette_entry_is_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1])
    decoded = read_image(encoded(image, transparency=0))
    assert np.asarray(decoded)[0].tolist() == [[255, 255, 255], [40, 50, 60]]


def test_grey_with_alpha_is_laid_on_white():
    image = Image.merge("LA", (Image.new("L", (2, 2), 100), Image.new("L", (2, 2), 0)))
    assert np.asarray(read_image(encoded(image))).min() == 255


def test_16_bit_grey_is_scaled_and_rounded_not_clipped():
    values = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], dtype=np.uint16)
    decoded = np.asarray(read_image(encoded(Image.fromarray(values))))
    assert decoded[0, :, 0].tolist() == [0, 0, 1, 1, 128, 254, 255, 255]
    assert np.array_equal(decoded[..., 0], decoded[..., 2])


def test_48_bit_rgb_keeps_its_upper_bits():
    row = struct.pack(">6H", 0x1234, 0x80FF, 0xFFFF, 0, 0x00FF, 0x0100)
    decoded = np.asarray(read_image(png(2, 1, 16, 2, b"\0" + row)))
    assert decoded[0].tolist() == [[0x12, 0x80, 0xFF], [0, 0, 1]]


def test_a_transparent_16_bit_grey_value_is_white():
    transparent = struct.pack(">I", 2) + b"tRNS" + struct.pack(">H", 7)
    transparent += struct.pack(">I", zlib.crc32(transparent[4:]))
    data = png(2, 1, 16, 0, b"\0" + struct.pack(">2H", 7, 257 * 9), extra=transparent)
    assert np.asarray(read_image(data))[0, :, 0].tolist() == [255, 9]


def test_cmyk_white_is_white_and_black_is_black():
    image = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 8, 16))
    decoded = np.asarray(read_image(encoded(image, "JPEG", quality=95)))
    assert decoded[8, 14].min() > 250
    assert decoded[8, 1].max() < 5


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_every_exif_orientation_is_applied_and_dropped(orientation, format):
    corners = [(250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 10)]
    upright = Image.new("RGB", (48, 32))
    for index, color in enumerate(corners):
        upright.paste(
            color,
            (24 * (index % 2), 16 * (index // 2), 24 * (index % 2) + 24, 16 * (index // 2) + 16),
        )
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = read_image(encoded(stored, format, exif=exif))
    assert decoded.size == (48, 32)
    for index, color in enumerate(corners):
        found = decoded.getpixel((12 + 24 * (index % 2), 8 + 16 * (index // 2)))
        assert np.abs(np.subtract(found, color)).max() < 16
    assert not decoded.getexif()
    assert decoded.info == {}


def test_unreadable_exif_does_not_lose_the_picture():
    data = encoded(Image.fromarray(noise()), "JPEG", exif=b"Exif\0\0not TIFF at all")
    plain = encoded(Image.fromarray(noise()), "JPEG")
    assert read_image(data).tobytes() == read_image(plain).tobytes()


def swapped_channels_profile():
    """An sRGB profile under another name whose red and green primaries have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    n_tags = struct.unpack_from(">I", profile, 128)[0]
    for index in range(n_tags):
        at = 132 + 12 * index
        name = bytes(profile[at : at + 4])
        profile[at : at + 4] = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(name, name)
    return bytes(profile).replace(b"s\0R\0G\0B", b"t\0e\0s\0t")


def test_a_color_profile_is_converted_to_srgb():
    image = Image.new("RGB", (4, 4), (255, 0, 0))
    decoded = read_image(encoded(image, icc_profile=swapped_channels_profile()))
    assert np.abs(np.subtract(decoded.getpixel((0, 0)), (0, 255, 0))).max() <= 2


def test_an_srgb_profile_changes_nothing():
    pixels = noise()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    decoded = read_image(encoded(Image.fromarray(pixels), icc_profile=profile))
    assert np.array_equal(np.asarray(decoded), pixels)
    assert "icc_profile" not in decoded.info


@pytest.mark.parametrize("profile", [b"garbage", swapped_channels_profile()])
def test_a_profile_that_does_not_fit_is_ignored(profile):
    pixels = noise(channels=1)
    decoded = read_image(encoded(Image.fromarray(pixels), icc_profile=profile))
    assert np.array_equal(np.asarray(decoded)[..., 0], pixels)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation_is_taken(format):
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert read_image(data).getpixel((3, 3)) == (255, 0, 0)


# --- refused, with one sentence of what, found, expected, do ---


def refusal(source, **options):
    with pytest.raises(ImageError) as caught:
        read_image(source, **options)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("side", [8_001, 10_000, 30_000, 2_000_000_000])
def test_a_bomb_is_refused_before_it_is_decoded(side):
    assert "64,000,000" in refusal(bomb(side))


def test_the_limit_is_the_callers():
    data = encoded(Image.new("RGB", (11, 10)))
    assert read_image(data, max_pixels=110).size == (11, 10)
    assert "11 x 10 = 110 pixels; at most 109" in refusal(data, max_pixels=109)


def test_a_side_that_the_format_cannot_hold_is_refused():
    assert "65,535" in refusal(encoded(Image.new("L", (65_536, 1))))


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    assert "'empty.png' is empty" in refusal(tmp_path / "empty.png")
    assert "empty" in refusal(b"")


def test_text_named_as_a_picture_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_text("This is no photograph.")
    assert "not an image" in refusal(tmp_path / "photo.jpg")


def test_a_program_in_postscript_is_not_run():
    assert "not an image" in refusal(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "missing.jpg")
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_a_truncated_picture_is_refused(format):
    data = encoded(Image.fromarray(noise(64, 64)), format)
    for part in (0.1, 0.5, 0.9):
        refusal(data[: int(part * len(data))])


def test_a_truncated_progressive_jpeg_is_refused():
    data = encoded(Image.fromarray(noise(64, 64)), "JPEG", progressive=True)
    assert "damaged JPEG" in refusal(data[: len(data) // 2])


def test_signed_pictures_are_refused():
    data = encoded(Image.fromarray(np.ones((2, 2), np.int32)), "TIFF")
    assert "8 or 16 bits" in refusal(data)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_never_escapes_as_another_error(data):
    format = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]))
    damaged = bytearray(encoded(Image.fromarray(noise(16, 16)), format))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = read_image(bytes(damaged))
    except ImageError:
        return
    assert image.mode == "RGB"


# --- writing ---


def test_png_comes_back_exactly(tmp_path):
    image = Image.fromarray(noise())
    write_png(image, tmp_path / "out.png")
    assert np.array_equal(np.asarray(read_image(tmp_path / "out.png")), np.asarray(image))
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]


@pytest.mark.parametrize("target", [".", "missing/out.png", "file/out.png", "/dev/null"])
def test_an_unwritable_target_is_refused_and_nothing_is_left(tmp_path, target):
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(ImageError, match=r"cannot be written.*Choose another place\."):
        write_png(Image.new("RGB", (2, 2)), tmp_path / target)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


# --- tensors ---


def test_levels_survive_the_way_to_tensors_and_back():
    image = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2))
    tensor = to_tensor(image)
    assert tensor.shape == (1, 3, 16, 16)
    assert tensor.dtype == torch.float32
    assert (tensor.min(), tensor.max()) == (0, 1)
    assert np.array_equal(np.asarray(to_image(tensor)), np.asarray(image))


def test_values_are_rounded_half_up_and_clamped():
    values = torch.tensor([-1.0, 0.4 / 255, 0.5 / 255, 1.5 / 255, 2.5 / 255, 254.6 / 255, 7.0])
    image = to_image(values.expand(1, 3, 1, 7))
    assert np.asarray(image)[0, :, 0].tolist() == [0, 0, 1, 2, 3, 255, 255]


def test_other_modes_are_not_converted_silently():
    with pytest.raises(ImageError, match="'L'"):
        to_tensor(Image.new("L", (2, 2)))


@pytest.mark.parametrize("size", [(1, 1), (7, 129), (64, 64), (65, 3)])
def test_padding_repeats_the_edge_and_crop_undoes_it(size):
    image = torch.rand(1, 3, *size)
    padded = pad_to_multiple(image, 64)
    assert all(side % 64 == 0 for side in padded.shape[-2:])
    assert torch.equal(crop(padded, size), image)
    assert torch.equal(padded[..., -1, -1], image[..., -1, -1])
