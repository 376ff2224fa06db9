"""ELIC beside ours: one stream that decodes to CompressAI's own picture, weights read strictly."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from difficmh_core._support import torchvision_operators  # noqa: F401 (before compressai)
from tests import needs

# isort: split
if not needs.HAS_COMPRESSAI:
    pytest.skip(needs.compressai.kwargs["reason"], allow_module_level=True)

from compressai.latent_codecs import CheckerboardLatentCodec
from compressai.models.sensetime import Elic2022Chandelier, Elic2022Official

from difficmh_core.baselines.elic import Elic, published_elic
from difficmh_core.baselines.elic_network import ElicNetwork
from difficmh_core.config.networks import ElicConfig
from difficmh_core.errors import CheckpointError, ProgramError
from difficmh_core.image_io import to_tensor

SMALL = ElicConfig(channels=8, latent_channels=16, groups=(4, 4, 8), n_rate_points=2)


def lively(network):
    """Give random layers a latent that is not all zeros, and a prior that expects it."""
    with torch.no_grad():
        network.g_a[0].weight.mul_(5)
        network.g_a[13].weight.mul_(5)
        for module in network.modules():
            if isinstance(module, CheckerboardLatentCodec):
                scales, _ = module.entropy_parameters[-1].bias.chunk(2)
                scales.fill_(3.0)
    return network


@pytest.fixture(scope="module")
def elic():
    torch.manual_seed(3)
    network = ElicNetwork(SMALL)
    lively(network.elic)
    return Elic([network], "ELIC (random)", "0")


def test_a_file_decodes_to_what_the_network_makes_of_the_picture(elic, picture):
    network = elic._networks[0]
    data = elic.encode(picture, 50)
    assert data == elic.encode(picture, 50)
    decoded = elic.decode(data)
    assert decoded.size == picture.size
    padded = torch.nn.functional.pad(
        to_tensor(picture), (0, -picture.width % 64, 0, -picture.height % 64), mode="replicate"
    )
    with torch.no_grad():
        output = network(padded, torch.tensor([0.5]))
    expected = output.image.clamp(0, 1)[..., : picture.height, : picture.width]
    # Rounded to eight bits.
    assert (to_tensor(decoded) - expected).abs().max() < 0.51 / 255
    # The stream costs what training estimates, and a few bytes for its end and the header.
    assert 8 * len(data) == pytest.approx(output.bits.item(), rel=0.03, abs=120)


def test_a_higher_quality_makes_a_larger_file(elic, picture):
    sizes = [len(elic.encode(picture, quality)) for quality in (0, 30, 60, 100)]
    assert sizes == sorted(set(sizes))
    coded = elic.code(picture, (sizes[1] + sizes[2]) // 2)
    assert coded.fits
    assert 30 < coded.setting < 60


def test_a_file_that_ends_early_is_refused(elic):
    with pytest.raises(ProgramError, match="cannot decode its file"):
        elic.decode(b"\x03")


@pytest.mark.parametrize("kind", [Elic2022Official, Elic2022Chandelier])
def test_published_weights_code_as_compressai_does(kind, picture, tmp_path):
    torch.manual_seed(5)
    reference = lively(kind(8, 16, [4, 4, 8])).eval()
    reference.update(force=True)
    torch.save(reference.state_dict(), tmp_path / "low.pth")
    old = {
        key.replace("matrices.", "_matrix")
        .replace("biases.", "_bias")
        .replace("factors.", "_factor"): value.contiguous()
        for key, value in reference.state_dict().items()
    }
    save_file(old, tmp_path / "high.safetensors")
    elic = published_elic([tmp_path / "low.pth", tmp_path / "high.safetensors"])
    assert elic.name == "ELIC (N 8, M 16; 2 published rates)"
    assert list(elic.qualities) == [0, 1]
    data = elic.encode(picture, 0)
    assert data[5:] == elic.encode(picture, 1)[5:]

    padded = torch.nn.functional.pad(
        to_tensor(picture), (0, -picture.width % 64, 0, -picture.height % 64), mode="replicate"
    )
    with torch.no_grad():
        coded = reference.compress(padded)
        expected = reference.decompress(coded["strings"], coded["shape"])["x_hat"]
    shown = to_tensor(elic.decode(data))
    assert (shown - expected[..., : picture.height, : picture.width]).abs().max() < 0.51 / 255
    # One stream saves the ends of CompressAI's seven.
    assert len(data) < sum(len(string) for strings in coded["strings"] for string in strings)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.manual_seed(0)
    state = Elic2022Official(8, 16, [4, 4, 8]).state_dict()
    torch.save({"g_a.0.weight": state["g_a.0.weight"]}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="no ELIC of CompressAI"):
        published_elic([tmp_path / "other.pth"])
    del state["g_a.1.conv1.weight"]
    torch.save(state, tmp_path / "less.pth")
    with pytest.raises(CheckpointError, match=r"1 \(.*\) missing"):
        published_elic([tmp_path / "less.pth"])


def test_a_network_of_one_rate_has_no_gains():
    assert ElicNetwork(replace(SMALL, n_rate_points=0)).gains is None
