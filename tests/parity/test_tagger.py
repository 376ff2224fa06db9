"""RAM++ against the published one."""

import json

import pytest
import torch

from difficmh_core.errors import CheckpointError, ConfigError
from difficmh_core.tagging.ram import RamConfig, RamNetwork, RamTagger
from difficmh_core.tagging.vocabulary import Vocabulary
from difficmh_core.weights.published.tagger import TAGGER_PREFIX, load_published_tagger

TOLERANCE = {"atol": 1e-4, "rtol": 0}


@pytest.fixture(scope="module")
def settings(parity):
    return json.loads(parity.path("ram_reduced.json").read_text())


@pytest.fixture(scope="module")
def published(parity):
    return parity.tensors("weights_ram_reduced.safetensors")


@pytest.fixture(scope="module")
def config(parity):
    return parity.tagger_config()


@pytest.fixture(scope="module")
def network(config, published):
    module = RamNetwork(config)
    load_published_tagger(module, published, "reduced")
    return module.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def reference(parity):
    return parity.tensors("ram_reduced.safetensors")


@pytest.fixture(scope="module")
def image(parity):
    pixels = parity.tensors("vae.safetensors")["image_u8"]
    return pixels.permute(2, 0, 1)[None].float() / 255


def test_every_step_is_the_published_one(network, image, reference):
    normalized = network.normalized(image)
    corner = normalized[..., :16, :16]
    torch.testing.assert_close(corner, reference["resized_normalised_corner16"], **TOLERANCE)
    mean = normalized.mean(dim=(2, 3))
    torch.testing.assert_close(mean, reference["resized_normalised_mean"], **TOLERANCE)
    tokens = network.tokens(normalized)
    torch.testing.assert_close(tokens, reference["swin_tokens_cls_first"], **TOLERANCE)
    seen = network.to_text(tokens)
    torch.testing.assert_close(seen, reference["image_embeds"], **TOLERANCE)
    torch.testing.assert_close(network(image), reference["logits"], **TOLERANCE)


def test_tags_are_the_published_ones(network, image, reference, settings):
    tagger = RamTagger(network, Vocabulary(tuple(settings["tags"])), settings["thresholds"])
    tags = tagger(image)
    assert sorted(tag.id for tag in tags) == reference["indexes"].tolist()
    assert [tag.confidence for tag in tags] == sorted(
        (tag.confidence for tag in tags), reverse=True
    )
    assert ", ".join(tag.name for tag in sorted(tags, key=lambda t: t.id)) == settings["prompt"]


def test_thresholds_of_another_network_are_refused(network, settings):
    with pytest.raises(ConfigError, match="3 thresholds"):
        RamTagger(network, Vocabulary(tuple(settings["tags"])), [0.5] * 3)


def test_a_name_that_no_rule_knows_is_refused(config, published):
    surprise = {f"{TAGGER_PREFIX}model.surprise": torch.zeros(1)}
    with pytest.raises(CheckpointError, match=r"1 \(surprise\) unexpected"):
        load_published_tagger(RamNetwork(config), published | surprise, "reduced")


def test_full_size_names_and_shapes_are_the_published_ones(parity):
    with torch.device("meta"):
        network = RamNetwork(RamConfig())
    load_published_tagger(network, parity.full_size_tensors(TAGGER_PREFIX), "full size")
