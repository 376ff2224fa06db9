"""What ``app.py`` is told: each wrong word is one line and exit code 2, before anything loads."""

import socket

import pytest

from difficmh_core.errors import ConfigError
from difficmh_core.ui.arguments import parse_arguments
from difficmh_core.ui.server import listening
from difficmh_core.ui.server.limits import MAX_PIXELS, MAX_QUEUE, MAX_UPLOAD_MB
from difficmh_core.ui.server.listening import check_address, server_name


@pytest.fixture
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def refusal(capsys, *words, **environment):
    with pytest.raises(SystemExit) as leaving:
        parse_arguments([str(word) for word in words], environment)
    assert leaving.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_a_taken_port_is_refused_on_every_system(taken_port, system, monkeypatch):
    asked = []

    class Socket(socket.socket):
        def setsockopt(self, *words):
            asked.append(words[:2])
            super().setsockopt(*words)

    monkeypatch.setattr(listening.socket, "socket", Socket)
    monkeypatch.setattr(listening.os, "name", system)
    with pytest.raises(ConfigError, match="is in use"):
        check_address("127.0.0.1", taken_port)
    # On Windows, this option lets a program open a port that another has.
    assert ((socket.SOL_SOCKET, socket.SO_REUSEADDR) in asked) == (system == "posix")


def test_without_words_the_page_is_open_and_local():
    arguments = parse_arguments([], {})
    assert (arguments.host, arguments.port, arguments.root_path) == ("127.0.0.1", None, "")
    assert arguments.accounts is None
    assert arguments.framed_by == []
    limits = arguments.max_pixels, arguments.max_upload, arguments.max_queue
    assert limits == (MAX_PIXELS, MAX_UPLOAD_MB, MAX_QUEUE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "many"], "'many' is not a port: a whole number from 1 to 65535"),
        (["--port", "65536"], "from 1 to 65535"),
        (["--max-upload", "0"], "of at least 1"),
        (["--max-queue", "-3"], "max-queue"),
        (["--max-pixels", "1e6"], "a whole number"),
        (["--device", "gpu"], "not cpu, cuda, or cuda:1"),
        (["--profile", "large"], "invalid choice: 'large'"),
        (["--root-path", "codec"], "neither a path"),
        (["--root-path", "/a\r\nSet-Cookie: b"], "neither a path"),
        (["--framed-by", "example.org; script-src *"], "not the origin of a site"),
        (["--host", "::zz"], "unknown here"),
        (["--host", "no-such-host.invalid"], "unknown here"),
        (["--host", "192.0.2.1"], "no address of this machine"),
        (["--auth", "ada"], "must read USER:PASSWORD"),
        (["--auth", "a:1", "--auth", "a:2"], "names 'a' a second time"),
        (["--auth", "a:1", "--auth-file", "accounts"], "not from both"),
        (["--auth-file", "/no/such/file"], "No such file"),
    ],
)
def test_a_wrong_word_is_answered_in_one_line(capsys, words, said):
    assert said in refusal(capsys, *words)


def test_a_wrong_variable_is_answered_as_well(capsys):
    assert "not a port" in refusal(capsys, GRADIO_SERVER_PORT="many")
    assert "no account" in refusal(capsys, DIFFICMH_AUTH="# nobody yet")


def test_no_message_holds_a_password(capsys):
    assert "secret" not in refusal(capsys, "--auth", ":secret")
    assert "secret" not in refusal(capsys, DIFFICMH_AUTH="ada:x\nada:secret")


def test_accounts_come_from_words_a_file_or_the_environment(tmp_path):
    file = tmp_path / "accounts"
    file.write_text("# the team\n\nada:a:b\n grace:c d\n")
    variable = {"DIFFICMH_AUTH": "alan:e"}
    assert parse_arguments(["--auth-file", str(file)], variable).accounts == [
        ("ada", "a:b"),
        ("grace", "c d"),
    ]
    assert parse_arguments(["--auth", "ada:a:b"], variable).accounts == [("ada", "a:b")]
    assert parse_arguments([], variable).accounts == [("alan", "e")]


def test_the_hub_may_frame_its_space_and_nobody_another_page():
    space = parse_arguments(["--framed-by", "https://*.example.org"], {"SPACE_ID": "a/b"})
    hub = ["https://huggingface.co", "https://*.hf.space"]
    assert space.framed_by == [*hub, "https://*.example.org"]
    assert parse_arguments([], {"SPACE_ID": "a/b"}).framed_by == hub
    assert parse_arguments([], {}).framed_by == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_port_in_use_is_named(capsys, taken_port, host):
    line = refusal(capsys, "--host", host, "--port", taken_port)
    assert f"Port {taken_port} is in use" in line


def test_a_port_that_may_not_be_opened_is_named(capsys, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert "may not open port 80" in refusal(capsys, "--port", 80)


@pytest.mark.parametrize("host", ["::1", "[::1]", "::"])
def test_an_ipv6_address_goes_with_and_without_brackets(host):
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    check_address(host, None)
    assert server_name(host) == f"[{host.strip('[]')}]"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True
