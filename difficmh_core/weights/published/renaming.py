"""Rules that bring published names to ours."""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

Rules = Sequence[tuple[str, str]]
"""Regular expressions and what replaces each, in the order in which they are applied."""


def rename_below(prefix: str, tensors: Mapping[str, Tensor], rules: Rules) -> dict[str, Tensor]:
    """Return the tensors below a prefix under the names that the rules give them."""
    renamed = dict[str, Tensor]()
    for key, tensor in tensors.items():
        if key.startswith(prefix):
            ours = key.removeprefix(prefix)
            for pattern, replacement in rules:
                ours = re.sub(pattern, replacement, ours)
            renamed[ours] = tensor
    return renamed
