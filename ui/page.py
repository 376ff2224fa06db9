"""The page, from top to bottom as a visitor sees it.

The codec is a parameter: tests pass a tiny one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from difficmh_core.codec import DiffICMHCodec
from ui import texts, views
from ui.about_panel import build_about_tab
from ui.compare_panel import build_compare_tab
from ui.compress_panel import build_compress_tab
from ui.decode_file_panel import build_decode_file_tab
from ui.endpoints import add_endpoints
from ui.front import front_of
from ui.limits import MAX_PIXELS, MAX_UPLOAD_MB
from ui.result_cache import ResultCache
from ui.study_panel import build_study_tab
from ui.viewer import viewer_head
from ui.workshop import Workshop

__all__ = ["build_demo", "launch_settings"]

MAX_SESSIONS = 1000
"""Visits whose settings are kept; the longest unused go first."""
DELETE_CACHE_S = (60, 540)
"""Every minute, files older than nine minutes are deleted, so that none is kept for ten [s]."""


def launch_settings(
    *, max_upload_mb: int = MAX_UPLOAD_MB, framed_by: Sequence[str] = (), root_path: str = ""
) -> dict[str, Any]:
    """Return the arguments of ``launch`` that belong to the page's looks and safety.

    Args:
        max_upload_mb: Largest file that the page takes [MB of 2**20 bytes].
        framed_by: Origins of sites that may show the page in a frame.
        root_path: Where a reverse proxy shows the page; a path or a URL.
    """
    fonts = ["ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    return {
        "theme": gr.themes.Base(
            primary_hue=gr.themes.colors.teal,
            neutral_hue=gr.themes.colors.slate,
            radius_size=gr.themes.sizes.radius_md,
            font=fonts,
            font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
        ),
        "css_paths": [Path(__file__).with_name("style.css")],
        "head": viewer_head(),
        "footer_links": ["api"],
        "max_file_size": f"{max_upload_mb}mb",
        "state_session_capacity": MAX_SESSIONS,
        "enable_monitoring": False,
        "run_history": False,  # would keep visitors' pictures in their browsers
        "ssr_mode": False,  # another server would stand in front of ours
        "app_kwargs": {"lifespan": front_of(framed_by=framed_by, root_path=root_path)},
    }


def build_demo(
    codec: DiffICMHCodec,
    *,
    max_pixels: int = MAX_PIXELS,
    examples: Sequence[Path] = (),
    notice: str | None = None,
    results: ResultCache | None = None,
    weights_dir: Path | None = None,
) -> gr.Blocks:
    """Return the page around a codec.

    Args:
        codec: Loaded and ready.
        max_pixels: Largest picture that the page takes [px].
        examples: Photographs for visitors who have none at hand.
        notice: What every visitor should know first, such as how long decoding will take; with
            one, nothing is decoded before it is asked for.
        results: Where results are kept; ``None`` keeps them in memory only.
        weights_dir: Where fetched weights lie; ``None`` takes the default folder.
    """
    with gr.Blocks(
        title=texts.TITLE, analytics_enabled=False, delete_cache=DELETE_CACHE_S
    ) as demo:
        workshop = Workshop(
            codec,
            max_pixels=max_pixels,
            cache_dir=demo.GRADIO_CACHE,
            results=results,
            weights_dir=weights_dir,
            uploads=demo.upload_file_set,
        )
        demo.temp_file_sets.append(workshop.files)
        add_endpoints(workshop)  # first, so that their names are theirs
        gr.HTML(views.draw_header(), padding=False, elem_id="header")
        if notice is not None:
            gr.HTML(views.draw_notice(notice), padding=False, elem_id="notice")
        with gr.Tabs():
            with gr.Tab(texts.TAB_COMPRESS, elem_id="compress"):
                compress = build_compress_tab(demo, workshop, examples, is_quick=notice is None)
            with gr.Tab(texts.TAB_COMPARE, elem_id="compare"):
                build_compare_tab(workshop, compress)
            with gr.Tab(texts.TAB_STUDY, elem_id="study"):
                build_study_tab(workshop, compress)
            with gr.Tab(texts.TAB_DECODE, elem_id="decode-file"):
                build_decode_file_tab(workshop, is_quick=notice is None)
            with gr.Tab(texts.TAB_ABOUT, elem_id="about"):
                build_about_tab(codec, max_pixels=max_pixels, weights_dir=workshop.weights_dir)
        gr.HTML(
            views.draw_footer(texts.FOOTER.format(profile=codec.config.profile)),
            padding=False,
            elem_id="footer",
        )
    return demo
