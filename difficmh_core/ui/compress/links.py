"""What runs in the browser: a link that restores settings, never the picture; names for icons."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from difficmh_core.config.decoding import CONTROL_NAMES, DecodeSettings, controls_of
from difficmh_core.config.profiles import DEFAULT_PRESET
from difficmh_core.encoding import level_of
from difficmh_core.errors import ConfigError
from difficmh_core.ui.components.decoder_controls import CUSTOM_PRESET
from difficmh_core.ui.compress import texts
from difficmh_core.ui.runtime.errors import shown_error
from difficmh_core.ui.runtime.requests import (
    BY_QUALITY,
    BY_SIZE,
    CODING_DEFAULTS,
    read_request,
    read_settings,
)

LINK_KEYS = (*CODING_DEFAULTS, *CONTROL_NAMES)
"""Names in the link."""
_OLD_KEYS = {"passes": "iterations"}
"""What names in links were before, and are now: old links go on working."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""What a browser writes; ``float`` takes other scripts' digits and underscores too."""


def link_script(keys: Sequence[str]) -> str:
    """Write the browser's part: it writes the link, into the address too, and copies it.

    Args:
        keys: Names in the link, in the order of the components.
    """
    return f"""(...values) => {{
      const link = new URL(window.location.href);
      {json.dumps(list(_OLD_KEYS))}.forEach(key => link.searchParams.delete(key));
      {json.dumps(keys)}.forEach((key, index) => link.searchParams.set(key, values[index]));
      window.history.replaceState(null, "", link);
      navigator.clipboard?.writeText(link.href).catch(() => null);
      return link.href;
    }}"""


def name_examples_script(names: Sequence[str]) -> str:
    """Write the browser's part that names the example pictures for screen readers."""
    labels = [texts.EXAMPLE.format(name=name) for name in names]
    return f"""() => {{
      const labels = {json.dumps(labels)};
      const gallery = document.querySelector("#examples");
      const name = () => gallery.querySelectorAll("button.gallery-item").forEach(
        (button, index) => button.setAttribute("aria-label", labels[index]));
      if (!gallery) return;
      name();
      new MutationObserver(name).observe(gallery, {{childList: true, subtree: true}});
    }}"""


def read_link(
    query: Mapping[str, str], presets: Mapping[str, DecodeSettings], *, can_optimize: bool
) -> dict[str, Any]:
    """Read what a link sets, by :data:`LINK_KEYS`, and the preset; nothing if it sets nothing.

    Args:
        query: Of the link.
        presets: Those of the page's networks, by name.
        can_optimize: Whether these can optimize the latent; otherwise their page has no slider
            for it.

    Raises:
        gr.Error: If the link holds a setting out of range; it is said in the core's words.
    """
    defaults = {**CODING_DEFAULTS, **controls_of(presets[DEFAULT_PRESET])}
    named = {_OLD_KEYS[key]: text for key, text in query.items() if key in _OLD_KEYS}
    named |= query
    given = {key: _value(named[key], defaults[key]) for key in LINK_KEYS if key in named}
    if not given:
        return {}
    values = defaults | given
    try:
        settings = read_settings(values)
        if values["mode"] not in (BY_QUALITY, BY_SIZE):
            raise ConfigError(texts.NO_SUCH_MODE.format(mode=values["mode"]))
        # In both modes, since the components of both get what the link says.
        for mode in (BY_SIZE, BY_QUALITY):
            coding = values | {"mode": mode}
            request = read_request(*(coding[key] for key in CODING_DEFAULTS))
        level_of(request.quality, None)
        if request.iterations and not can_optimize:
            raise ConfigError(texts.NO_OPTIMIZATION)
    except ConfigError as error:
        raise shown_error(str(error)) from error
    preset = next((name for name in presets if presets[name] == settings), CUSTOM_PRESET)
    return {key: values[key] for key in LINK_KEYS} | {"preset": preset}


def _value(text: str, default: object) -> object:
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        return text == "true"
    # Anything else is checked, and named, where the settings are read.
    return float(text) if _NUMBER.fullmatch(text) else text
