"""The published checkpoint as a whole: every one of its tensors has a place or a reason."""

import json

import pytest

from difficmh_core.weights.published.checkpoint import account_for
from difficmh_core.weights.published.codec import PREFIX as CODEC_PREFIX


@pytest.fixture(scope="module")
def names(parity):
    groups = json.loads(parity.path("state_dict_shapes.json").read_text())
    return [name for group in groups.values() if isinstance(group, dict) for name in group]


def test_every_published_name_is_accounted_for(names):
    assert len(names) == 2557
    parts = account_for(names, "published")  # refuses what it knows nothing of
    assert {part: len(found) for part, found in parts.items()} == {
        "autoencoder": 248,
        "unet": 686,
        "text tower": 280,
        "control module": 348,
        "latent codec": 551,
        "tagger": 367,
    }
    n_ignored = 77
    assert len({name for found in parts.values() for name in found}) + n_ignored == 2557


@pytest.mark.parametrize("style", ["_{}{}", "{}.{}"])
def test_both_namings_of_the_entropy_bottleneck_are_known(names, style):
    plural = {"matrix": "matrices", "bias": "biases", "factor": "factors"}
    renamed = [
        f"{CODEC_PREFIX}entropy_bottleneck."
        + style.format(word if style.startswith("_") else plural[word], index)
        for word in plural
        for index in range(5 if word != "factor" else 4)
    ]
    assert account_for(renamed, "renamed")["latent codec"] == renamed
    if style.startswith("_"):
        assert set(renamed) <= set(names)
