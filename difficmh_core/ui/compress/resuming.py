"""What the compress tab begins with: settings and an example of a link, or a visit's open work."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from difficmh_core.config.networks import CodecConfig
from difficmh_core.ui.components.arrival import Arrival
from difficmh_core.ui.compress.handlers import CompressHandlers
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.compress.links import read_example, read_link
from difficmh_core.ui.runtime.errors import with_errors
from difficmh_core.ui.runtime.events import Updates, Values, unchanged
from difficmh_core.ui.runtime.session import Session


class ResumeHandlers:
    """The events by which a page begins."""

    def __init__(
        self, tab: CompressTab, handlers: CompressHandlers, config: CodecConfig, arrival: Arrival
    ) -> None:
        self._tab, self._handlers, self._config = tab, handlers, config
        self._arrival = arrival

    def follow_link(self, request: gr.Request, values: Values) -> Updates:
        """Take over the settings and the example of the link that led here.

        Not where the browser comes back to the page: what was there last counts more.

        Raises:
            gr.Error: If the link holds a setting out of range, or an example that is not there.
        """
        if self._arrival.is_return(values):
            return unchanged()
        tab, config, query = self._tab, self._config, dict(request.query_params)
        can_optimize = config.rate_weights is not None
        settings = read_link(query, config.profile, can_optimize=can_optimize)
        places = tab.linked | {"preset": tab.panel.preset}
        restored: Updates = {places[key]: value for key, value in settings.items()}
        number = read_example(query, [Path(name).stem for name in tab.file.examples])
        if number is not None:
            restored[tab.file.photo] = tab.file.examples[number]
        return restored or unchanged()

    @with_errors
    def receive(self, values: Values) -> Iterator[Updates]:
        """Take the example of a link; without one, go on only if there is something left to do.

        Raises:
            gr.Error: If there is nothing, unseen: what would follow does not.
        """
        session: Session = values[self._tab.session]
        if session.photo is None and values[self._tab.file.photo] is not None:
            yield from self._handlers.receive(values)
        elif not self._handlers.needs_file(values) and not self._handlers.is_wanted(values):
            raise gr.Error("nothing to do", visible=False, print_exception=False)

    def name_example(self, values: Values) -> str:
        """Name the example that is shown; nothing for a visitor's own photograph."""
        photo = values[self._tab.session].photo
        return photo.name if photo is not None and photo.is_example else ""
