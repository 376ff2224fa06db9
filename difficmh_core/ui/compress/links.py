"""What runs in the browser: a link that restores settings, never the picture; names for icons."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from difficmh_core.config.decoding import CONTROL_NAMES, controls_of
from difficmh_core.config.profiles import preset_of, presets_of
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
"""Names of settings in the link."""
EXAMPLE_KEY = "example"
"""Names one of the page's own photographs, if it is the one that is shown."""
_OLD_KEYS = {"passes": "iterations"}
"""What names in links were before, and are now: old links go on working."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""What a browser writes; ``float`` takes other scripts' digits and underscores too."""


def link_script(keys: Sequence[str]) -> str:
    """Write the browser's part: it writes the link, into the address too, and copies it.

    Args:
        keys: Names in the link, in the order of the components; the last one stands for the
            example, and is left out where there is none.
    """
    return f"""(...values) => {{
      const link = new URL(window.location.href);
      {json.dumps(list(_OLD_KEYS))}.forEach(key => link.searchParams.delete(key));
      {json.dumps(keys)}.forEach((key, index) => link.searchParams.set(key, values[index]));
      if (!values.at(-1)) link.searchParams.delete({json.dumps(EXAMPLE_KEY)});
      window.history.replaceState(null, "", link);
      navigator.clipboard?.writeText(link.href).catch(() => null);
      return link.href;
    }}"""


def name_examples_script(names: Sequence[str]) -> str:
    """Write the browser's part that names the example pictures for screen readers."""
    words = [texts.EXAMPLE_WORDS.get(name, name) for name in names]
    labels = [texts.EXAMPLE.format(name=word) for word in words]
    return f"""() => {{
      const labels = {json.dumps(labels)};
      const words = {json.dumps(words)};
      const gallery = document.querySelector("#examples");
      const name = () => gallery.querySelectorAll("button.gallery-item").forEach(
        (button, index) => {{
          button.setAttribute("aria-label", labels[index]);
          button.dataset.words = words[index] ?? "";  // the style sheet shows them
        }});
      if (!gallery) return;
      name();
      new MutationObserver(name).observe(gallery, {{childList: true, subtree: true}});
    }}"""


def read_link(query: Mapping[str, str], profile: str, *, can_optimize: bool) -> dict[str, Any]:
    """Read what a link sets, by :data:`LINK_KEYS`, and the preset; nothing if it sets nothing.

    Args:
        query: Of the link.
        profile: Of the page's networks.
        can_optimize: Whether these can optimize the latent; otherwise their page has no slider
            for it.

    Raises:
        gr.Error: If the link holds a setting out of range; it is said in the core's words.
    """
    defaults = {**CODING_DEFAULTS, **controls_of(preset_of(profile))}
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
    presets = presets_of(profile)
    preset = next((name for name in presets if presets[name] == settings), CUSTOM_PRESET)
    return {key: values[key] for key in LINK_KEYS} | {"preset": preset}


def read_example(query: Mapping[str, str], names: Sequence[str]) -> int | None:
    """Read which example a link shows; ``None`` if it shows none.

    Args:
        query: Of the link.
        names: Of the examples.

    Raises:
        gr.Error: If there is no such example.
    """
    name = query.get(EXAMPLE_KEY)
    if name is None:
        return None
    if name not in names:
        raise shown_error(texts.NO_SUCH_EXAMPLE.format(name=name))
    return names.index(name)


def is_link(query: Mapping[str, str]) -> bool:
    """Tell whether an address asks for settings or an example."""
    return any(key in query for key in (*LINK_KEYS, *_OLD_KEYS, EXAMPLE_KEY))


def _value(text: str, default: object) -> object:
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        return text == "true"
    # Anything else is checked, and named, where the settings are read.
    return float(text) if _NUMBER.fullmatch(text) else text
