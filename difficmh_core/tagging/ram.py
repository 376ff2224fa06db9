"""RAM++, the tagger of the published system: a Swin transformer and 4,585 described tags.

Each tag has 51 descriptions, embedded once as texts. A picture weighs them by how well they fit,
and the weighted sum asks the picture's tokens, through two cross-attention layers, whether the
tag is there.

References:
    Huang et al.: Open-Set Image Tagging with Multi-Grained Text Supervision (RAM++), 2023,
    https://arxiv.org/abs/2310.15200
    Liu et al.: Swin Transformer, ICCV 2021, https://arxiv.org/abs/2103.14030
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core._support import torchvision_operators  # noqa: F401 (before torchvision)

# isort: split
from torchvision.models.swin_transformer import SwinTransformer

from difficmh_core.errors import ConfigError
from difficmh_core.shapes import Image01
from difficmh_core.tagging.tags import Tag, refuse_batch
from difficmh_core.tagging.vocabulary import Vocabulary

_MEAN = (0.485, 0.456, 0.406)
_STANDARD_DEVIATION = (0.229, 0.224, 0.225)
_ATTENTION_NORM_EPS = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class RamConfig:
    """Sizes of RAM++; the defaults are the published ones (Swin-L).

    Attributes:
        image_px: Side to which pictures are resized [px].
        swin_channels: Width of the first level; each level doubles it.
        swin_depths: Blocks of each level.
        swin_heads: Attention heads of each level.
        window: Side of the attention windows, in tokens.
        text_channels: Width of the descriptions, and of the picture's tokens beside them.
        n_descriptions: Descriptions of each tag.
        n_tags: Tags.
        query_channels: Width of the cross-attention layers.
        feed_forward_channels: Hidden width of their feed-forward networks.
        query_heads: Their attention heads.
        query_layers: Their number.
    """

    image_px: int = 384
    swin_channels: int = 192
    swin_depths: tuple[int, ...] = (2, 2, 18, 2)
    swin_heads: tuple[int, ...] = (6, 12, 24, 48)
    window: int = 12
    text_channels: int = 512
    n_descriptions: int = 51
    n_tags: int = 4585
    query_channels: int = 768
    feed_forward_channels: int = 3072
    query_heads: int = 4
    query_layers: int = 2


class RamNetwork(nn.Module):
    """From pictures to one logit for each tag."""

    mean: Tensor
    standard_deviation: Tensor

    def __init__(self, config: RamConfig) -> None:
        super().__init__()
        self.config = config
        swin = SwinTransformer(
            patch_size=[4, 4],
            embed_dim=config.swin_channels,
            depths=list(config.swin_depths),
            num_heads=list(config.swin_heads),
            window_size=[config.window, config.window],
            stochastic_depth_prob=0.0,
            norm_layer=partial(nn.LayerNorm, eps=1e-5),
        )
        self.levels, self.norm = swin.features, swin.norm
        width = config.swin_channels * 2 ** (len(config.swin_depths) - 1)
        self.to_text = nn.Linear(width, config.text_channels)
        n_texts = config.n_tags * config.n_descriptions
        # Made empty: a normal distribution over so many values takes seconds, for nothing.
        self.descriptions = nn.Parameter(torch.zeros(n_texts, config.text_channels))
        self.log_temperature = nn.Parameter(torch.zeros(()))
        self.to_query = nn.Linear(config.text_channels, config.query_channels)
        self.layers = nn.ModuleList(_QueryLayer(config) for _ in range(config.query_layers))
        self.to_logit = nn.Linear(config.query_channels, 1)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        deviation = torch.tensor(_STANDARD_DEVIATION).view(1, 3, 1, 1)
        self.register_buffer("standard_deviation", deviation, persistent=False)

    def normalized(self, image: Image01) -> Float[Tensor, "batch 3 side side"]:
        """Return pictures of the network's size, mean and deviation.

        Resized without antialiasing, as the published thresholds were chosen.
        """
        side = self.config.image_px
        small = functional.interpolate(image, (side, side), mode="bilinear", align_corners=False)
        return (small.clamp(0, 1) - self.mean) / self.standard_deviation

    def tokens(
        self, normalized: Float[Tensor, "batch 3 side side"]
    ) -> Float[Tensor, "batch tokens channels"]:
        """Return the tokens of pictures: first their mean, then one for each place."""
        places = self.norm(self.levels(normalized)).flatten(1, 2)
        return torch.cat([places.mean(dim=1, keepdim=True), places], dim=1)

    def forward(self, image: Image01) -> Float[Tensor, "batch tags"]:
        """Return the logit of each tag; its sigmoid is the tag's confidence.

        Args:
            image: RGB pictures in [0, 1], of any size.
        """
        seen = self.to_text(self.tokens(self.normalized(image)))
        whole = functional.normalize(seen[:, 0], dim=-1)
        fits = self.log_temperature.exp() * whole @ self.descriptions.T
        weights = fits.view(len(seen), self.config.n_tags, -1).softmax(dim=-1)
        described = self.descriptions.view(self.config.n_tags, self.config.n_descriptions, -1)
        queries = torch.einsum("btd,tdc->btc", weights, described)
        hidden = functional.relu(self.to_query(queries))
        for layer in self.layers:
            hidden = layer(hidden, seen)
        logits: Tensor = self.to_logit(hidden)[..., 0]
        return logits


class _QueryLayer(nn.Module):
    """A BERT layer without self-attention: tags ask the picture, not each other."""

    def __init__(self, config: RamConfig) -> None:
        super().__init__()
        width = config.query_channels
        self.n_heads = config.query_heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(config.text_channels, width)
        self.value = nn.Linear(config.text_channels, width)
        self.attended = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=_ATTENTION_NORM_EPS)
        self.widen = nn.Linear(width, config.feed_forward_channels)
        self.narrow = nn.Linear(config.feed_forward_channels, width)
        self.norm2 = nn.LayerNorm(width, eps=_ATTENTION_NORM_EPS)

    def forward(self, tags: Tensor, picture: Tensor) -> Tensor:
        query, key, value = (
            projected.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for projected in (self.query(tags), self.key(picture), self.value(picture))
        )
        heads = functional.scaled_dot_product_attention(query, key, value)
        asked = self.norm1(self.attended(heads.transpose(1, 2).flatten(2)) + tags)
        answer: Tensor = self.norm2(self.narrow(functional.gelu(self.widen(asked))) + asked)
        return answer


class RamTagger:
    """Says what a picture shows, in the words of RAM++.

    Attributes:
        network: Finds the tags.
        vocabulary: Their names.
        thresholds: Confidence above which each tag is named; 1 for those never named.
    """

    def __init__(
        self, network: RamNetwork, vocabulary: Vocabulary, thresholds: Sequence[float]
    ) -> None:
        if not len(vocabulary) == len(thresholds) == network.config.n_tags:
            raise ConfigError(
                f"RAM++ has {network.config.n_tags} tags, but got {len(vocabulary)} names and "
                f"{len(thresholds)} thresholds. Use the files that belong to the network."
            )
        self.network = network
        self.vocabulary = vocabulary
        self.thresholds = torch.tensor(thresholds)

    @torch.inference_mode()
    def __call__(self, image: Image01) -> list[Tag]:
        """Return the tags of a picture, as the tagger of ``nano`` does."""
        refuse_batch(image, "tagger")
        where = self.network.to_logit.weight
        confidences = self.network(image.to(where.device, where.dtype))[0].sigmoid().float().cpu()
        ids = (confidences > self.thresholds).nonzero().flatten().tolist()
        return self.vocabulary.tags({tag_id: confidences[tag_id].item() for tag_id in ids})
