"""The page, from top to bottom as a visitor sees it.

The codec is a parameter: tests pass a tiny one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.picture_pool import read_as_png
from difficmh_core.ui import texts
from difficmh_core.ui.about.layout import draw_about_tab
from difficmh_core.ui.api import add_endpoints
from difficmh_core.ui.compare.handlers import connect_compare_tab
from difficmh_core.ui.compare.layout import CompareTab
from difficmh_core.ui.components import html
from difficmh_core.ui.compress.events import connect_compress_tab
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.decode.events import connect_decode_tab
from difficmh_core.ui.decode.layout import DecodeTab
from difficmh_core.ui.runtime.cache import ResultCache
from difficmh_core.ui.runtime.served_files import KEEP_S, ServedFiles, draw_new_names
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import PictureReader, UploadStore
from difficmh_core.ui.server.front import front_of
from difficmh_core.ui.server.limits import MAX_PIXELS, MAX_QUEUE, MAX_UPLOAD_MB
from difficmh_core.ui.study.handlers import connect_study_tab
from difficmh_core.ui.study.layout import StudyTab
from difficmh_core.ui.viewer.markup import viewer_head

MAX_SESSIONS = 1000
"""Visits that are remembered; the longest unused go first. For each, Gradio keeps a copy of the
page's settings, 0.4 MB of memory: with its own limit of 10,000 that is 4 GB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The page, ready to be served.

    Attributes:
        demo: What Gradio serves.
        files: What it keeps for visitors, and the door to it.
    """

    demo: gr.Blocks
    files: ServedFiles

    def launch(
        self,
        *,
        max_queue: int = MAX_QUEUE,
        max_upload_mb: int = MAX_UPLOAD_MB,
        fetches: bool = False,
        framed_by: Sequence[str] = (),
        root_path: str = "",
        accounts: Sequence[tuple[str, str]] | None = None,
        **settings: Any,  # noqa: ANN401 (Gradio's)
    ) -> None:
        """Serve the page.

        Args:
            max_queue: How many visitors may wait; later ones are asked to come back.
            max_upload_mb: Largest file that the page takes [MB of 2**20 bytes].
            fetches: Whether callers may name files by their addresses on the internet.
            framed_by: Origins of sites that may show the page in a frame.
            root_path: Where a reverse proxy shows the page; a path or a URL.
            accounts: Names and passwords of those who are let in; ``None`` lets in everyone.
                Gradio's server for assistants (MCP) asks nobody for a password, so that with
                accounts it is not there.
            settings: Of Gradio's ``launch``: the server's name and port, for instance.

        Raises:
            OSError: If the port cannot be opened.
        """
        draw_new_names()
        lifespan = front_of(
            self.files,
            max_upload_mb=max_upload_mb,
            has_accounts=accounts is not None,
            fetches=fetches,
            framed_by=framed_by,
            root_path=root_path,
        )
        self.demo.queue(max_size=max_queue, api_open=False).launch(
            app_kwargs={"lifespan": lifespan},
            root_path=root_path,
            auth=accounts,
            mcp_server=accounts is None,
            max_file_size=f"{max_upload_mb}mb",
            state_session_capacity=MAX_SESSIONS,
            enable_monitoring=False,
            run_history=False,  # would keep visitors' pictures in their browsers
            ssr_mode=False,  # another server would stand in front of ours
            **_looks(),
            **settings,
        )


def _looks() -> dict[str, Any]:
    """Gather the arguments of ``launch`` that say how the page looks."""
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
    }


def build_page(
    codec: DiffICMHCodec,
    *,
    read: PictureReader = read_as_png,
    max_pixels: int = MAX_PIXELS,
    examples: Sequence[Path] = (),
    notice: str | None = None,
    results: ResultCache | None = None,
    weights_dir: Path | None = None,
    keep_s: float = KEEP_S,
) -> Page:
    """Build the page around a codec.

    All in the folder that ``GRADIO_TEMP_DIR`` names is this page's: see :func:`own_folder`.

    Args:
        codec: Loaded and ready.
        read: Reads visitors' pictures; in public that of a :class:`PicturePool`.
        max_pixels: Largest picture that the page takes [px].
        examples: Photographs for visitors who have none at hand.
        notice: What every visitor should know first, such as how long decoding will take; with
            one, nothing is decoded before it is asked for.
        results: Where results are kept; ``None`` keeps them in memory only.
        weights_dir: Where fetched weights lie; ``None`` takes the default folder.
        keep_s: After this time visitors' files go [s].
    """
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False) as demo:
        files = ServedFiles(
            Path(demo.GRADIO_CACHE),
            examples=examples,
            uploads=demo.upload_file_set,
            shown=demo.temp_file_sets,
            keep_s=keep_s,
        )
        demo.temp_file_sets.append(files.made)
        uploads = UploadStore(files, max_pixels=max_pixels, read=read)
        service = CodecService(codec, files=files, results=results, weights_dir=weights_dir)
        add_endpoints(service, uploads)  # first, so that their names are theirs
        gr.HTML(_draw_header(), padding=False, elem_id="header")
        if notice is not None:
            gr.HTML(html.draw_notice(notice), padding=False, elem_id="notice")
        profile, is_quick = codec.config.profile, notice is None
        with gr.Tabs():
            with gr.Tab(texts.TAB_COMPRESS, elem_id="compress"):
                compress = CompressTab(codec, files.examples, is_quick=is_quick)
                codings = connect_compress_tab(demo, compress, service, uploads)
            with gr.Tab(texts.TAB_COMPARE, elem_id="compare"):
                connect_compare_tab(CompareTab(), service, uploads, compress.session, codings)
            with gr.Tab(texts.TAB_STUDY, elem_id="study"):
                connect_study_tab(StudyTab(), service, uploads, compress.session)
            with gr.Tab(texts.TAB_DECODE, elem_id="decode-file"):
                decode = DecodeTab(profile, is_quick=is_quick)
                connect_decode_tab(decode, service, uploads)
            with gr.Tab(texts.TAB_ABOUT, elem_id="about"):
                draw_about_tab(codec, max_pixels=max_pixels, weights_dir=service.weights_dir)
        gr.HTML(_draw_footer(profile), padding=False, elem_id="footer")
    return Page(demo=demo, files=files)


def _draw_header() -> str:
    return (
        f'<p class="wordmark">{texts.TITLE}</p><h1>{texts.TAGLINE}</h1>'
        f'<p class="explanation">{texts.EXPLANATION}</p>'
    )


def _draw_footer(profile: str) -> str:
    return f"{html.draw_warning()}<p>{texts.FOOTER.format(profile=escape(profile))}</p>"
