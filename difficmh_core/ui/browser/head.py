"""The scripts of the page, as they go into its head.

``files.js`` lets visitors bring all kinds of pictures that are read, ``keys.js`` lets keys release
sliders, ``lists.js`` lets Tab close lists, ``place.js`` says in words how many wait, and
``connection.js`` says that the server is gone.
"""

import json
from pathlib import Path

from difficmh_core.image_reading.sniffing import SUFFIXES
from difficmh_core.ui import texts

SCRIPTS = ("files.js", "keys.js", "lists.js", "place.js", "connection.js")


def page_head() -> str:
    """Write the scripts, with their words, as they go once into the head of the page."""
    words = json.dumps(
        {
            "accepted": ",".join(("image/*", *SUFFIXES)),
            "next": texts.NEXT_IN_LINE,
            "place": texts.PLACE_IN_LINE,
            "lost": texts.CONNECTION_LOST,
            "reload": texts.RELOAD,
        }
    ).replace("<", "\\u003c")
    folder = Path(__file__).parent
    parts = [folder.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS]
    script = f'(() => {{\n"use strict";\nconst WORDS = {words};\n{"".join(parts)}}})();\n'
    return f"<script>\n{script}</script>\n"
