"""What a visitor had on the page, to be shown again after a reload, on Back, or in a second tab.

A browser keeps a key that this server drew at random; nothing else leads to a visit. What is kept
are the values and properties that events gave to the page's components, and what the visitor had
entered: pictures and files stay where they lie, and go when they would have gone anyway.

Each tab of the browser has a record of its own, which it finds again under a name that it chose;
a new one begins with a copy of the record that was written last.
"""

import functools
import hashlib
import inspect
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from cachetools import TTLCache
from gradio.context import LocalContext

from difficmh_core.ui.runtime.events import Component, Updates
from difficmh_core.ui.runtime.session import KEPT_S, Session

MOST_VISITS = 1000
"""Visits that are kept; the oldest goes first."""
_MOST_PAGES = 1000
"""Of all browsers, like Gradio's sessions; the one that began first goes first."""
_MOST_TABS = 4
"""Of one visit."""
_MAX_NAME = 64
"""Of a key, and of the name of a tab [characters]."""
_KEY_BYTES = 32
_FILES = (gr.Image, gr.File, gr.DownloadButton)
"""Components that show or offer a file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    """What one component holds.

    Attributes:
        props: Its properties; of a state, the value alone.
        at: When they were last set [s].
        is_shown: Whether an event set any of them, not the visitor alone.
    """

    props: Mapping[str, Any]
    at: float
    is_shown: bool


_Held = dict[Component, _Kept]
"""What a page's components hold."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Visit:
    """What one browser has.

    Attributes:
        owner: Who is logged in; ``None`` without accounts.
        tabs: What the pages hold, by the names of their tabs; the one written last at the end.
    """

    owner: str | None
    tabs: OrderedDict[str, _Held] = field(default_factory=OrderedDict)

    def held_in(self, tab: str) -> _Held:
        """Return what a tab held; for a new one, what the last one holds."""
        last = next(reversed(self.tabs.values()), {})
        return self.tabs.get(tab, last)

    def put(self, tab: str, held: _Held) -> None:
        """Remember what a tab holds."""
        self.tabs[tab] = held
        self.tabs.move_to_end(tab)
        while len(self.tabs) > _MOST_TABS:
            self.tabs.popitem(last=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Page:
    """A page in a browser.

    Attributes:
        visit: Digest of the visit's key; empty until the page has told it.
        owner: Who is logged in.
        tab: Name of the tab.
        held: What it holds.
    """

    visit: str = ""
    owner: str | None = None
    tab: str = ""
    held: _Held = field(default_factory=dict)


class Visits:
    """Remembers visits; threads may share it."""

    def __init__(
        self,
        *,
        keep_s: float = KEPT_S,
        most: int = MOST_VISITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with no visit.

        Args:
            keep_s: How long anything is kept [s].
            most: How many visits are kept.
            clock: Tells the time [s].
        """
        self._keep_s, self._clock = keep_s, clock
        self._visits = TTLCache[str, _Visit](most, keep_s, timer=clock)
        self._pages = OrderedDict[str, _Page]()
        self._watched = set[int]()
        self._lock = threading.Lock()

    def arrive(
        self,
        session: str,
        key: object,
        *,
        tab: object = "",
        owner: str | None = None,
        is_new: bool = False,
    ) -> tuple[str, Updates]:
        """Begin a page in a browser.

        Args:
            session: Gradio's number of the page.
            key: What the browser kept; anything, since it comes from outside.
            tab: What the browser calls the tab, likewise.
            owner: Who is logged in.
            is_new: Whether nothing is to be shown again.

        Returns:
            The key to keep, and what the page shows again: nothing to those who have no key of a
            visit that is still known, or another's.
        """
        drawn, name = secrets.token_hex(_KEY_BYTES), _word(tab)
        with self._lock:
            here = self._pages.get(session, _Page())
            if here.visit:  # a page begins once; its visit is not another's to set
                return drawn, {}
            acted = any(kept.is_shown for kept in here.held.values())
            known = self._visits.get(_digest(_word(key)))
            held, shown = here.held, Updates()
            if known is None or known.owner != owner:
                known = _Visit(owner=owner)
            else:
                drawn = _word(key)
                # What a visitor does while the page begins counts more than what was there.
                if not is_new and not acted:
                    held = dict(known.held_in(name))
                    shown = self._fresh(held)
            page = _Page(visit=_digest(drawn), owner=owner, tab=name, held=held)
            self._remember(session, page)
            if acted:
                known.put(name, held)
                self._visits[page.visit] = known
            return drawn, shown

    def keep(self, session: str, values: Mapping[Component, Any], *, is_shown: bool) -> None:
        """Remember what components hold.

        Args:
            session: Gradio's number of the page.
            values: New values or properties, as events return them; or what was entered.
            is_shown: Whether an event returned them.
        """
        with self._lock:
            page = self._pages.get(session)
            if page is None:
                page = _Page()
                self._remember(session, page)
            now = self._clock()
            for component, value in values.items():
                if not is_kept(component) or value == gr.skip():
                    continue
                if isinstance(component, _FILES) and not is_shown and not _is_there(value):
                    continue  # a browser may still name an upload that was read
                before = page.held.get(component)
                page.held[component] = _Kept(
                    props=_merged({} if before is None else before.props, component, value),
                    at=now,
                    is_shown=is_shown or (before is not None and before.is_shown),
                )
            if page.visit:
                visit = self._visits.get(page.visit) or _Visit(owner=page.owner)
                visit.put(page.tab, page.held)
                self._visits[page.visit] = visit

    def _remember(self, session: str, page: _Page) -> None:
        self._pages[session] = page
        while len(self._pages) > _MOST_PAGES:
            self._pages.popitem(last=False)

    def watch(self, demo: gr.Blocks) -> None:
        """Remember from now on what events are given and return; those of before are known.

        Args:
            demo: The page. Its events that are given ``{component: value}`` are ours.
        """
        for number, event in demo.fns.items():
            if number not in self._watched and event.fn is not None:
                self._watched.add(number)
                if event.inputs_as_dict or not event.inputs:
                    event.fn = self._watching(event.fn)

    def leave_alone(self, number: int) -> None:
        """Do not watch an event, by its number on the page."""
        self._watched.add(number)

    def _watching(self, event: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(event):

            @functools.wraps(event)
            def generator(*args: Any) -> Iterator[Any]:  # noqa: ANN401 (as the event's)
                self._keep_entered(args)
                for updates in event(*args):
                    self._keep_shown(updates)
                    yield updates

            return generator

        @functools.wraps(event)
        def function(*args: Any) -> Any:  # noqa: ANN401 (as the event's)
            self._keep_entered(args)
            updates = event(*args)
            self._keep_shown(updates)
            return updates

        return function

    def _keep_entered(self, args: tuple[Any, ...]) -> None:
        for values in args:
            if isinstance(values, Mapping):
                entered = {
                    component: value
                    for component, value in values.items()
                    if not isinstance(component, gr.State)
                }
                self._keep_of_event(entered, is_shown=False)

    def _keep_shown(self, updates: object) -> None:
        if isinstance(updates, Mapping) and "__type__" not in updates:
            self._keep_of_event(updates, is_shown=True)

    def _keep_of_event(self, values: Mapping[Component, Any], *, is_shown: bool) -> None:
        request = LocalContext.request.get(None)
        if request is not None and request.session_hash:
            self.keep(str(request.session_hash), values, is_shown=is_shown)

    def _fresh(self, held: Mapping[Component, _Kept]) -> Updates:
        """Return what is not too old, and whose files are still there."""
        oldest = self._clock() - self._keep_s
        has_photo = all(
            _has_file(kept.props["value"].photo.path)
            for kept in held.values()
            if isinstance(session := kept.props.get("value"), Session) and session.photo
        )
        return {
            component: kept.props["value"]
            if isinstance(component, gr.State)
            else gr.update(**kept.props)
            for component, kept in held.items()
            if kept.at >= oldest
            and (has_photo or not kept.is_shown)
            and (not isinstance(component, _FILES) or _has_file(kept.props.get("value")))
        }


def is_kept(component: Component) -> bool:
    """Tell whether what a component holds is remembered: not what is of the moment.

    That are buttons, how far work is, what follows from the rest, and what is hidden.
    """
    return not (
        isinstance(component, gr.Button)
        or getattr(component, "visible", True) == "hidden"
        or str(getattr(component, "elem_id", "")).endswith(("-progress", "-outdated"))
    )


def kept_of(demo: gr.Blocks) -> list[Component]:
    """List the components that are remembered: those that our events are given or set."""
    ours = (event for event in demo.fns.values() if event.inputs_as_dict or not event.inputs)
    parts = {part: None for event in ours for part in (*event.inputs, *event.outputs)}
    return [part for part in parts if is_kept(part)]


def _merged(before: Mapping[str, Any], component: Component, value: Any) -> Mapping[str, Any]:  # noqa: ANN401
    if not isinstance(component, gr.State) and isinstance(value, Mapping):
        if value.get("__type__") == "update":
            return {**before, **{name: each for name, each in value.items() if name != "__type__"}}
        if "path" in value:  # a file that a browser names
            value = value["path"]
    return {**before, "value": value}


def _is_there(named: object) -> bool:
    """Tell whether there is a file that a browser names, or none is named."""
    return _has_file(named.get("path") if isinstance(named, Mapping) else named)


def _has_file(value: object) -> bool:
    return value is None or (isinstance(value, str) and Path(value).is_file())


def _word(value: object) -> str:
    """Take a word that a browser sends; anything else is none."""
    return value if isinstance(value, str) and len(value) <= _MAX_NAME else ""


def _digest(key: str) -> str:
    """Name a visit without its key, which nobody shall find in this process either."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
