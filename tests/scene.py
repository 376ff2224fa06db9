"""The scene that all of ``tests/pictures`` show, and the same scene in other color spaces.

It is 48 x 32 px: a gradient, a bright and a dark disk, and four corners that tell how it lies.
"""

import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

from tests.png_chunks import chunk

SIZE = (48, 32)
_CORNERS = ((230, 40, 40), (40, 200, 60), (50, 70, 220), (230, 210, 40))
_PRIMARIES = {
    # CIE xyY chromaticities of red, green and blue; white is D65.
    "sRGB": ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    "P3": ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    "Adobe RGB": ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)),
    "BT.2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
}
_D65, _D50 = (0.3127, 0.3290), (0.9642, 1.0, 0.8249)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def scene():
    """The scene in sRGB, (32, 48, 3), 0 to 255, not rounded."""
    rows, columns = np.mgrid[0:32, 0:48].astype(np.float64)
    image = np.stack([60 + columns * 3, 80 + rows * 3.5, 190 - columns * 2 - rows], axis=-1)
    for center, radius, color in (((16, 16), 6, (236, 232, 224)), ((32, 16), 7, (28, 30, 40))):
        distance = np.hypot(columns - center[0], rows - center[1])
        inside = (1 / (1 + np.exp(distance - radius)))[..., None]
        image = image * (1 - inside) + np.array(color) * inside
    for index, color in enumerate(_CORNERS):
        down, right = divmod(index, 2)
        image[down * 24 : down * 24 + 8, right * 40 : right * 40 + 8] = color
    return image


def linear():
    """The scene as linear light of sRGB's primaries, 0 to 1."""
    signal = scene() / 255
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def to_xyz(name):
    """The matrix from linear light of some primaries to CIE XYZ of white D65."""
    columns = [(x / y, 1, (1 - x - y) / y) for x, y in (*_PRIMARIES[name], _D65)]
    red_green_blue = np.array(columns[:3]).T
    return red_green_blue * np.linalg.solve(red_green_blue, np.array(columns[3]))


def light_in(name):
    """The scene as linear light of other primaries."""
    return linear() @ (np.linalg.inv(to_xyz(name)) @ to_xyz("sRGB")).T


def srgb_curve(light):
    """Linear light as sRGB's signal."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light.clip(0) ** (1 / 2.4) - 0.055)


def pq_curve(light):
    """Linear light, 1 at 203 cd/m2, as PQ's signal (SMPTE ST 2084)."""
    power = (light.clip(0) * 203 / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg_curve(light):
    """Linear light, 1 at a signal of 0.75, as HLG's signal (ITU-R BT.2100, system gamma 1.2)."""
    luminance = (light @ np.array([0.2627, 0.6780, 0.0593]))[..., None].clip(1e-9)
    display = light.clip(0) * 0.26496256**1.2
    scene_light = display * (luminance * 0.26496256**1.2) ** (1 / 1.2 - 1)
    high = 0.17883277 * np.log((12 * scene_light - 0.28466892).clip(1e-9)) + 0.55991073
    return np.where(scene_light <= 1 / 12, np.sqrt(3 * scene_light), high)


def levels(signal, n_bits=8):
    """A signal from 0 to 1 as integers."""
    values = np.floor(np.clip(signal, 0, 1) * (2**n_bits - 1) + 0.5)
    return values.astype(np.uint8 if n_bits == 8 else np.uint16)


def png(values, extra=b""):
    """Integers of 8 or 16 bits as a PNG."""
    height, width = values.shape[:2]
    bits, color_type = 8 * values.itemsize, 0 if values.ndim == 2 else 2
    rows = values.astype(">u2" if bits == 16 else np.uint8).reshape(height, -1)
    scanlines = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (chunk(extra[:4], extra[4:]) if extra else b"")
        + chunk(b"IDAT", zlib.compress(scanlines, 9))
        + chunk(b"IEND", b"")
    )


def profile(name, gamma=None):
    """An ICC profile of some primaries with sRGB's curve, or with a power law."""
    tags = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    d65 = to_xyz(name) @ np.ones(3)
    cones = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ d65)
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ to_xyz(name)
    for at in range(132, 132 + 12 * struct.unpack_from(">I", tags, 128)[0], 12):
        tag, offset, n_bytes = struct.unpack_from(">4sII", tags, at)
        if tag in (b"rXYZ", b"gXYZ", b"bXYZ"):
            column = adapted[:, b"rgb".index(tag[:1])]
            struct.pack_into(">3i", tags, offset + 8, *(round(value * 65536) for value in column))
        elif tag in (b"rTRC", b"gTRC", b"bTRC") and gamma is not None:
            struct.pack_into(">4sIHHi", tags, offset, b"para", 0, 0, 0, round(gamma * 65536))
            struct.pack_into(">I", tags, at + 8, min(n_bytes, 16))
    return bytes(tags).replace(b"s\0R\0G\0B", b"t\0e\0s\0t")


def image(values):
    """Integers of 8 bits as a picture."""
    return Image.fromarray(values)
