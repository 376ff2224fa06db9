"""Networks of the machine tasks: fetched, checked, loaded, asked; in tiny sizes."""

import hashlib
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from difficmh_core.errors import BackendUnavailableError, CheckpointError, ImageError
from difficmh_core.image_io import to_tensor
from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.pose import PoseEstimation
from difficmh_core.vision.task_metrics import TASK_METRICS
from difficmh_core.vision.task_table import TASKS
from difficmh_core.vision.tasks import MachineTask
from difficmh_core.weights.task_models import TASK_MODELS
from tests.tiny_task_models import fetched, tiny_files

PERSON = Detection(label_id=0, label="person", score=0.9, box_xyxy_px=(10.0, 5.0, 60.0, 70.0))


def made(task, cache_dir):
    """A task on its tiny network; the pose task with a person in a fixed place."""
    card = fetched(task, cache_dir)
    if task == PoseEstimation.key:
        return PoseEstimation(cache_dir, card, lambda *_, **__: [PERSON])
    return TASKS[task](cache_dir, card)


@pytest.mark.parametrize("task", TASK_MODELS)
def test_each_task_agrees_with_itself_and_less_with_noise(task, tmp_path, picture):
    network = made(task, tmp_path)
    assert isinstance(network, MachineTask)
    assert network.key == task
    clean = to_tensor(picture)
    noise = torch.rand(clean.shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        seen = network.see(clean)
        same = network.agreement(seen, network.see(clean))
        other = network.agreement(seen, network.see(noise))
    assert set(same) == set(other) <= set(TASK_METRICS)
    for key, value in same.items():
        best = TASK_METRICS[key].highest if TASK_METRICS[key].is_higher_better else 0
        assert value == pytest.approx(best, abs=1e-6)
        assert TASK_METRICS[key].lowest <= other[key] <= TASK_METRICS[key].highest
    if task != "captions":  # an untrained network may say the same of everything
        assert any(other[key] != same[key] for key in same)


@pytest.mark.parametrize("task", TASK_MODELS)
def test_absent_weights_name_the_command_that_gets_them(task, tmp_path):
    with pytest.raises(BackendUnavailableError, match=f"fetch tasks {task}`. Every other task"):
        TASKS[task](tmp_path)


@pytest.fixture
def place(tmp_path):
    """The card of the tiny segmenter, and the path of its weights after fetching."""
    card = fetched("semantic", tmp_path)
    return card, card.cards[-1].place(tmp_path)


def refused(place, tmp_path, words):
    with pytest.raises(CheckpointError, match=words):
        TASKS["semantic"](tmp_path, place[0])


def replaced(path, data, card):
    """Put other bytes in the place of a fetched file, noted as if they had arrived so."""
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    note = path.with_name(path.name + ".checked")
    note.write_text(f"{digest} {len(data)} {card.revision}\n")


def rewritten(place, change):
    """Change the tensors of a fetched file."""
    tensors = load(place[1].read_bytes())
    replaced(place[1], save(change(tensors), metadata={"format": "pt"}), place[0])


def test_a_flipped_bit_of_the_same_length_is_found(place, tmp_path):
    data = bytearray(place[1].read_bytes())
    data[-1] ^= 1
    place[1].write_bytes(data)
    refused(place, tmp_path, "has the SHA-256 .*, expected .* Delete it and run")


def test_another_file_than_the_pinned_one_is_refused(place, tmp_path):
    card, path = place
    pinned = dict(card.files) | {path.name: (path.stat().st_size, "f" * 64)}
    refused((replace(card, files=pinned), path), tmp_path, "expected f{64}")


def test_files_of_another_revision_do_not_count(place, tmp_path):
    card = replace(place[0], revision="f" * 40)
    with pytest.raises(BackendUnavailableError, match="fetch tasks semantic"):
        TASKS["semantic"](tmp_path, card)


def test_weights_that_are_none_are_refused(place, tmp_path):
    replaced(place[1], b"no tensors at all" * 100, place[0])
    refused(place, tmp_path, "do not make the network")


def test_a_missing_an_unknown_and_a_misshapen_tensor_are_refused(place, tmp_path):
    key = "decode_head.classifier.bias"
    whole = load(place[1].read_bytes())
    rewritten(place, lambda _: {k: v for k, v in whole.items() if k != key})
    refused(place, tmp_path, f"1 parameters are missing .{key}")
    rewritten(place, lambda _: whole | {"strange.weight": torch.zeros(3)})
    refused(place, tmp_path, "1 are unknown .strange.weight")
    rewritten(place, lambda _: whole | {key: torch.zeros(9)})
    refused(place, tmp_path, f"1 have another shape .{key}")


def test_what_the_task_never_uses_may_be_absent_and_buffers_superfluous(tmp_path, picture):
    card = fetched("instances", tmp_path)
    place = card, card.cards[-1].place(tmp_path)
    clean = to_tensor(picture)
    before = TASKS["instances"](tmp_path, card).see(clean)

    def as_published(tensors):
        kept = {k: v for k, v in tensors.items() if ".swin.layernorm." not in k}
        attention = "model.pixel_level_module.encoder.encoder.layers.0.blocks.0.attention.self"
        return kept | {f"{attention}.relative_position_index": torch.zeros(256, dtype=torch.int64)}

    rewritten(place, as_published)
    after = TASKS["instances"](tmp_path, card).see(clean)
    assert [instance.label_id for instance in after] == [i.label_id for i in before]
    assert all(torch.equal(a.mask, b.mask) for a, b in zip(after, before, strict=True))


def test_code_of_a_repository_is_never_run(tmp_path):
    files = tiny_files("semantic")
    assert "auto_map" not in json.loads(files["config.json"])
    card = fetched("semantic", tmp_path)
    path = card.cards[0].place(tmp_path)
    assert path.name == "config.json"
    settings = json.loads(path.read_text()) | {
        "model_type": "never-heard-of",
        "auto_map": {"AutoConfig": "evil.Config", "AutoImageProcessor": "evil.Processor"},
    }
    (path.parent / "evil.py").write_text("raise SystemExit('code was run')")
    replaced(path, json.dumps(settings).encode(), card)
    TASKS["semantic"](tmp_path, card)  # the class is named by the card, not by the file


def test_two_pictures_at_once_and_a_sliver_are_refused(tmp_path, picture):
    task = TASKS["depth"](tmp_path, fetched("depth", tmp_path))
    with pytest.raises(ImageError, match="one image at a time, got 2"):
        task.see(to_tensor(picture).expand(2, -1, -1, -1))
    with pytest.raises(ImageError, match="cannot see an image of 2000 x 1 px"):
        task.see(torch.zeros(1, 3, 1, 2000))
