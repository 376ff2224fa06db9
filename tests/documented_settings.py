"""The tables of settings in the documents that are made of declarations.

``python -m tests.documented_settings`` writes it after a declaration has changed.
"""

from difficmh_core.config.decoding import SETTINGS
from difficmh_core.config.kinds import Choice, Interval, Number, Setting
from difficmh_core.config.profiles import PROFILES
from difficmh_core.image_writing import FORMATS
from tests.documented_numbers import table_row
from tests.documents import ROOT

GUIDE = ROOT / "docs" / "settings.md"


def rows() -> list[str]:
    """The rows of the table, in the order of the command line."""
    return [
        table_row(f"`{setting.option}`", _range(setting), _default(setting), _effect(setting))
        for setting in SETTINGS
    ]


def _range(setting: Setting) -> str:
    match setting:
        case Number(low=low, high=high, excludes_low=excludes_low):
            return f"above {low:g}, up to {high:g}" if excludes_low else f"{low:g} to {high:g}"
        case Interval():
            return "two ascending numbers, 0 to 1"
        case Choice():
            return ", ".join(f"`{name}`" for name in setting.labels)
    return "0 to 2^63 - 1"


def _default(setting: Setting) -> str:
    presets = [preset for profile in PROFILES.values() for preset in profile.presets.values()]
    values = {getattr(preset, setting.name) for preset in presets}
    if len(values) > 1:
        return "the preset's"
    (value,) = values
    return "derived from the file" if value is None else f"{value:g}"


def _effect(setting: Setting) -> str:
    words = setting.help.removesuffix(".")
    return words[0].lower() + words[1:]


def format_row() -> str:
    """The row of the formats that ``decode`` writes."""
    lossy = dict.fromkeys(kind.name for kind in FORMATS.values() if kind.loss)
    return table_row(
        "`--format`",
        ", ".join(suffix[1:] for suffix in FORMATS),
        "png",
        "what `decode` writes to `-` or into a folder; otherwise the name decides. "
        f"{' and '.join(lossy)} add a little loss, the others none",
    )


def text_with_rows(text: str) -> str:
    """The guide with the rows as they are now."""
    lines = [
        f"{format_row()}\n" if line.startswith("| `--format` |") else line
        for line in text.splitlines(keepends=True)
    ]
    first = next(i for i, line in enumerate(lines) if line.startswith("| `--preset` |")) + 1
    last = next(i for i, line in enumerate(lines) if line.startswith("| `--tags` | `file`"))
    return "".join([*lines[:first], *(f"{row}\n" for row in rows()), *lines[last:]])


if __name__ == "__main__":
    GUIDE.write_text(text_with_rows(GUIDE.read_text()))
