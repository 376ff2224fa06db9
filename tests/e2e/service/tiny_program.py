"""The program around the tiny codec, slowed down: all of ``app.py`` but the networks.

Usage: ``python -m tests.e2e.service.tiny_program PACE_S KEEP_S --port ...``
"""

import os
import sys
import time

from difficmh_core.ui import main

PACE_S, KEEP_S = float(sys.argv.pop(1)), float(sys.argv.pop(1))
MAX_KEPT_BYTES = 2 << 20
"""Of results in memory, so that this is full soon and memory stays flat from then on."""


def build(arguments, read):
    """Return the page of a codec that waits after each step."""
    from difficmh_core.codec import DiffICMHCodec
    from difficmh_core.models.load import load_codec
    from difficmh_core.ui.page import build_page
    from difficmh_core.ui.runtime.cache import ResultCache

    class Paced(DiffICMHCodec):
        def decode(self, *args, **kwargs):
            for step in super().decode(*args, **kwargs):
                time.sleep(PACE_S)
                yield step

    tiny = load_codec("tiny")
    codec = Paced(tiny.config, tiny.networks, tiny.vocabulary, lambda: lambda _: [])
    return build_page(
        codec,
        read=read,
        max_pixels=arguments.max_pixels,
        results=ResultCache(max_bytes=MAX_KEPT_BYTES),
        keep_s=KEEP_S,
    )


if __name__ == "__main__":
    main.build = build
    code = main.main()
    os._exit(code)
