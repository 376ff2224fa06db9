"""What the Markdown files of the repository hold: code blocks, commands, links and anchors."""

import re
import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
"""The documents for users, whose examples run as they are printed."""
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name_of(path):
    """The name of a file in the repository."""
    return path.relative_to(ROOT).as_posix()


def all_documents():
    """Every Markdown file that git tracks or would track; all there are without git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    paths = [ROOT / name for name in listed.stdout.splitlines()] or GUIDES
    return [path for path in paths if path.exists()]


def blocks(path, language):
    """The code blocks of one language."""
    return [code for found, code in _FENCE.findall(path.read_text()) if found == language]


def commands(path):
    """The commands of all shell blocks, each as its words; comments are left out."""
    text = "".join(blocks(path, "sh")).replace("\\\n", " ")
    for line in text.splitlines():
        for command in line.split(" && "):
            if words := shlex.split(command, comments=True):
                yield words


def named_files(path):
    """The names of files and folders of ours that the text mentions as code."""
    spans = re.findall(r"`([^`\n]+)`", without_code(path))
    folders = r"(tests|difficmh_core|benchmarks|docs|examples)/"
    return [span for span in spans if re.fullmatch(rf"{folders}[\w/.-]+|[\w/*.]+\.py", span)]


def without_code(path):
    """The text of a document, without its code blocks."""
    return _FENCE.sub("", path.read_text())


def links(path):
    """The targets of all links and pictures."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", without_code(path)))


def anchors(path):
    """What can follow ``#`` in a link to a document, as GitHub makes it of headings."""
    found = []
    for heading in _HEADING.findall(without_code(path)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        n_before = len([each for each in found if re.fullmatch(rf"{slug}(-\d+)?", each)])
        found.append(f"{slug}-{n_before}" if n_before else slug)
    return found


def plain_text(path):
    """A document in one line, as its sentences read."""
    return re.sub(r"\s+", " ", path.read_text())
