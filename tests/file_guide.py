"""The README's file guide; ``python -m tests.file_guide`` writes it anew."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BEGIN = "<!-- file guide: written by `python -m tests.file_guide` -->\n"
END = "<!-- end of the file guide -->\n"


def source_files():
    """Every Python file of the project itself, the entry point first, packages before files."""
    files = [ROOT / "app.py"]
    for folder in ("ui", "difficmh_core", "examples", "benchmarks"):
        files += sorted(
            (ROOT / folder).rglob("*.py"),
            key=lambda path: (path.parent.as_posix(), path.name != "__init__.py", path.name),
        )
    return [path for path in files if path.exists()]


def first_line(path):
    """The first line of a file's docstring."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]


def file_guide():
    """The table, one line for each file; a package is told by its ``__init__.py``."""
    lines = ["| file | what it is |", "|---|---|"]
    for path in source_files():
        name = path.relative_to(ROOT).as_posix().removesuffix("__init__.py")
        lines.append(f"| [`{name}`]({name}) | {first_line(path).replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def written_guide():
    """The table that the README holds."""
    return README.read_text().partition(BEGIN)[2].partition(END)[0]


def main():
    """Write the table into the README."""
    before, begin, rest = README.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    README.write_text(before + begin + file_guide() + end + after)


if __name__ == "__main__":
    main()
