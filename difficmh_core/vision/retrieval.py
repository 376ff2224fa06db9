"""Retrieval through transformers: which texts CLIP finds nearest to a picture.

The texts are "a photo of a ..." with the names of ImageNet and COCO, 1,063 in all. The nearest
text of the original is what a user would have found it by; recall at k says whether the decoded
picture still finds it among its k nearest.

References:
    Radford et al.: CLIP, 2021, https://arxiv.org/abs/2103.00020, section 3.1 (texts by class
    names, recall); the cosine of two pictures' embeddings is "CLIP-I" in
    Ruiz et al.: DreamBooth, CVPR 2023, https://arxiv.org/abs/2208.12242, section 4.1
    Schuhmann et al.: LAION-5B, NeurIPS 2022, https://arxiv.org/abs/2210.08402 (the weights)
"""

from collections.abc import Mapping
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from difficmh_core.shapes import Image01
from difficmh_core.tagging.vocabulary import N_IMAGENET, coco_names, load_vocabulary
from difficmh_core.vision.pretrained import PretrainedTask

_AT = (1, 5)
_TEXTS_AT_ONCE = 128


class Retrieval(PretrainedTask):
    """The place of a picture among texts."""

    key = "retrieval"
    name = "image-text retrieval (CLIP, ViT-B/32)"

    def see(self, image: Image01) -> Float[Tensor, " features"]:
        """Return the picture's embedding, of length 1."""
        network = self.network
        seen = network.vision_model(pixel_values=self.pixels(image))
        return functional.normalize(network.visual_projection(seen.pooler_output), dim=-1)[0]

    def agreement(self, original: Tensor, decoded: Tensor) -> Mapping[str, float]:
        """Return recall of the original's nearest text, and the cosine of both pictures."""
        return retrieval_agreement(original, decoded, self._texts)

    @cached_property
    def _texts(self) -> Float[Tensor, "texts features"]:
        """The texts' embeddings, of length 1."""
        network, texts = self.network, retrieval_texts()
        parts = list[Tensor]()
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            tokens = self.tokens(texts[start : start + _TEXTS_AT_ONCE])
            read = network.text_model(**tokens).pooler_output
            parts.append(functional.normalize(network.text_projection(read), dim=-1))
        return torch.cat(parts)


def retrieval_texts() -> tuple[str, ...]:
    """Return the texts that pictures are compared with, each once."""
    names = (*load_vocabulary("imagenet+coco").names[:N_IMAGENET], *coco_names())
    return tuple(f"a photo of a {name}." for name in dict.fromkeys(n.casefold() for n in names))


def retrieval_agreement(
    original: Float[Tensor, " features"],
    decoded: Float[Tensor, " features"],
    texts: Float[Tensor, "texts features"],
) -> Mapping[str, float]:
    """Return recall at 1 and 5 of the original's nearest text, and the cosine of both pictures.

    Args:
        original: Embedding of the original, of length 1.
        decoded: Embedding of the decoded picture, of length 1.
        texts: Embeddings of the texts, of length 1.
    """
    nearest = (texts @ original).argmax()
    order = (texts @ decoded).argsort(descending=True, stable=True)
    found = {f"clip_recall{k}": float(nearest in order[:k]) for k in _AT}
    return found | {"clip_cosine": float(functional.cosine_similarity(original, decoded, dim=0))}
