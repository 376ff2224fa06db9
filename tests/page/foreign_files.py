"""Every way to name a file that is not the caller's, sent to everything that the page answers.

The page runs in this process, so that whatever it opens is seen, also what no answer shows.
"""

import itertools
import json
import re
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

__all__ = ["Attempt", "Plant", "attempt_all", "planted", "reads_of"]

MARK = {"_type": "gradio.FileData"}
API = "gradio_api"
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Plant:
    """Files that are nobody's to name, and their like that do not exist.

    Attributes:
        existing: By how they are reached: path, link, or place in the cache.
        absent: The same where nothing is.
        hits: What a server on this machine was asked for.
        address: Of that server.
    """

    existing: Mapping[str, str]
    absent: Mapping[str, str]
    address: str
    hits: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Attempt:
    """One request and its answer.

    Attributes:
        target: The event, endpoint or tool, and by which way it was asked.
        form: How the file was named.
        answers: For the file that exists, and for the one that does not; names are left out.
    """

    target: str
    form: str
    answers: tuple[str, str]


def planted(folder: Path, cache: Path) -> Iterator[Plant]:
    """Put foreign pictures outside the page's folder, and inside under no name of its own.

    Args:
        folder: Outside.
        cache: The folder that the page serves from.
    """
    secret = folder / "secret.png"
    Image.new("RGB", (64, 64), "red").save(secret)
    inside = cache / "elsewhere" / "secret.png"
    inside.parent.mkdir(parents=True, exist_ok=True)
    inside.write_bytes(secret.read_bytes())
    link = cache / ("0" * 64) / "link.png"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(secret)
    existing = {"path": str(secret), "inside": str(inside), "link": str(link)}
    absent = {name: path.replace(".png", "_not.png") for name, path in existing.items()}
    hits = list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(302 if "redirect" in self.path else 200)
            self.send_header("Location", "/secret.png")
            self.end_headers()
            self.wfile.write(secret.read_bytes())

        do_HEAD = do_GET  # noqa: N815 (as the base class has it)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield Plant(existing=existing, absent=absent, address=address, hits=hits)
    server.shutdown()
    link.unlink()
    inside.unlink()


_seen_reads = list[str]()


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | Path):
        path = str(arguments[0])
        if path.endswith(("secret.png", "link.png")):
            _seen_reads.append(path)


_is_auditing = False


def reads_of(act: Callable[[], Any]) -> list[str]:
    """Return which planted files were opened in this process meanwhile."""
    global _is_auditing
    if not _is_auditing:
        sys.addaudithook(_audit)
        _is_auditing = True
    _seen_reads.clear()
    act()
    return list(_seen_reads)


def forms(plant: Plant, files: Mapping[str, str], page_url: str) -> dict[str, Any]:
    """Return every form in which a file can be named, each as JSON has it."""
    path = files["path"]
    name = Path(path).name
    dotted = f"{Path(files['inside']).parent}/../../../../../../../../..{path}"
    named: dict[str, Any] = {
        "marked": {"path": path, "meta": MARK},
        "unmarked": {"path": path},
        "text": path,
        "nested": {"image": {"path": path}, "path": None},
        "nested under path": {"path": {"path": path}},
        "listed": [{"path": path}],
        "marked list": [{"path": path, "meta": MARK}],
        "dots": {"path": dotted, "meta": MARK},
        "dots unmarked": {"path": dotted},
        "file scheme": {"path": f"file://{path}"},
        "file scheme as text": f"file://{path}",
        "link": {"path": files["link"], "meta": MARK},
        "link unmarked": {"path": files["link"]},
        "in the cache, not handed out": {"path": files["inside"], "meta": MARK},
        "in the cache, unmarked": {"path": files["inside"]},
        "own address": {"path": f"{page_url}{API}/file={path}", "meta": MARK},
        "own address as url": {"path": None, "url": f"{page_url}{API}/file={path}", "meta": MARK},
        "address": {"path": f"{plant.address}/{name}", "meta": MARK},
        "address as url": {"url": f"{plant.address}/{name}", "path": "", "meta": MARK},
        "address as text": f"{plant.address}/{name}",
        "redirect": {"path": f"{plant.address}/redirect/{name}", "meta": MARK},
        "stream": {"path": path, "meta": MARK, "is_stream": True},
    }
    return named


def attempt_all(page_url: str, plant: Plant, n_forms: int | None = None) -> list[Attempt]:
    """Send forms to every input of every event, endpoint and tool, and read by every route.

    Args:
        page_url: Ends with a slash.
        plant: The files.
        n_forms: How many each input gets, in turn, so that each form has its turn; or all of them.
    """
    limits = httpx.Limits(max_connections=16)
    with httpx.Client(base_url=page_url, timeout=TIMEOUT_S, limits=limits) as client:
        config = client.get("config").json()
        asks = [*_events(client, config), *_calls(client, config), *_tools(client)]
        known, unknown = (
            forms(plant, files, page_url) for files in (plant.existing, plant.absent)
        )

        def attempt(ask: "_Ask", form: str) -> Attempt:
            answers = (ask.send(known[form]), ask.send(unknown[form]))
            return Attempt(ask.target, form, _alike(answers, plant))

        with ThreadPoolExecutor(8) as threads:
            turns = itertools.cycle(known)
            jobs = [
                threads.submit(attempt, ask, form)
                for ask in asks
                for form in itertools.islice(turns, n_forms or len(known))
            ]
            made = [job.result() for job in jobs]
        return made + [
            Attempt(
                f"GET {route}",
                reached,
                _alike(
                    tuple(
                        _read(client, route.format(path=files[reached]))
                        for files in (plant.existing, plant.absent)
                    ),
                    plant,
                ),
            )
            for route in ROUTES
            for reached in plant.existing
        ]


ROUTES = (
    *("gradio_api/file={path}", "gradio_api/file/{path}", "file={path}", "file/{path}"),
    *("gradio_api/file=file://{path}", "gradio_api/proxy={path}", "static/..{path}"),
    *("assets/..%2f..%2f..%2f..%2f..%2f..%2f..{path}", "svelte/..{path}"),
    "gradio_api/custom_component/x/server/component/{path}",
    "gradio_api/stream/x/1/1/playlist-file?path={path}",
)


@dataclass(frozen=True)
class _Ask:
    target: str
    send: Callable[[Any], str]


def _events(client: httpx.Client, config: Mapping[str, Any]) -> Iterator[_Ask]:
    """Yield every input of every event that the page's own config has, private ones too."""
    values = {part["id"]: part.get("props", {}).get("value") for part in config["components"]}
    for event in config["dependencies"]:
        usual = [values.get(place) for place in event["inputs"]]
        if not event["backend_fn"]:
            continue
        for index in range(max(1, len(usual))):
            name = event["api_name"] or "event"
            yield _Ask(
                f"{name} ({event['id']}), input {index}",
                _sender(client, event, usual, index),
            )


def _sender(
    client: httpx.Client, event: Mapping[str, Any], usual: Sequence[Any], index: int
) -> Callable[[Any], str]:
    def send(named: Any) -> str:
        data = [*usual] or [None]
        data[index] = named
        session = uuid.uuid4().hex
        body = {"data": data, "fn_index": event["id"], "session_hash": session}
        if event["queue"] is False:
            return _text(client.post(f"{API}/run/predict", json=body))
        joined = client.post(f"{API}/queue/join", json=body)
        if joined.status_code != 200:
            return _text(joined)
        return _follow(client, f"{API}/queue/data?session_hash={session}")

    return send


def _calls(client: httpx.Client, config: Mapping[str, Any]) -> Iterator[_Ask]:
    """Yield the first input of each named endpoint, by each way in which programs may ask."""
    info = client.get(f"{API}/info").json()["named_endpoints"]
    for name, endpoint in info.items():
        parameters = [part["parameter_name"] for part in endpoint["parameters"]]
        usual = [part.get("parameter_default") for part in endpoint["parameters"]]

        def call(named: Any, name: str = name, usual: Sequence[Any] = usual) -> str:
            data = [named, *usual[1:]]
            return _started(client, f"{API}/call{name}", {"data": data})

        def call_by_name(named: Any, name: str = name, first: str = parameters[0]) -> str:
            return _started(client, f"{API}/call/v2{name}", {first: named})

        def run(named: Any, name: str = name, usual: Sequence[Any] = usual) -> str:
            return _text(client.post(f"{API}/run{name}", json={"data": [named, *usual[1:]]}))

        yield _Ask(f"POST call{name}", call)
        yield _Ask(f"POST call/v2{name}", call_by_name)
        yield _Ask(f"POST run{name}", run)


def _started(client: httpx.Client, route: str, body: Mapping[str, Any]) -> str:
    answer = client.post(route, json=body)
    if answer.status_code != 200:
        return _text(answer)
    where = route.replace("/v2", "")
    return _follow(client, f"{where}/{answer.json()['event_id']}")


def _tools(client: httpx.Client) -> Iterator[_Ask]:
    """Yield each argument of each tool that an assistant is offered."""
    listed = _rpc(client, "tools/list", {})
    for tool in json.loads(listed)["result"]["tools"]:
        for argument in tool["inputSchema"]["properties"]:
            usual = next(iter(tool["inputSchema"]["properties"]))

            def call(
                named: Any, name: str = tool["name"], argument: str = argument, usual: str = usual
            ) -> str:
                arguments = {usual: "data:image/png;base64,AAAA", argument: named}
                return _rpc(client, "tools/call", {"name": name, "arguments": arguments})

            yield _Ask(f"tool {tool['name']}, {argument}", call)


def _rpc(client: httpx.Client, method: str, params: Mapping[str, Any]) -> str:
    answer = client.post(
        f"{API}/mcp/",
        json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        headers={"accept": "application/json, text/event-stream"},
    )
    lines = [line[5:] for line in answer.text.splitlines() if line.startswith("data:")]
    return lines[-1] if lines else _text(answer)


def _follow(client: httpx.Client, route: str) -> str:
    """Return the last thing that is told of an event."""
    last = ""
    with client.stream("GET", route) as answer:
        for line in answer.iter_lines():
            if line:
                last = line
            if '"process_completed"' in last or "close_stream" in last:
                return last
    return last


def _read(client: httpx.Client, route: str) -> str:
    """Read by a route as it stands: a client for people would tidy up its dots first."""
    connection = HTTPConnection(client.base_url.host, client.base_url.port, timeout=TIMEOUT_S)
    connection.request("GET", f"/{route}")
    answer = connection.getresponse()
    text = f"{answer.status} {answer.read().decode(errors='replace')}"
    connection.close()
    return text


def _text(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text}"


def _alike(answers: Sequence[str], plant: Plant) -> tuple[str, str]:
    """Return the answers without what differs by chance: names, times and numbers of incidents."""
    texts = []
    for answer in answers:
        text = answer.replace("_not.png", ".png")
        text = re.sub(r"\d+\.\d+(e-\d+)?", "#", text)
        texts.append(re.sub(r"[0-9a-f]{8,}", "#", text)[:2000])
    return texts[0], texts[1]
