"""The tagger of the ``nano`` profile: a classifier for the whole, a detector for the things in it.

How the two are put together:

1. each ImageNet class whose probability reaches ``min_probability`` is a tag with that confidence;
2. each COCO class with a box whose score reaches ``min_score`` is a tag with the best such score;
3. a thing that both name is one tag, with the larger confidence;
4. the tags are sorted by confidence (equal ones by number), and the first ``max_tags`` kept.

Large pictures are scaled down first; the same picture always gets the same tags.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from difficmh_core.errors import ConfigError
from difficmh_core.shapes import Image01
from difficmh_core.tagging.classifier import EfficientNetLite0
from difficmh_core.tagging.detector import Detector
from difficmh_core.tagging.tags import Tag, refuse_batch
from difficmh_core.tagging.vocabulary import load_vocabulary, tag_id_of_detection

WORKING_SIZE_PX = 512
"""Pictures whose shorter side is larger are scaled down to this before both networks [px]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggerSettings:
    """When something seen becomes a tag.

    Attributes:
        min_probability: Least probability of an ImageNet class, 0 to 1. At 0.15, three of four
            tags were right on 300 sample pictures of ImageNet, 1.2 tags a picture.
        min_score: Least score of a COCO class, 0 to 1. At 0.35, six of seven tags were right on 60
            pictures of COCO, and half of the classes in them were named.
        max_tags: Most tags of one picture, 0 to 64.
    """

    min_probability: float = 0.15
    min_score: float = 0.35
    max_tags: int = 8

    def __post_init__(self) -> None:
        """Refuse a value outside its range."""
        for name in ("min_probability", "min_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must lie in 0 to 1, got {getattr(self, name)}.")
        if not 0 <= self.max_tags <= 64:
            raise ConfigError(f"max_tags must lie in 0 to 64, got {self.max_tags}.")


class NanoTagger:
    """Says what a picture shows, in the words of ``imagenet+coco``.

    Attributes:
        vocabulary: Where the tags come from.
        classifier: Sees the picture as a whole.
        detector: Sees the things in it.
        settings: When something seen becomes a tag.
    """

    def __init__(
        self,
        classifier: EfficientNetLite0,
        detector: Detector,
        settings: TaggerSettings | None = None,
    ) -> None:
        self.vocabulary = load_vocabulary("imagenet+coco")
        self.classifier = classifier
        self.detector = detector
        self.settings = TaggerSettings() if settings is None else settings

    @torch.inference_mode()
    def __call__(self, image: Image01) -> list[Tag]:
        """Return the tags of a picture, by falling confidence; none if nothing is certain enough.

        Args:
            image: One RGB picture in [0, 1], of any size.

        Raises:
            ImageError: If the batch does not hold exactly one picture.
        """
        refuse_batch(image, "tagger")
        small = _scaled_down(image)
        confidences: dict[int, float] = {}
        probabilities = self.classifier.probabilities(small)[0].tolist()
        for tag_id, probability in enumerate(probabilities):
            if probability >= self.settings.min_probability:
                confidences[tag_id] = probability
        for thing in self.detector(small, min_score=self.settings.min_score):
            tag_id = tag_id_of_detection(thing.label_id)
            confidences[tag_id] = max(confidences.get(tag_id, 0.0), thing.score)
        return self.vocabulary.tags(confidences)[: self.settings.max_tags]


def _scaled_down(image: Image01) -> Tensor:
    """Scale a picture down so that its shorter side is at most the working size."""
    shorter_px = min(image.shape[2:])
    if shorter_px <= WORKING_SIZE_PX:
        return image
    factor = WORKING_SIZE_PX / shorter_px
    size = round(image.shape[2] * factor), round(image.shape[3] * factor)
    scaled = functional.interpolate(
        image, size, mode="bilinear", antialias=True, align_corners=False
    )
    return scaled.clamp(0.0, 1.0)
