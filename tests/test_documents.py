"""The documents are short where it counts, linked, complete, and true to what was measured."""

import tomllib
from urllib.parse import unquote

import pytest

from difficmh_core.cli.main import build_parser
from difficmh_core.config.decoding import SamplerName
from difficmh_core.config.profiles import preset_of, presets_of
from tests import documented_numbers, documented_settings
from tests.documented_numbers import statements, table_row, tables, text_with_table
from tests.documents import (
    GUIDES,
    ROOT,
    all_documents,
    anchors,
    commands,
    links,
    name_of,
    named_files,
    plain_text,
)

PACKAGE = ROOT / "difficmh_core"
MOST_LINES_OF_README = 200
_SAMPLERS = {
    SamplerName.DDPM: "DDPM",
    SamplerName.DDIM: "DDIM",
    SamplerName.DPM_SOLVER: "DPM-Solver++",
}


def test_the_readme_is_read_in_three_minutes():
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_LINES_OF_README


def test_the_readme_leads_to_every_guide():
    linked = {(ROOT / link.partition("#")[0]) for link in links(ROOT / "README.md")}
    assert {name_of(path) for path in GUIDES if path not in linked} == {"README.md"}


@pytest.mark.parametrize("document", all_documents(), ids=name_of)
def test_every_link_leads_somewhere(document):
    for link in links(document):
        if ":" in link:
            continue
        path, _, anchor = unquote(link).partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert target.resolve().is_relative_to(ROOT.resolve()), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_every_file_that_is_named_exists(guide):
    for name in named_files(guide):
        places = [ROOT / name, PACKAGE / name, *ROOT.glob(f"[a-z]*/**/{name}")]
        assert any(place.exists() for place in places), name


def test_no_picture_is_left_over():
    shown = {(path.parent / link).resolve() for path in GUIDES for link in links(path)}
    pictures = [path for path in (ROOT / "docs").iterdir() if path.suffix in {".jpg", ".png"}]
    assert pictures
    assert {path.name for path in pictures if path.resolve() not in shown} == set()


@pytest.mark.parametrize(("name", "rows"), tables())
def test_tables_hold_what_was_measured(name, rows):
    lines = (ROOT / name).read_text().splitlines()
    assert [row for row in rows if row not in lines] == []
    assert len(rows) > 1


def test_a_table_of_speed_is_written_below_its_head(monkeypatch):
    report = {"seconds": 123.4, "files_per_second": 8.02, "memory_peak_mib": 1234.5}
    ways = {"one process": report, "memory://": {"seconds": 9.6, "files_per_second": 100.0}}
    monkeypatch.setattr(documented_numbers, "results", lambda name: {"ways": ways})
    ((document, head, rows),) = documented_numbers.SPEED_TABLES["many_files"]
    text = (ROOT / document).read_text()
    written = text_with_table(text, table_row(*head), list(rows()))
    assert (
        "| way | seconds | files/s | peak MiB |\n|---|---|---|---|\n"
        "| one process | 123 | 8.0 | 1,234 |\n| `memory://` | 10 | 100.0 |  |\n\nThese are"
    ) in written
    assert text_with_table(written, table_row(*head), ["| x |"]).count("\n| x |\n\nThese") == 1
    assert written.endswith(text[text.index("These are 1,000 photos") :])


def test_every_way_of_many_files_wrote_the_same_and_failed_where_it_must():
    ways = documented_numbers.results("many_files")["ways"]
    assert len(ways) == 6
    for way in ways.values():
        assert (way["is_same"], way["n_files"], way["n_failed"]) == (True, 990, 10)
        assert way["exit_code"] == 1
        if "memory_peak_mib" in way:
            assert way["memory_peak_mib"] < 1.25 * way["memory_at_a_tenth_mib"]


@pytest.mark.parametrize(("name", "words"), statements())
def test_sentences_quote_what_was_measured(name, words):
    assert words in plain_text(ROOT / name)


@pytest.mark.parametrize("command", ["encode", "decode"])
def test_every_option_is_explained(command):
    (commands,) = (
        action.choices for action in build_parser()._actions if action.dest == "command"
    )
    text = (ROOT / "docs" / "settings.md").read_text()
    for action in commands[command]._actions:
        if action.help != "==SUPPRESS==" and action.option_strings and action.dest != "help":
            assert f"`{action.option_strings[0]}`" in text, action.option_strings


def test_the_tables_of_settings_are_made_of_their_declarations():
    text = documented_settings.GUIDE.read_text()
    words = "run `python -m tests.documented_settings`"
    assert text == documented_settings.text_with_rows(text), words


@pytest.mark.parametrize("preset", presets_of("nano"))
def test_the_presets_are_described(preset):
    cells, short_cells = [], []
    for profile in ("nano", "sd21"):
        settings = preset_of(profile, preset)
        steps = f"{settings.steps} step" + "s" * (settings.steps > 1)
        guided = settings.guidance_scale > 1
        guidance = f", guidance {settings.guidance_scale:g}" if guided else ""
        low, high = settings.guidance_interval
        interval = f" between {low} and {high}" if guided and (low, high) != (0, 1) else ""
        start = f" from {settings.start:g}" if settings.start < 1 else ""
        sampler = _SAMPLERS[settings.sampler]
        cells.append(f"{steps} of {sampler}{start}{guidance}{interval}")
        short_cells.append(f"{steps}{guidance}")
    default = " (default)" if preset == "fast" else ""
    assert table_row(f"`{preset}`", *cells) in (ROOT / "docs" / "settings.md").read_text()
    assert table_row(f"`{preset}`{default}", *short_cells) in (ROOT / "README.md").read_text()


def test_every_benchmark_is_listed():
    listed = {words[2] for words in commands(ROOT / "docs" / "evaluation.md") if len(words) > 2}
    modules = {f"benchmarks.{path.stem}" for path in (ROOT / "benchmarks").glob("[a-z]*.py")}
    assert modules - listed == set()


def test_every_folder_is_described():
    names = {path.stem for path in PACKAGE.iterdir() if path.name[0].isalpha()} | {"_support"}
    text = (ROOT / "docs" / "architecture.md").read_text()
    assert {name for name in names if f"`{name}" not in text} == set()


def test_the_order_of_imports_is_the_contract():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (contract,) = (
        contract
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["difficmh_core"]
    )
    text = (ROOT / "docs" / "architecture.md").read_text()
    layers = "\n".join(contract["layers"])
    assert layers in text, "copy the layers of pyproject.toml into docs/architecture.md"
