"""Many files in one run on a cluster of Ray: what dies there loses nothing."""

import pytest

from difficmh_core.batch.cluster import OnCluster
from difficmh_core.batch.run import Outcome, run
from difficmh_core.batch.sources import find_sources
from difficmh_core.batch.targets import Target, output_names
from difficmh_core.errors import BackendUnavailableError
from tests.integration.test_batch import EXPECTED, NotThere, Reversing, do, outputs


@pytest.fixture(scope="module")
def cluster():
    """Two machines in one, each with one CPU."""
    ray = pytest.importorskip("ray")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    cluster = cluster_utils.Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "object_store_memory": 100 << 20},
    )
    cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.long
def test_a_file_that_ends_its_worker_fails_alone_on_a_cluster_too(inputs, tmp_path, cluster):
    (inputs / "sub" / "1x.in").write_bytes(b"kill")
    work, out = Reversing(), tmp_path / "out"
    outcomes = do(work, inputs, out, execute=OnCluster(cluster.address, None, "cpu"))
    assert len(outcomes) == len(EXPECTED) + 1
    (failed,) = [outcome for outcome in outcomes if outcome.reason]
    assert failed.name == "sub/1x.out"
    assert failed.reason == "The process that worked on it ended, again and again."
    written = outputs(out)
    written.pop("failures.jsonl")
    assert written == EXPECTED


@pytest.mark.long
def test_what_a_cluster_cannot_load_is_said_in_its_words(inputs, tmp_path, cluster):
    with pytest.raises(BackendUnavailableError, match=r"^The weights are absent\.$"):
        do(NotThere(), inputs, tmp_path / "out", execute=OnCluster(cluster.address, None, "cpu"))


@pytest.mark.long
def test_a_machine_that_dies_loses_nothing(inputs, tmp_path, cluster):
    for number in range(40):
        (inputs / f"more {number}.in").write_bytes(str(number).encode())
    (inputs / "bad.in").write_bytes(b"bad")
    work, out = Reversing(delay_s=0.2), tmp_path / "out"
    sources = output_names(find_sources([str(inputs)], work.suffixes), work.suffix)
    outcomes = list[Outcome]()
    execute = OnCluster(cluster.address, None, "cpu")
    for outcome in run(work, sources, Target(str(out)), execute=execute):
        outcomes.append(outcome)
        if len(outcomes) == 8:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    assert sorted(outcome.name for outcome in outcomes) == sorted(sources)
    assert [o.reason for o in outcomes if o.reason] == ["The picture is bad."]
    by_ray = outputs(out)
    do(work, inputs, tmp_path / "alone", jobs=2)
    assert by_ray == outputs(tmp_path / "alone")
