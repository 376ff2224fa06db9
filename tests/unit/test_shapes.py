"""Shapes and types are checked at every call while tests run."""

import pytest
import torch
from jaxtyping import TypeCheckError

from difficmh_core.quality.distortion import psnr_db


@pytest.mark.parametrize(
    "image", [torch.zeros(3, 8, 8), torch.zeros(1, 4, 8, 8), torch.zeros(1, 3, 8, 8).int()]
)
def test_a_tensor_of_another_shape_or_type_is_refused(image):
    with pytest.raises(TypeCheckError):
        psnr_db(image, image)
