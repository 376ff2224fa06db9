"""What others published: drawn beside our measurements, never mixed with them.

All are means over the 24 pictures of Kodak, as their authors give them. LPIPS is on AlexNet; how
each program computes bits and metrics differs in detail (ours count the whole file and the
original size), so that the points say where a codec stands, not which is better by a hundredth.

References:
    MS-ILLM: Muckley et al., ICML 2023, https://arxiv.org/abs/2301.10926
    DiffEIC: Li et al., 2024, https://arxiv.org/abs/2404.18820
    StableCodec: Zhang et al., ICCV 2025, https://arxiv.org/abs/2506.21977
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

PUBLISHED: Mapping[str, Sequence[tuple[float, Mapping[str, float]]]] = MappingProxyType(
    {
        "MS-ILLM (Kodak, arXiv:2301.10926)": (
            (0.045, {"lpips_alex": 0.158, "dists": 0.134, "psnr_db": 24.7}),
        ),
        "DiffEIC (Kodak, arXiv:2404.18820)": (
            (0.0375, {"lpips_alex": 0.238, "dists": 0.133, "psnr_db": 21.2}),
        ),
        "StableCodec (Kodak, arXiv:2506.21977)": (
            (0.034, {"lpips_alex": 0.166, "dists": 0.092, "psnr_db": 23.0}),
        ),
    }
)
"""Rate [bit per pixel] and metrics of each codec."""
