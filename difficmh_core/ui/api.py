"""Named endpoints for programs and agents: ``encode``, ``decode``, ``compare`` and ``info``.

Each stands alone: nothing is kept between calls, so that a program, or an assistant that speaks
the Model Context Protocol, needs no session. Signatures and docstrings are what it is shown.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.events import api

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.coding import DEFAULT_QUALITY
from difficmh_core.config.decoding import SETTINGS, DecodeSettings, controls_of
from difficmh_core.config.profiles import DEFAULT_PRESET, either_of, preset_of, presets_of
from difficmh_core.encoding import Encoded
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.handlers import compare_photo
from difficmh_core.ui.runtime.errors import with_errors
from difficmh_core.ui.runtime.gpu import MAX_S, MIN_S, with_gpu
from difficmh_core.ui.runtime.requests import (
    MOST_ITERATIONS,
    CodingRequest,
    read_request,
    read_settings,
    read_words,
    whole_number,
)
from difficmh_core.ui.runtime.service import CodecService, Decoding
from difficmh_core.ui.runtime.uploads import Photo, UploadStore

CALLS: dict[str, Any] = {"concurrency_id": "programs", "concurrency_limit": 2}
"""Files are opened while the model works for others; for its own work a call waits its turn."""


class Endpoints:
    """What programs can ask."""

    def __init__(self, service: CodecService, uploads: UploadStore) -> None:
        self._service, self._uploads = service, uploads
        self._codec = service.codec
        self._encode = with_gpu(self._encode_now, MAX_S)
        self._decode = with_gpu(self._decode_now, MAX_S)
        self._compare = with_gpu(functools.partial(compare_photo, service, uploads), MAX_S)
        self._verify = with_gpu(service.codec.verify, MIN_S)

    def encode(
        self,
        photo: gr.FileData,
        quality: float = DEFAULT_QUALITY,
        target_bytes: int = 0,
        tags: list[str] | None = None,
        send_tags: bool = True,
        passes: int = 0,
    ) -> tuple[gr.FileData, dict[str, Any]]:
        """Compress a photo to a .dicmh file; returns the file and facts about it.

        Args:
            photo: The photo: JPEG, HEIC, PNG, WebP, AVIF, JPEG XL, TIFF and others.
            quality: 0 (smallest file) to 100 (best image).
            target_bytes: Largest file in bytes; above 0, it decides instead of the quality.
            tags: Words of the vocabulary for the file; without any, the tagger chooses.
            send_tags: Whether the file holds tags at all.
            passes: Iterations of latent optimization, 0 (off) to {most_iterations}: better
                perceptual quality at about the same size, but slower.
        """
        mode = "size" if target_bytes else "quality"
        request = read_request(mode, quality, target_bytes, send_tags, passes, tags)
        received = self._uploads.receive(photo)
        encoded = self._encode(received, request, None if tags is None else request.tags)
        path = self._service.save(encoded.data, f"{received.name}.dicmh")
        stream = encoded.stream
        facts = {
            **_facts(stream, encoded.section_bits),
            "tags": [asdict(tag) for tag in encoded.tags],
            "upload_bytes": received.upload_bytes,
            "notes": list(received.notes),
        }
        return gr.FileData(path=path, orig_name=f"{received.name}.dicmh"), facts

    def decode(
        self,
        file: gr.FileData,
        preset: str = DEFAULT_PRESET,
        **given: Any,  # noqa: ANN401 (each setting has its own type)
    ) -> tuple[gr.FileData, dict[str, Any]]:
        """Decode a .dicmh file; returns the image as a PNG and how it was decoded.

        Args:
            file: The .dicmh file.
            preset: {presets}; the settings below override it.
            **given: The decoding settings.
        """
        opened = self._uploads.open_file(file)
        name, stream = f"{opened.name}-decoded.png", opened.stream
        settings = chosen_settings(self._codec.config.profile, preset, **given)
        last = self._decode(stream, settings)
        path = self._service.save(last.png, name)
        facts = {
            "n_bytes": stream.n_bytes,
            "bpp": stream.bpp,
            "seconds": round(last.seconds, 3),
            "settings": settings.as_dict(),
        }
        return gr.FileData(path=path, orig_name=name), facts

    def compare(
        self,
        photo: gr.FileData,
        target_bytes: int = 0,
        codecs: list[str] | None = None,
        preset: str = DEFAULT_PRESET,
    ) -> dict[str, Any]:
        """Compress a photo with several codecs at the same size; returns a row for each.

        Each row has the file's bytes and bpp, PSNR, MS-SSIM, LPIPS and DISTS, how many of the
        original's objects a detector finds again, and how many letters are kept. Codecs that are
        not available are under absent.

        Args:
            photo: The photo.
            target_bytes: Largest size of each file; 0 takes the size of our file of quality 50.
            codecs: Any of {codecs}; all but jpegli and webp if none is named.
            preset: How ours is decoded: {presets}.
        """
        n_bytes = whole_number("target_bytes", target_bytes)
        keys = read_words("codecs", codecs or ())
        received = self._uploads.receive(photo)
        return self._compare(received, n_bytes, keys, str(preset))

    def info(self, file: gr.FileData) -> dict[str, Any]:
        """Check a .dicmh file (header, checksum, model and coded integers) and describe it.

        Args:
            file: The .dicmh file.
        """
        stream = self._uploads.open_file(file).stream
        bits = self._verify(stream)
        names = [self._codec.vocabulary.name_of(tag) for tag in stream.tag_ids]
        return _facts(stream, bits) | {"tags": names}

    def _encode_now(
        self, photo: Photo, request: CodingRequest, tags: Sequence[str] | None
    ) -> Encoded:
        """Code a photograph with these tags; without any, the tagger chooses."""
        image = self._uploads.load(photo)
        chosen: Sequence[Any] = () if tags is None else tags
        if request.send_tags and tags is None:
            chosen = self._service.tag(photo, image)
        return self._service.encode(photo, image, request, chosen if request.send_tags else ())

    def _decode_now(self, stream: Bitstream, settings: DecodeSettings) -> Decoding:
        *_, last = self._service.decode(stream, settings)
        return last


def chosen_settings(profile: str, preset: str, **given: Any) -> DecodeSettings:  # noqa: ANN401
    """A preset with what a program set instead.

    Args:
        profile: Of the networks.
        preset: Name of the preset.
        given: Of the settings, by their names; ``unset`` is what a program leaves open.

    Raises:
        ConfigError: If there is no such preset, or a setting is no number or out of range.
    """
    unset = {setting.name: setting.unset for setting in SETTINGS}
    changes = {name: value for name, value in given.items() if value != unset[name]}
    return read_settings(controls_of(preset_of(profile, str(preset))) | changes)


def add_endpoints(service: CodecService, uploads: UploadStore) -> None:
    """Publish the endpoints inside the current page."""
    endpoints = Endpoints(service, uploads)
    for name, endpoint in (
        ("encode", endpoints.encode),
        ("decode", with_settings(endpoints.decode)),
        ("compare", endpoints.compare),
        ("info", endpoints.info),
    ):
        api(_public(endpoint), api_name=name, **CALLS)


def with_settings(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Give an endpoint a documented parameter for each decoding setting, for its ``**given``."""
    *named, given = inspect.signature(endpoint).parameters.values()
    settings = [setting for setting in SETTINGS if len(setting.controls) == 1]
    offered = [
        inspect.Parameter(
            setting.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=setting.unset,
            annotation=setting.held_type,
        )
        for setting in settings
    ]
    signature = inspect.signature(endpoint).replace(parameters=[*named, *offered])

    @functools.wraps(endpoint)
    def offering(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (as the endpoint's)
        return endpoint(**signature.bind(*args, **kwargs).arguments)

    text, _, _ = (inspect.getdoc(endpoint) or "").partition(f"    **{given.name}:")
    helps = [f"    {setting.name}: {setting.parameter_help}" for setting in settings]
    offering.__doc__ = text + "\n".join(helps)
    hints = endpoint.__annotations__ | {item.name: item.annotation for item in offered}
    offering.__annotations__ = {name: hints[name] for name in hints if name != given.name}
    offering.__signature__ = signature  # type: ignore[attr-defined]
    return offering


def _public(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Word an endpoint's errors for callers, and each parameter's help in one line for Gradio."""

    @functools.wraps(endpoint)
    def public(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (as the endpoint's)
        (answer,) = with_errors(lambda: iter([endpoint(*args, **kwargs)]))()
        return answer

    told = re.sub(r"\n {8,}", " ", inspect.getdoc(endpoint) or "")
    public.__doc__ = told.format(
        codecs=", ".join(f"{key} ({name})" for key, name in texts.CODECS.items()),
        presets=either_of(presets_of("nano")),
        most_iterations=MOST_ITERATIONS,
    )
    return public


def _facts(stream: Bitstream, section_bits: Mapping[str, float]) -> dict[str, Any]:
    return stream.header_fields() | {"section_bits": dict(section_bits)}
