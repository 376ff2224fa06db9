"""From the color coding that code points name to sRGB, through light.

The signal becomes linear light relative to white (for PQ and HLG, reference white of 203 cd/m2),
the primaries become sRGB's, what lies outside 0 to 1 is clipped, and sRGB's curve is applied.

References:
    ITU-R BT.2100-2, tables 4 and 5: PQ and HLG.
    ITU-R BT.2408-7, section 2.1: reference white at 203 cd/m2, which is an HLG signal of 0.75.
    IEC 61966-2-1: sRGB.
    SMPTE EG 432-1 (Display P3) and ITU-R BT.2020-2: primaries.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from difficmh_core.image_reading.header import Coding

Floats = NDArray[np.float32]

_PQ, _HLG, _LINEAR = 16, 18, 8
HDR_NOTES: Mapping[int, str] = {
    code: f"The file is {name} with a high dynamic range; what is brighter than white is clipped."
    for code, name in ((_PQ, "PQ"), (_HLG, "HLG"))
}
"""What is to be noted of the transfer functions whose signal reaches beyond white."""
_REFERENCE_WHITE_NITS = 203.0
_PEAK_NITS = 10_000.0
_HLG_WHITE_SIGNAL = 0.75
_HLG_SYSTEM_GAMMA = 1.2
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)
"""Of BT.2020's primaries."""
_TO_SRGB: Mapping[int, Floats] = {
    9: np.array(
        [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
        np.float32,
    ),
    12: np.array(
        [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]], np.float32
    ),
}
"""From linear light of some primaries, all with the white D65, to that of sRGB's."""
WIDE_PRIMARIES = frozenset(_TO_SRGB)
_ROWS_AT_ONCE = 256


def to_srgb_light(
    values: NDArray[np.unsignedinteger[Any]], n_bits: int, coding: Coding
) -> Image.Image:
    """Return a picture of some color coding in sRGB.

    Args:
        values: Its coded RGB values, (height, width, 3).
        n_bits: Of each value; all bits set is a signal of 1.
        coding: What they mean; unknown primaries are taken as sRGB's.
    """
    light_of = _TRANSFERS.get(coding.transfer, _from_srgb)
    most = (1 << n_bits) - 1
    signals = np.arange(most + 1, dtype=np.float32) / most
    levels = light_of(np.asarray(signals, np.float32))
    matrix = _TO_SRGB.get(coding.primaries)
    shown = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _ROWS_AT_ONCE):
        light = levels[values[start : start + _ROWS_AT_ONCE]]
        if coding.transfer == _HLG:
            light = _hlg_display(light)
        if matrix is not None:
            light = light @ matrix.T
        signal = _to_srgb(light.clip(0, 1))
        shown[start : start + _ROWS_AT_ONCE] = (signal * 255 + 0.5).astype(np.uint8)
    return Image.fromarray(shown)


def _from_pq(signal: Floats) -> Floats:
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return np.asarray(light * (_PEAK_NITS / _REFERENCE_WHITE_NITS), np.float32)


def _from_hlg(signal: Floats) -> Floats:
    """Return the light of the scene, 1 at the peak."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    high = (np.exp((signal - c) / a) + b) / 12
    return np.where(signal <= 0.5, signal**2 / 3, high).astype(np.float32)


def _hlg_display(scene: Floats) -> Floats:
    """Return the light of the display relative to reference white."""
    white = float(_from_hlg(np.array([_HLG_WHITE_SIGNAL], np.float32))[0]) ** _HLG_SYSTEM_GAMMA
    luminance = np.maximum(scene @ _LUMINANCE, 1e-6)[..., None]
    return np.asarray(scene * luminance ** (_HLG_SYSTEM_GAMMA - 1) / white, np.float32)


def _from_srgb(signal: Floats) -> Floats:
    high = ((signal + 0.055) / 1.055) ** 2.4
    return np.where(signal <= 0.04045, signal / 12.92, high).astype(np.float32)


def _to_srgb(light: Floats) -> Floats:
    high = 1.055 * light ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, high).astype(np.float32)


def _unchanged(signal: Floats) -> Floats:
    return signal


_TRANSFERS: Mapping[int, Callable[[Floats], Floats]] = {
    _PQ: _from_pq,
    _HLG: _from_hlg,
    _LINEAR: _unchanged,
}
"""The others (sRGB, BT.709 and BT.2020 as screens show them) are near enough to sRGB's curve."""
