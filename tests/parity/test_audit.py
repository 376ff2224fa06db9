"""Every tensor of the full-size checkpoint: read by a network, or named with a reason."""

import json

import pytest
import torch

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.profiles import SD21
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import TextTower
from difficmh_core.diffusion.control import ControlModule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.tagging.ram import RamConfig, RamNetwork
from difficmh_core.weights.published import checkpoint
from difficmh_core.weights.published.codec import load_published_codec
from difficmh_core.weights.published.diffusion import (
    load_published_autoencoder,
    load_published_control,
    load_published_text_tower,
    load_published_unet,
)
from difficmh_core.weights.published.tagger import load_published_tagger

SCALES = "control_model.scale_list"


@pytest.fixture(scope="module")
def numbered(parity):
    """The checkpoint's tensors; each holds its own number everywhere, in memory for one value."""
    groups = json.loads(parity.path("state_dict_shapes.json").read_text(encoding="utf-8"))
    shapes = {
        name: entry["shape"]
        for group in groups.values()
        if isinstance(group, dict)
        for name, entry in group.items()
    }
    tensors = {
        name: torch.tensor(float(number)).expand(shape)
        for number, (name, shape) in enumerate(shapes.items())
    }
    assert len(tensors) == 2557
    return tensors | {SCALES: torch.ones(25)}


def loaded(tensors, monkeypatch):
    """Yield the networks at full size, filled by the loaders of profile sd21."""
    with torch.device("meta"):
        tower = TextTower(SD21.conditioning.text_tower)
        autoencoder = Autoencoder(SD21.autoencoder)
        base = DenoisingUNet(SD21.unet)
        control = ControlModule(SD21.unet, SD21.control)
        tagger = RamNetwork(RamConfig())
    load_published_text_tower(tower, tensors, "full size")
    load_published_autoencoder(autoencoder, tensors, "full size")
    load_published_unet(base, tensors, "full size")
    load_published_control(control, tensors, "full size")
    load_published_tagger(tagger, tensors, "full size")
    codec = LatentCodec(SD21.latent_codec)
    monkeypatch.setattr(codec, "update_tables", lambda: None)  # numbers in order are no weights
    load_published_codec(codec, tensors, "full size")
    return tower, autoencoder, base, control, tagger, codec


def test_each_of_the_2557_is_read_or_ignored_for_a_reason(numbered, monkeypatch):
    names = list(numbered)
    read = list[str]()
    for network in loaded(numbered, monkeypatch):
        for value in network.parameters():
            corners = value.detach().flatten()[[0, -1]].unique().tolist()
            assert len(corners) == 1
            read.append(names[int(corners[0])])
    parts = checkpoint.account_for(numbered, "full size")
    assert set(read) == {name for found in parts.values() for name in found}
    assert all(checkpoint._IGNORED.values())
    joint = [name for name in set(read) if read.count(name) > 1]
    assert all("attn.in_proj_" in name for name in joint)  # query, key and value in one
    assert all(read.count(name) == 3 for name in joint)
