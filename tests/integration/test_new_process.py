"""What a new process imports, and that it computes what this one does.

One process does it all, in this order: what comes later may import what an earlier part leaves.
"""

import json
import os
import subprocess
import sys

import pytest
import torch
from PIL import Image

from difficmh_core.diffusion.noise import PortableNoise
from tests.documents import ROOT
from tests.unit.test_latent_codec import build, compress, picture

SEED = 2024
N_PX = 128

HEAVY = [
    *("accelerate", "diffusers", "gradio", "matplotlib", "onnxruntime", "pandas", "scipy"),
    *("sympy", "torch._dynamo", "torchvision", "transformers"),
]
"""What takes longer to import than a photograph to code, or is not run to code it."""

PROGRAM = f"""
import contextlib, io, json, pathlib, sys

folder, told = pathlib.Path(sys.argv[1]), {{}}

def imported(*names):
    return [name for name in names if name in sys.modules]

import difficmh_core
told["package"] = [imported("torch", "numpy", "PIL"), "load_codec" in dir(difficmh_core)]

from difficmh_core.ui.main import main as start_page
sys.argv = ["app.py", "--port", "many"]
said = io.StringIO()
with contextlib.redirect_stderr(said):
    try:
        start_page()
    except SystemExit as leaving:
        told["refusal"] = [leaving.code, said.getvalue().splitlines()]
told["page"] = imported("torch", "gradio")

import difficmh_core.image_reading as reading
slow = ("tifffile", "imagecodecs", "pillow_heif", "pillow_jxl")
told["reading"] = imported("torch", *slow)
reading.import_decoders()
told["decoders"] = imported("torch", *slow)

from difficmh_core.cli.main import main
with contextlib.redirect_stdout(io.StringIO()):
    told["info"] = [main(["info", str(folder / "tiny.dicmh")]), imported("torch")]
    for command in ("encode", "decode", "compare", "evaluate", "study", "train", "fetch"):
        with contextlib.suppress(SystemExit):
            main([command, "--help"])
    told["help"] = imported("torch", "accelerate", "transformers")

heavy = {HEAVY}
coded = str(folder / "nano.dicmh")
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    done = [main(["encode", str(folder / "photo.png"), coded, "--tags", "Egyptian cat"])]
    done.append(main(["decode", coded, str(folder / "decoded.png")]))
    done.append(main(["verify", coded]))
told["commands"] = [done, imported(*heavy), imported("torch")]

from difficmh_core._support import torchvision_operators
told["operators"] = imported("torchvision")
import difficmh_core.vision.task_table
told["tasks"] = imported("transformers", "torchvision")

from difficmh_core.quality.metrics import picture_metric
told["metric"] = [picture_metric("fsim").name, imported("pyiqa")]

from difficmh_core.errors import CheckpointError
from difficmh_core.tagging.detector import Detector
try:
    Detector(folder / "none.onnx")
except CheckpointError:
    told["detector"] = imported("onnxruntime")

import difficmh_core.models.load
told["networks"] = imported("bitsandbytes", "gradio")

torchvision_operators.declare_missing_operators()
torchvision_operators.declare_missing_operators()
import torchvision
told["torchvision"] = len(torchvision.models._meta._IMAGENET_CATEGORIES)

import torch
from difficmh_core.diffusion.noise import PortableNoise
told["noise"] = PortableNoise({SEED}).draw(torch.empty(5)).numpy().tobytes().hex()

torch.set_num_threads(2)
torch.backends.mkldnn.set_flags(False)
from tests.unit.test_latent_codec import build
corrections, symbol_check = json.loads((folder / "facts.json").read_text())
payload = (folder / "payload").read_bytes()
from difficmh_core.bitstream.coded_latent import CodedLatent
coded = CodedLatent(
    payload=payload, corrections=bytes.fromhex(corrections), symbol_check=symbol_check
)
decoded = build().decode_symbols(coded, {N_PX}, ({N_PX}, {N_PX}))
told["latent"] = decoded.y_hat.sum().item().hex()

(folder / "told.json").write_text(json.dumps(told))
"""


@pytest.fixture(scope="module")
def coded():
    return compress(build(), *picture(N_PX, N_PX))[0]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def told(coded, home, tiny_file, tmp_path_factory):
    """What a new process tells, in a home folder of its own."""
    folder = tmp_path_factory.mktemp("process")
    (folder / "tiny.dicmh").write_bytes(tiny_file.read_bytes())
    (folder / "payload").write_bytes(coded.payload)
    Image.effect_mandelbrot((96, 64), (-2, -1, 1, 1), 50).convert("RGB").save(folder / "photo.png")
    (folder / "facts.json").write_text(json.dumps([coded.corrections.hex(), coded.symbol_check]))
    environment = {name: text for name, text in os.environ.items() if not name.startswith("ORT_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder],
        cwd=ROOT,
        env=environment | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "told.json").read_text())


def test_the_package_imports_nothing_until_a_name_is_asked_for(told):
    assert told["package"] == [[], True]


def test_a_wrong_word_for_the_page_is_answered_before_anything_slow_is_imported(told):
    code, (line,) = told["refusal"]
    assert code == 2
    assert "many" in line
    assert told["page"] == []


def test_a_process_that_reads_pictures_imports_its_decoders_and_never_torch(told):
    assert told["reading"] == []
    assert told["decoders"] == ["tifffile", "imagecodecs", "pillow_heif", "pillow_jxl"]


def test_info_imports_no_torch(told):
    assert told["info"] == [0, []]


def test_to_encode_decode_and_verify_nothing_is_imported_that_is_not_run(told):
    assert told["commands"] == [[0, 0, 0], [], ["torch"]]


def test_the_help_of_no_command_imports_torch(told):
    assert told["help"] == []


def test_the_table_of_tasks_imports_no_networks(told):
    assert told["operators"] == []
    assert told["tasks"] == []


def test_the_table_of_measures_does_not_import_the_package_of_those_by_name(told):
    assert told["metric"] == ["fsim (pyiqa)", []]


def test_onnxruntime_reports_to_nobody(told, home):
    pytest.importorskip("onnxruntime")
    assert told["detector"] == ["onnxruntime"]
    # Where it reports, it first makes an id of the machine and keeps it in the home folder.
    assert not list(home.rglob("*onnxruntime*"))


def test_the_networks_come_without_bitsandbytes_and_gradio(told):
    assert told["networks"] == []


def test_torchvision_can_be_imported_after_its_operators_were_declared_twice(told):
    assert told["torchvision"] == 1000


def test_noise_is_the_same(told):
    drawn = PortableNoise(SEED).draw(torch.empty(5)).numpy().tobytes()
    assert told["noise"] == drawn.hex()


def test_files_decode_to_the_same_integers_with_other_threads(told, coded):
    decoded = build().decode_symbols(coded, N_PX, (N_PX, N_PX))
    assert told["latent"] == decoded.y_hat.sum().item().hex()
