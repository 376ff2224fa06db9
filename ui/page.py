"""The page, from top to bottom as a visitor sees it.

The codec is a parameter: tests pass a tiny one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.helpers import Examples

from difficmh_core.codec import DiffICMHCodec
from ui import locks, texts, views
from ui.decode_panel import QUICK, build_decode_panel, take_as_given
from ui.handlers import Handlers
from ui.session import Session

__all__ = ["build_demo", "launch_settings"]

MAX_PIXELS = 16_000_000
"""Largest picture that the page takes unless its host says otherwise [px]: a phone's."""
MAX_UPLOAD = "100mb"
DELETE_CACHE_S = (600, 3600)
"""Every ten minutes, files older than an hour are deleted [s]."""
MAX_EXAMPLES = 5
MODEL = {"concurrency_id": "model", "concurrency_limit": 1}
"""All heavy events wait in one queue for the one model."""


def launch_settings() -> dict[str, Any]:
    """Return the arguments of ``launch`` that belong to the page's looks and safety."""
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
        "max_file_size": MAX_UPLOAD,
        "footer_links": ["api"],
    }


def build_demo(
    codec: DiffICMHCodec,
    *,
    max_pixels: int = MAX_PIXELS,
    examples: Sequence[Path] = (),
    notice: str | None = None,
) -> gr.Blocks:
    """Return the page around a codec.

    Args:
        codec: Loaded and ready.
        max_pixels: Largest picture that the page takes [px].
        examples: Photographs for visitors who have none at hand.
        notice: What every visitor should know first, such as how long decoding will take.
    """
    with gr.Blocks(
        title=texts.TITLE, analytics_enabled=False, delete_cache=DELETE_CACHE_S
    ) as demo:
        handlers = Handlers(codec, max_pixels=max_pixels, cache_dir=demo.GRADIO_CACHE)
        gr.HTML(views.draw_header(), padding=False, elem_id="header")
        if notice is not None:
            gr.HTML(views.draw_notice(notice), padding=False, elem_id="notice")
        with gr.Tabs():
            with gr.Tab(texts.TAB_COMPRESS, elem_id="compress"):
                _build_compress_tab(codec, handlers, examples)
            with gr.Tab(texts.TAB_DECODE, elem_id="decode-file"):
                _build_decode_tab(handlers, codec.config.profile)
        gr.HTML(
            views.draw_footer(texts.FOOTER.format(profile=codec.config.profile)),
            padding=False,
            elem_id="footer",
        )
    return demo


def _build_compress_tab(
    codec: DiffICMHCodec, handlers: Handlers, examples: Sequence[Path]
) -> None:
    session = gr.State(Session(), time_to_live=DELETE_CACHE_S[1])
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300, elem_classes="controls"):
            photo = gr.Image(
                label=texts.PHOTO,
                format="png",
                sources=["upload", "clipboard"],
                type="filepath",
                placeholder=texts.PHOTO_PLACEHOLDER,
                buttons=["fullscreen"],
                height=300,
                elem_id="photo",
            )
            gallery = _build_gallery(photo, examples)
            quality = gr.Slider(
                0,
                100,
                50,
                step=1,
                label=texts.QUALITY,
                info=texts.QUALITY_HELP,
                elem_id="quality",
                visible=codec.config.rate is None,
            )
            send_tags = gr.Checkbox(
                True, label=texts.SEND_TAGS, info=texts.SEND_TAGS_HELP, elem_id="send-tags"
            )
            tags = gr.Dropdown(
                list(codec.vocabulary.names),
                value=[],
                multiselect=True,
                max_choices=codec.config.conditioning.max_tags,
                label=texts.TAGS,
                info=texts.TAGS_HELP,
                elem_id="tags",
            )
            take_as_given(photo, quality)
        with gr.Column(scale=7, min_width=320):
            facts = gr.HTML(views.draw_introduction(), padding=False, elem_id="facts")
            with gr.Column(visible=False, elem_id="decode-panel") as decode_column:
                dicmh_file = gr.DownloadButton(
                    texts.DOWNLOAD_FILE, size="sm", elem_id="dicmh-file", elem_classes="save"
                )
                panel = build_decode_panel("compress", codec.config.profile)
            progress = gr.HTML(padding=False, visible=False, elem_id="progress")
            status = gr.HTML(padding=False, elem_id="status")
            preview = gr.Image(
                label=texts.PREVIEW,
                format="png",
                interactive=False,
                visible=False,
                buttons=[],
                elem_id="preview",
                elem_classes="stage",
            )
            comparison = gr.ImageSlider(
                label=texts.COMPARISON,
                format="png",
                interactive=False,
                visible=False,
                max_height=560,
                buttons=["fullscreen"],
                elem_id="comparison",
            )
            picture_file = gr.DownloadButton(
                texts.DOWNLOAD_PICTURE,
                size="sm",
                visible=False,
                elem_id="picture-file",
                elem_classes="save",
            )

    busy = [panel.decode, panel.stop, progress]
    stage = [status, preview, comparison, picture_file]
    decoded = panel.decode.click(locks.lock_for_decoding, outputs=[*busy, status], **QUICK).then(
        handlers.decode,
        [session, *panel.settings],
        [session, preview, comparison, progress, status, picture_file],
        api_name="decode",
        show_progress="hidden",
        **MODEL,
    )
    decoded.then(locks.unlock, session, busy, **QUICK)
    panel.stop.click(locks.stop, outputs=[*busy, status], cancels=decoded, **QUICK)

    chosen = [photo.upload] if gallery is None else [photo.upload, gallery.load_input_event.then]
    for choose in chosen:
        encoded = choose(
            locks.clear, outputs=[*busy, *stage], trigger_mode="always_last", **QUICK
        ).then(
            handlers.encode,
            [photo, quality, send_tags],
            [session, photo, facts, tags, dicmh_file, status, decode_column],
            api_name="encode",
            api_visibility="public" if choose is chosen[0] else "private",
            show_progress="minimal",
            show_progress_on=facts,
            trigger_mode="always_last",
            **MODEL,
        )
        encoded.failure(handlers.restore, session, [photo, status], **QUICK)
        encoded.then(locks.unlock, session, busy, **QUICK)

    changes = [quality.change, tags.input, send_tags.input]
    recoded = gr.on(
        changes,
        locks.lock_for_encoding,
        outputs=[*busy, preview],
        trigger_mode="always_last",
        **QUICK,
    ).then(
        handlers.recode,
        [session, quality, send_tags, tags],
        [session, facts, tags, dicmh_file, status],
        api_name="recode",
        show_progress="minimal",
        show_progress_on=facts,
        trigger_mode="always_last",
        **MODEL,
    )
    recoded.then(locks.unlock, session, busy, **QUICK)
    photo.clear(
        handlers.forget, outputs=[session, facts, tags, dicmh_file, decode_column, *stage], **QUICK
    )
    gr.on([photo.upload, photo.clear, *changes], cancels=[decoded])


def _build_gallery(photo: gr.Image, examples: Sequence[Path]) -> Examples | None:
    if not examples:
        return None
    return gr.Examples(
        [[str(path)] for path in examples],
        [photo],
        label=texts.EXAMPLES,
        examples_per_page=MAX_EXAMPLES,
        elem_id="examples",
        api_visibility="private",
    )


def _build_decode_tab(handlers: Handlers, profile: str) -> None:
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=300, elem_classes="controls"):
            file = gr.File(label=texts.FILE, type="filepath", height=160, elem_id="file")
            facts = gr.HTML(padding=False, elem_id="file-facts")
        with gr.Column(scale=7, min_width=320):
            panel = build_decode_panel("decode-file", profile)
            progress = gr.HTML(padding=False, visible=False, elem_id="file-progress")
            status = gr.HTML(padding=False, elem_id="file-status")
            picture = gr.Image(
                label=texts.DECODED,
                format="png",
                interactive=False,
                visible=False,
                buttons=["fullscreen"],
                elem_id="file-picture",
                elem_classes="stage",
            )
            picture_file = gr.DownloadButton(
                texts.DOWNLOAD_PICTURE,
                size="sm",
                visible=False,
                elem_id="file-picture-file",
                elem_classes="save",
            )

    busy = [panel.decode, panel.stop, progress]
    decoded = panel.decode.click(locks.lock_for_decoding, outputs=[*busy, status], **QUICK).then(
        handlers.decode_file,
        [file, *panel.settings],
        [picture, progress, status, picture_file],
        api_name="decode_file",
        show_progress="hidden",
        **MODEL,
    )
    decoded.then(locks.unlock_file, outputs=busy, **QUICK)
    panel.stop.click(locks.stop, outputs=[*busy, status], cancels=decoded, **QUICK)
    checked = file.upload(
        locks.clear_file, outputs=[*busy, facts, status, picture, picture_file], **QUICK
    ).then(handlers.info, file, facts, api_name="info", show_progress="minimal", **MODEL)
    checked.success(locks.unlock_file, outputs=busy, **QUICK)
    file.clear(locks.clear_file, outputs=[*busy, facts, status, picture, picture_file], **QUICK)
    gr.on([file.upload, file.clear], cancels=[decoded])
