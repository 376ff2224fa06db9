"""What a browser or a program sends: the query of a link, and the arguments of the endpoints."""

import json
import math
from urllib.parse import parse_qsl

import gradio as gr

from difficmh_core.config.decoding import CONTROL_NAMES, SETTINGS, DecodeSettings
from difficmh_core.config.profiles import presets_of
from difficmh_core.encoding import resolve_tags
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.vocabulary import load_vocabulary
from difficmh_core.ui.api import chosen_settings
from difficmh_core.ui.compress.links import LINK_KEYS, read_link
from difficmh_core.ui.runtime.requests import (
    read_request,
    read_settings,
    read_words,
    whole_number,
)

_MOST_TAGS = 64
_TEXTS = {"mode", "sampler", "seed"}
_VOCABULARY = load_vocabulary("imagenet+coco")


def fuzz(data):
    """Read bytes as the query of a link and as the JSON of a call."""
    read_as_link(data)
    read_as_call(data)


def read_as_link(data):
    """Components of the right kind, or the words of a refusal."""
    query = dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))
    for can_optimize in (True, False):
        try:
            read = read_link(query, presets_of("nano"), can_optimize=can_optimize)
        except gr.Error:
            continue
        for key in LINK_KEYS:
            if key in read and key not in _TEXTS and not math.isfinite(read[key]):
                raise AssertionError(f"the link sets {key} to {read[key]!r}")


def read_as_call(data):
    """Settings within their ranges, or a ConfigError."""
    try:
        call = json.loads(data)
    except (ValueError, RecursionError):
        return  # the web server's JSON reader refuses it in its own words
    if not isinstance(call, dict):
        return
    defaults = {"mode": "quality", "quality": 50, "target_bytes": 0, "send_tags": True}
    coding = [call.get(key, value) for key, value in defaults.items()]
    given = {key: call[key] for key in CONTROL_NAMES if key in call}
    offered = {setting.name for setting in SETTINGS if len(setting.controls) == 1}
    endpoint = {key: value for key, value in given.items() if key in offered}
    for read in (
        lambda: read_settings({key: call.get(key, 1) for key in CONTROL_NAMES}),
        lambda: chosen_settings("nano", call.get("preset", "fast"), **endpoint),
    ):
        try:
            settings = read()
        except ConfigError:
            continue
        if not isinstance(settings, DecodeSettings) or not 1 <= settings.steps <= 1000:
            raise AssertionError(f"{call} was read as {settings}")
    try:
        request = read_request(*coding, call.get("passes", 0), call.get("tags"))
        read_words("codecs", call.get("codecs") or ())
        whole_number("target_bytes", call.get("target_bytes", 0))
        tags = resolve_tags(request.tags, _VOCABULARY, _MOST_TAGS)
    except ConfigError:
        return
    if len(tags) > _MOST_TAGS or not 0 <= request.iterations <= 20:
        raise AssertionError(f"{call} was read as {request}")
