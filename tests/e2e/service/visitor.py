"""A visitor without a browser: what the page's scripts send, and what they are told."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from difficmh_core.config.decoding import SETTINGS, DecodeSettings, controls_of

__all__ = ["QueueFullError", "Visitor", "as_entered"]

API = "gradio_api"
MARK = {"_type": "gradio.FileData"}
TIMEOUT_S = 120.0


def as_entered(settings: DecodeSettings) -> dict[str, Any]:
    """What a visitor enters for decoding settings, by the labels of the controls."""
    held = controls_of(settings)
    controls = [control for setting in SETTINGS for control in setting.controls]
    return {control.label: held[control.name] for control in controls}


class QueueFullError(Exception):
    """The page asks to come back later."""


class Visitor:
    """One visit, with a session of its own."""

    def __init__(self, url: str) -> None:
        """Arrive.

        Args:
            url: Of the page; ends with a slash.
        """
        self.session = uuid.uuid4().hex
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_S)
        config = self._client.get("config").json()
        self._events = {event["api_name"]: event for event in config["dependencies"]}
        self._props = {item["id"]: item["props"] for item in config["components"]}

    def __enter__(self) -> Self:
        """Stay for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self._client.close()

    def upload(self, data: bytes, name: str) -> dict[str, Any]:
        """Send a file; return how it is named from then on.

        Raises:
            httpx.HTTPStatusError: If it is refused.
        """
        answer = self._client.post(f"{API}/upload", files={"files": (name, data)})
        answer.raise_for_status()
        return {"path": answer.json()[0], "orig_name": name, "meta": MARK}

    def join(self, event: str, data: Sequence[Any] | Mapping[str, Any]) -> None:
        """Ask for an event.

        Args:
            event: Its name.
            data: Its inputs; or those that the visitor changed, by the id or the label of their
                elements.

        Raises:
            QueueFullError: If too many wait.
        """
        body = {
            "data": self._held(event, data) if isinstance(data, Mapping) else list(data),
            "fn_index": self._events[event]["id"],
            "session_hash": self.session,
        }
        answer = self._client.post(f"{API}/queue/join", json=body)
        if answer.status_code == 503:
            raise QueueFullError(answer.json()["detail"])
        answer.raise_for_status()

    def _held(self, event: str, changed: Mapping[str, Any]) -> list[Any]:
        props = [self._props[number] for number in self._events[event]["inputs"]]
        names = [item.get("elem_id") or item.get("label") for item in props]
        if unknown := set(changed) - set(names):
            raise ValueError(f"{event} has no inputs {unknown}; it has {names}.")
        pairs = zip(names, props, strict=True)
        return [changed.get(name, item.get("value")) for name, item in pairs]

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what the page tells of the events that were asked for, until they are done."""
        route = f"{API}/queue/data?session_hash={self.session}"
        with self._client.stream("GET", route) as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    message = json.loads(line[5:])
                    yield message
                    if message["msg"] == "process_completed":
                        return

    def ask(self, event: str, data: Sequence[Any] | Mapping[str, Any]) -> dict[str, Any]:
        """Return what comes of an event in the end: "data", or "error"."""
        self.join(event, data)
        *_, last = self.messages()
        return dict(last["output"])

    def get(self, path: str) -> bytes:
        """Return a file that the page offers."""
        answer = self._client.get(f"{API}/file={path}")
        answer.raise_for_status()
        return answer.content

    def offered(self, output: dict[str, Any], suffix: str) -> bytes:
        """Return the last file with this suffix that an event's output offers."""
        paths = re.findall(r'"path": "([^"]+)"', json.dumps(output))
        return self.get([path for path in paths if Path(path).suffix == suffix][-1])
