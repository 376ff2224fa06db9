"""Metrics by pyiqa's names: which there are, what they give, and what their weights may hold."""

import hashlib
import io
import pickle
import threading
import urllib.error
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.hub

from difficmh_core.errors import (
    BackendUnavailableError,
    CheckpointError,
    ConfigError,
    ImageError,
)
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.quality.foreign_weights import tensors_only
from difficmh_core.quality.metric import Group
from difficmh_core.quality.metrics import QualityMeter, picture_metric
from difficmh_core.quality.pyiqa_metrics import from_pyiqa, pyiqa_function, pyiqa_metric


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(5)
    reference = torch.rand(1, 3, 96, 80, generator=generator)
    noise = 0.05 * torch.randn(1, 3, 96, 80, generator=generator)
    return reference, (reference + noise).clamp(0, 1)


class Bomb:
    """What leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def weights_folder(tmp_path, monkeypatch):
    """Where pyiqa looks for weights, empty; there is no network."""
    downloads = pytest.importorskip("pyiqa.utils.download_util")
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(downloads, "DEFAULT_CACHE_DIR", str(folder))

    def no_network(url, dst, *args, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    return folder


def test_a_measure_says_what_it_is():
    gmsd, niqe = pyiqa_metric("gmsd"), pyiqa_metric("niqe")
    assert (gmsd.name, gmsd.lowest, gmsd.highest) == ("gmsd (pyiqa)", 0.0, 1.0)
    assert not gmsd.is_higher_better
    assert (gmsd.group, niqe.group) == (Group.DISTORTION, Group.PERCEPTION)
    assert pyiqa_metric("mad").highest == float("inf")
    assert picture_metric("fsim") == pyiqa_metric("fsim")
    assert picture_metric("dists").name == "DISTS"  # a name of both is ours


def test_a_wrong_name_is_refused_with_those_near_it():
    with pytest.raises(ConfigError, match=r"'gsmd'; near are gmsd.*psnr_db.*or a name of pyiqa"):
        picture_metric("gsmd")
    with pytest.raises(ConfigError, match=r"near are .*lpips_vgg"):
        picture_metric("lpips_vg")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fid", "--set-metrics"),
        ("fid_dinov2", "sets of images"),
        ("inception_score", "sets of images"),
        ("clipscore", "captions"),
        ("qalign", "runs code that comes with its weights"),
        ("compare2score", "runs code"),
        ("fgresq_pair", "several numbers"),
    ],
)
def test_what_says_nothing_of_one_picture_or_runs_code_is_refused(name, reason):
    with pytest.raises(ConfigError, match=f"{name} is no metric .*{reason}"):
        picture_metric(name)


def test_psnr_is_ours(pair):
    expected = psnr_db(*pair).item()
    assert pyiqa_function("psnr")(*pair).item() == pytest.approx(expected, abs=1e-3)


def test_ssim_agrees_with_scikit_image(pair):
    metrics = pytest.importorskip("skimage.metrics")
    first, second = (image[0].double().permute(1, 2, 0).numpy() for image in pair)
    _, values = metrics.structural_similarity(
        *(first, second),
        channel_axis=2,
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    inside = values[5:-5, 5:-5].mean()  # pyiqa's window lies inside the picture
    assert pyiqa_function("ssimc")(*pair).item() == pytest.approx(inside, abs=1e-5)


@pytest.mark.parametrize(
    "name",
    [
        *("gmsd", "nlpd", "psnry"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("fsim", "vsi", "vif")),
    ],
)
def test_formulas_run_here_and_worsen_with_noise(name, pair):
    metric, meter = pyiqa_metric(name), QualityMeter(Path())
    reference, decoded = pair
    worse = (reference + 4 * (decoded - reference)).clamp(0, 1)
    with torch.inference_mode():
        best, near, far = (
            meter.measure(name, reference, image).item() for image in (reference, decoded, worse)
        )
    sign = 1 if metric.is_higher_better else -1
    assert sign * best > sign * near > sign * far


def test_of_the_decoded_picture_alone(pair):
    measure = pyiqa_function("entropy")
    assert measure(*pair).item() == measure(pair[1], pair[1]).item() != measure(pair[1], pair[0])


@pytest.mark.parametrize(("name", "side"), [("ssim", 8), ("cw_ssim", 8), ("gmsd", 3)])
def test_a_picture_that_is_too_small_is_an_image_error(name, side):
    measure = pyiqa_function(name)
    with pytest.raises(ImageError, match=r"cannot measure an image of|not defined"):
        measure(torch.rand(1, 3, side, side), torch.rand(1, 3, side, side))


def test_random_crops_are_the_same_each_time_and_leave_other_draws_alone(monkeypatch, pair):
    pyiqa = pytest.importorskip("pyiqa")

    def draws(decoded, reference):
        return torch.rand(1) + float(np.random.rand())

    monkeypatch.setattr(pyiqa, "create_metric", lambda *args, **options: draws)
    measure = pyiqa_function("psnr")
    torch.manual_seed(7)
    np.random.seed(7)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(7)
    np.random.seed(7)
    assert measure(*pair) == measure(*pair)
    assert (torch.rand(1), np.random.rand()) == expected


def test_more_than_one_number_is_refused(monkeypatch, pair):
    pyiqa = pytest.importorskip("pyiqa")
    monkeypatch.setattr(pyiqa, "create_metric", lambda *args, **options: lambda *_: torch.ones(3))
    with pytest.raises(ImageError, match="cannot measure"):
        pyiqa_function("psnr")(*pair)


def test_absent_weights_name_their_address_and_their_place(weights_folder):
    place = weights_folder / "niqe_modelparameters.mat"
    with pytest.raises(BackendUnavailableError, match=rf"Put https://\S+ at {place}, or leave"):
        pyiqa_function("niqe")
    assert list(weights_folder.iterdir()) == []


def test_an_absent_package_is_named(monkeypatch):
    def build(pyiqa):
        raise ModuleNotFoundError("No module named 'pkg_resources'", name="pkg_resources")

    with pytest.raises(BackendUnavailableError, match=r"pip install 'setuptools<81'"):
        from_pyiqa("clipiqa", build)


def load_through_pyiqa(url):
    """Load a layer's weights as pyiqa's networks load theirs."""

    def build(pyiqa):
        layer = torch.nn.Linear(3, 2)
        pyiqa.archs.arch_util.load_pretrained_network(layer, url)
        return layer

    return from_pyiqa("the layer", build)


def test_tensors_are_read_and_a_hostile_pickle_is_refused(weights_folder, tmp_path):
    layer, mark = torch.nn.Linear(3, 2), tmp_path / "mark"
    torch.save(layer.state_dict(), weights_folder / "good.pth")
    assert torch.equal(load_through_pyiqa("https://a.b/good.pth").weight, layer.weight)
    torch.save({"weight": Bomb(mark)}, weights_folder / "bad.pth")
    with pytest.raises(CheckpointError, match="the layer cannot be read as tensors"):
        load_through_pyiqa("https://a.b/bad.pth")
    assert not mark.exists()
    assert (weights_folder / "bad.pth").exists()  # it was there before: not ours to remove
    torch.load(weights_folder / "bad.pth", weights_only=False)  # the bomb is a real one
    assert mark.exists()


class CutShort(SimpleHTTPRequestHandler):
    """Serves ``cut.pth`` with half of its bytes missing, everything else whole."""

    def copyfile(self, source, outputfile):
        data = source.read()
        outputfile.write(data[: len(data) // 2] if self.path == "/cut.pth" else data)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(CutShort, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_what_was_fetched_and_cannot_be_read_is_removed(
    server, tmp_path, weights_folder, monkeypatch
):
    monkeypatch.undo()  # there is a network
    downloads = pytest.importorskip("pyiqa.utils.download_util")
    monkeypatch.setattr(downloads, "DEFAULT_CACHE_DIR", str(weights_folder))
    served, address = server
    layer = torch.nn.Linear(3, 2)
    for name, content in (
        ("good.pth", layer.state_dict()),
        ("cut.pth", layer.state_dict()),
        ("bad.pth", {"weight": Bomb(tmp_path / "mark")}),
    ):
        torch.save(content, served / name)
    for name in ("cut.pth", "bad.pth"):
        with pytest.raises(CheckpointError, match="cannot be read as tensors"):
            load_through_pyiqa(f"{address}/{name}")
    with pytest.raises(BackendUnavailableError, match="404"):
        load_through_pyiqa(f"{address}/none.pth")
    assert list(weights_folder.iterdir()) == []
    assert not (tmp_path / "mark").exists()
    assert torch.equal(load_through_pyiqa(f"{address}/good.pth").weight, layer.weight)
    assert [path.name for path in weights_folder.iterdir()] == ["good.pth"]


def test_a_torchscript_program_is_read_only_if_it_is_a_known_one(tmp_path):
    path = tmp_path / "program.pt"
    torch.jit.save(torch.jit.trace(torch.nn.Linear(3, 2), torch.ones(1, 3)), path)
    with tensors_only(), pytest.raises(pickle.UnpicklingError, match="TorchScript"):
        torch.jit.load(path)
    known = hashlib.sha256(path.read_bytes()).hexdigest()
    with tensors_only([known]), path.open("rb") as file:
        assert torch.jit.load(file)(torch.ones(1, 3)).shape == (1, 2)


def test_the_guard_ends_with_its_block(tmp_path):
    before = torch.load, torch.jit.load, torch.hub.download_url_to_file
    with tensors_only():
        assert torch.load is not before[0]
    file = io.BytesIO()
    torch.save(Bomb(tmp_path / "mark"), file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError), tensors_only():
        torch.load(file, weights_only=False)
    assert (torch.load, torch.jit.load, torch.hub.download_url_to_file) == before
