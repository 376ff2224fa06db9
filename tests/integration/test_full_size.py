"""What the rehearsal at full size is made of: checkpoint, tokenizer, measures, results."""

import json
import math
import sys
import zipfile

import pytest
import torch

from benchmarks.full_size import __main__ as rehearsal
from benchmarks.full_size.checkpoint import Entry, fill, lay_out, read_inventory
from benchmarks.full_size.measuring import disk_gb, run
from benchmarks.full_size.setup import Setup, StepError
from benchmarks.full_size.words import write_tokenizer
from difficmh_core.diffusion.conditioning import load_clip_tokenizer
from difficmh_core.errors import CheckpointError
from difficmh_core.weights.published.checkpoint import read_checkpoint

INVENTORY = {
    "model.diffusion_model.out.2.weight": Entry((50, 40, 3, 3), torch.float32),
    "model.diffusion_model.out.0.weight": Entry((40,), torch.float32),
    "control_model.scale_list": Entry((25,), torch.float32),
    "control_model.x.weight": Entry((300, 200), torch.float32),
    "preprocess_model.entropy_bottleneck.quantiles": Entry((2, 1, 3), torch.float32),
    "preprocess_model.entropy_bottleneck._matrix0": Entry((2, 3, 1), torch.float32),
    "preprocess_model.gaussian_conditional.scale_table": Entry((0,), torch.float32),
    "preprocess_tag_model.model.layer.relative_position_index": Entry((4, 4), torch.int64),
}


@pytest.fixture
def path(tmp_path):
    lay_out(INVENTORY, tmp_path / "model.ckpt")
    return tmp_path / "model.ckpt"


def test_a_laid_out_checkpoint_has_the_size_and_takes_no_room(path):
    n_weights = sum(math.prod(entry.shape) for entry in INVENTORY.values())
    n_moments = 2 * (300 * 200 + 6 + 6)
    assert path.stat().st_size > 4 * (n_weights + n_moments)
    assert disk_gb(path.parent) < 0.7 * path.stat().st_size / 1e9


def test_its_weights_are_drawn_in_place_and_read_by_the_program(path):
    n_bytes = path.stat().st_size
    fill(INVENTORY, path, rate=2)
    assert path.stat().st_size == n_bytes
    read = read_checkpoint(path)
    assert {k: Entry(tuple(v.shape), v.dtype) for k, v in read.items()} == INVENTORY
    weights = read["model.diffusion_model.out.2.weight"]
    assert weights.std().item() == pytest.approx(1 / math.sqrt(40 * 9), rel=0.05)
    assert read["control_model.scale_list"].eq(1).all()
    assert read["preprocess_model.entropy_bottleneck.quantiles"][1, 0].tolist() == [-10, 0, 10]


def test_rates_differ_where_they_were_trained_and_nowhere_else(path):
    fill(INVENTORY, path, rate=2)
    before = {name: value.clone() for name, value in read_checkpoint(path).items()}
    fill(INVENTORY, path, rate=8)
    after = read_checkpoint(path)
    differing = [name for name in before if not torch.equal(before[name], after[name])]
    assert differing == ["control_model.x.weight"]


def test_it_is_a_file_of_lightnings(path):
    with zipfile.ZipFile(path) as file:
        (pickled,) = (name for name in file.namelist() if name.endswith("data.pkl"))
        words = file.read(pickled)
    assert b"pytorch_lightning.callbacks.model_checkpoint" in words
    assert b"exp_avg_sq" in words
    assert "pytorch_lightning" not in sys.modules


def test_a_cut_one_is_refused_in_one_sentence_and_the_next_step(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value).count(". ") == 1
    assert "Get the file again" in str(caught.value)


def test_an_inventory_is_read(tmp_path):
    groups = {"_comment": "x", "a": {"w": {"shape": [2, 3], "dtype": "int64"}}}
    (tmp_path / "shapes.json").write_text(json.dumps(groups))
    assert read_inventory(tmp_path / "shapes.json") == {"w": Entry((2, 3), torch.int64)}


def test_the_tokenizer_has_clips_format_and_size(tmp_path):
    write_tokenizer(tmp_path / "vocab.json", tmp_path / "merges.txt")
    entries = json.loads((tmp_path / "vocab.json").read_text())
    assert len(entries) == 49_408
    row, empty = load_clip_tokenizer(tmp_path)(["cat, a tree", ""])
    assert len(row) == 77
    assert row[0] == entries["<|startoftext|>"] == 49_406
    assert entries[",</w>"] in row
    assert empty[:3].tolist() == [49_406, 49_407, 0]


def test_a_command_is_measured(tmp_path):
    words = "import sys, time; data = b'x' * 300_000_000; sys.stderr.write('said'); print(1)"
    words += "; time.sleep(1); sys.exit(3)"
    cost = run([sys.executable, "-c", words], tmp_path, tmp_path / "log")
    assert (cost.code, cost.out, cost.said) == (3, "1\n", "said")
    assert 0.3 < cost.own_gb < cost.peak_gb < 0.4
    assert cost.seconds > 0


def test_results_are_kept_and_a_failed_step_is_done_again(tmp_path, monkeypatch, capsys):
    calls, fails = [], [True]

    def first(_, __):
        calls.append("first")
        return None, "done"

    def second(_, __):
        calls.append("second")
        if fails.pop() if fails else False:
            raise StepError("it did not work")
        return None, "it worked"

    monkeypatch.setattr(rehearsal, "STEPS", {"first": first, "second": second})
    setup = Setup(
        folder=tmp_path, inventory=INVENTORY, words=tmp_path, program=[], page=[], sizes={}
    )
    results = tmp_path / "results.json"
    assert not rehearsal.rehearse(setup, ["first", "second"], results)
    assert "FAILED | it did not work" in capsys.readouterr().out
    assert rehearsal.rehearse(setup, ["first", "second"], results)
    assert calls == ["first", "second", "second"]
    assert json.loads(results.read_text())["second"]["note"] == "it worked"
