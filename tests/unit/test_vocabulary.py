"""A tag is stored as its number: these tests fix names and numbers."""

from pathlib import Path

import pytest

from difficmh_core.config.profiles import TINY
from difficmh_core.errors import BackendUnavailableError, CheckpointError, ConfigError
from difficmh_core.tagging.tags import Tag
from difficmh_core.tagging.vocabulary import (
    Vocabulary,
    coco_names,
    load_vocabulary,
    tag_id_of_detection,
)


@pytest.fixture
def vocabulary() -> Vocabulary:
    return load_vocabulary("imagenet+coco")


def test_size_is_the_one_of_the_file_format(vocabulary):
    assert len(vocabulary) == 1080 == TINY.conditioning.vocabulary_size


def test_known_names_have_their_numbers(vocabulary):
    known = {0: "tench", 21: "kite bird", 264: "Cardigan Welsh corgi", 999: "toilet tissue"}
    known |= {1000: "person", 1033: "kite", 1079: "toothbrush"}
    for tag_id, name in known.items():
        assert vocabulary.name_of(tag_id) == name
        assert vocabulary.index_of(name) == tag_id


def test_every_name_leads_back_to_its_number_whatever_its_case(vocabulary):
    for tag_id, name in enumerate(vocabulary.names):
        assert vocabulary.index_of(f" {name.upper()} ") == tag_id


def test_names_hold_no_comma_and_no_outer_blank(vocabulary):
    assert all("," not in name and name == name.strip() and name for name in vocabulary)


def test_names_are_torchvisions_but_for_the_documented_changes(vocabulary):
    from difficmh_core._support import torchvision_operators  # noqa: F401 - before torchvision

    meta = pytest.importorskip("torchvision.models._meta")
    changed = {
        theirs: ours
        for theirs, ours in zip(meta._IMAGENET_CATEGORIES, vocabulary.names[:1000], strict=True)
        if theirs != ours
    }
    assert changed == {"Cardigan": "Cardigan Welsh corgi", "kite": "kite bird"}
    coco = [name for name in meta._COCO_CATEGORIES if name not in ("__background__", "N/A")]
    assert list(coco_names()) == coco


def test_a_thing_that_imagenet_knows_has_one_number(vocabulary):
    ids = [tag_id_of_detection(label_id) for label_id in range(80)]
    assert len(set(ids)) == 80
    assert sum(tag_id < 1000 for tag_id in ids) == 17
    assert vocabulary.name_of(tag_id_of_detection(coco_names().index("banana"))) == "banana"
    assert tag_id_of_detection(coco_names().index("kite")) == 1033


def test_an_unknown_name_is_refused_with_similar_ones(vocabulary):
    with pytest.raises(
        ConfigError, match=r"does not contain 'golden retreiver'.*golden retriever"
    ):
        vocabulary.index_of("golden retreiver")
    assert "golden retreiver" not in vocabulary
    assert "golden retriever" in vocabulary


def test_a_hopeless_name_is_refused(vocabulary):
    with pytest.raises(ConfigError, match="choose another word"):
        vocabulary.index_of("qqqqqqqq")


@pytest.mark.parametrize("tag_id", [-1, 1080])
def test_a_number_outside_the_vocabulary_is_refused(vocabulary, tag_id):
    with pytest.raises(ConfigError, match=r"0 to 1079"):
        vocabulary.name_of(tag_id)


def test_repeated_names_and_commas_are_refused():
    for names in (("cat", "Cat"), ("cat, big", "dog")):
        with pytest.raises(ConfigError, match="unique"):
            Vocabulary(names)


def test_an_unknown_vocabulary_is_refused():
    with pytest.raises(ConfigError, match=r"'wordnet'.*imagenet\+coco, ram"):
        load_vocabulary("wordnet")


def test_the_ram_vocabulary_needs_its_file(tmp_path: Path):
    with pytest.raises(BackendUnavailableError, match="does not ship"):
        load_vocabulary("ram")
    with pytest.raises(BackendUnavailableError, match="cannot be read"):
        load_vocabulary("ram", tmp_path / "absent.txt")
    other = tmp_path / "ram_tag_list.txt"
    other.write_text("cat\ndog\n")
    with pytest.raises(CheckpointError, match="SHA-256"):
        load_vocabulary("ram", other)


@pytest.mark.parametrize(("tag_id", "confidence"), [(-1, 0.5), (3, 1.5), (3, -0.1)])
def test_a_tag_outside_its_range_is_refused(tag_id, confidence):
    with pytest.raises(ConfigError, match="confidence in 0 to 1"):
        Tag(id=tag_id, name="tench", confidence=confidence)
