"""SSIMULACRA2: how visible a compressed picture's errors are, 100 for none.

About 90 is visually lossless, 70 high quality, 50 medium, 30 low; very poor pictures are below 0.

References:
    Sneyers: SSIMULACRA 2, Cloudinary, 2022, https://github.com/cloudinary/ssimulacra2
    Computed by the package ssimulacra2, https://github.com/Pacidus/py-ssimulacra2
"""

import io

import torch
from torch import Tensor

from difficmh_core.errors import BackendUnavailableError
from difficmh_core.image_io import to_image
from difficmh_core.quality.metric import PairFunction
from difficmh_core.shapes import Image01


def load_ssimulacra2() -> PairFunction:
    """What gives the value of each pair of 8-bit pictures.

    Raises:
        BackendUnavailableError: If the package is absent.
    """
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError as error:
        raise BackendUnavailableError(
            "SSIMULACRA2 needs the package ssimulacra2, which is not installed. Run `pip install "
            "ssimulacra2`; all other metrics work without it."
        ) from error

    def file_of(image: Image01) -> io.BytesIO:
        file = io.BytesIO()
        to_image(image).save(file, "BMP")
        file.seek(0)
        return file

    def measure(reference: Image01, decoded: Image01) -> Tensor:
        pairs = zip(reference, decoded, strict=True)
        values = [
            compute_ssimulacra2(file_of(one[None]), file_of(other[None])) for one, other in pairs
        ]
        return torch.tensor(values, dtype=torch.float32)

    return measure
