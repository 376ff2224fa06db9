"""How a cluster is reached, and what of it reaches the terminal."""

import os
import socket
import sys
import time

import pytest

from difficmh_core.batch.cluster import OnCluster, _check_answers, _quiet
from difficmh_core.batch.sources import Source
from difficmh_core.batch.targets import Target
from difficmh_core.errors import BackendUnavailableError
from tests.integration.test_batch import Reversing


def test_an_address_where_nobody_is_is_told_of_soon(tmp_path):
    pytest.importorskip("ray")
    began, execute = time.monotonic(), OnCluster("127.0.0.1:1", None, "cpu")
    todo = {"a.out": Source(name="a.in", address="a.in")}
    begun = []
    with pytest.raises(BackendUnavailableError, match=r"'127\.0\.0\.1:1' cannot be reached"):
        list(execute(Reversing(), Target(str(tmp_path)), todo, lambda: begun.append(1)))
    assert not begun
    assert time.monotonic() - began < 30


def test_an_address_that_answers_and_a_word_are_let_be():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}", "auto", "local"):
            _check_answers(address)
    with pytest.raises(OSError, match="refused"):
        _check_answers(f"ray://127.0.0.1:{port}")


def test_what_is_written_past_python_stays_off_the_terminal_for_a_while(capfd):
    with _quiet():
        os.write(2, b"logging.cc:303: noise\n")
    sys.stderr.write("after\n")
    sys.stderr.flush()
    assert capfd.readouterr().err == "after\n"
