"""What of Gradio's server the internet may reach, and the check of all that it is told.

Gradio serves more than this page uses: a proxy for addresses on the internet, a recorder, a
debugger's view. Here only what the page, its clients and assistants need is passed on; whatever
Gradio adds one day stays closed until it is listed. Each message is read once, every file that it
names goes through :meth:`ServedFiles.path_of`, and what is passed on is what was checked, written
anew, so that no second reader can understand it otherwise.
"""

import asyncio
import json
import math
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import PurePath
from typing import Any, NoReturn

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from difficmh_core.errors import DiffICMHError
from difficmh_core.ui.runtime import texts
from difficmh_core.ui.runtime.served_files import ForeignFileError, FullError, ServedFiles
from difficmh_core.ui.server.fetching import Fetcher, is_address
from difficmh_core.ui.server.request_body import Body, Refusal

_READ = re.compile(
    r"""
    / | /config/? | /theme\.css | /favicon\.ico | /robots\.txt | /manifest\.json
    | /(static|assets|svelte)/.+ | /logout/?
    | /gradio_api/( info/? | openapi\.json | app_id/? | (login_check|user)/? | startup-events
      | theme\.css
      | heartbeat/[^/]+ | queue/(data|status) | call/[^/]+/[^/]+ | upload_progress )
    """,
    re.VERBOSE,
)
"""What may be read."""
_FILE = re.compile(r"/gradio_api/file=(.+)", re.DOTALL)
"""A file that is shown, or offered. Gradio would fetch addresses here, too."""
_UPLOAD, _LOGIN = re.compile(r"/gradio_api/upload/?"), re.compile(r"/login/?")
_TOLD = re.compile(
    r"/gradio_api/( queue/join | call/(v2/)?[^/]+ | (run|api)/[^/]+ | cancel | reset )/?",
    re.VERBOSE,
)
"""What may be told, in JSON."""
_TOOLS = re.compile(r"/gradio_api/mcp(/(http/?|schema/?)?)?")
"""Where assistants ask, and call tools; not the older transport, whose answers come elsewhere."""
_MARK = {"_type": "gradio.FileData"}
_MAX_FILES = 16
"""Named in one message."""
_MAX_LOGIN_BYTES = 64 << 10
_MAX_TOLD_BYTES = 1 << 20
"""Settings and names of files; a session's own state never leaves the server."""
_MAX_TOOL_BYTES = 4 << 20
"""An assistant sends its picture within the message, a third longer. The package ``mcp`` takes no
longer ones."""
_INVALID_PARAMS = -32602
"""JSON-RPC 2.0, section 5.1."""


class Gate:
    """An ASGI middleware around Gradio's server."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        files: ServedFiles,
        max_upload_bytes: int,
        has_accounts: bool = False,
        fetcher: Fetcher | None = None,
    ) -> None:
        """Stand before a server.

        Args:
            app: The server.
            files: Knows which files a caller may name.
            max_upload_bytes: Largest upload, the frame of its form included [bytes].
            has_accounts: Whether only visitors with a password are let in; assistants have none.
            fetcher: Gets what lies under an address that a caller names; ``None`` refuses such.
        """
        self._app = app
        self._files = files
        self._max_upload_bytes = max_upload_bytes
        self._has_accounts = has_accounts
        self._fetcher = fetcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # Gradio needs no web sockets
            return
        body = Body(scope, receive)
        with ExitStack() as kept:  # until the server has answered
            try:
                admitted = await self._admit(scope, body, receive, kept)
            except Refusal as refusal:
                await body.discard()
                answer = _answer(refusal.status, {"detail": refusal.sentence})
                await answer(scope, receive, send)
            except _ToolRefusal as refusal:
                error = {"code": _INVALID_PARAMS, "message": refusal.sentence}
                answer = _answer(200, {"jsonrpc": "2.0", "id": refusal.call_id, "error": error})
                await answer(scope, receive, send)
            else:
                await self._app(scope, admitted, send)

    async def _admit(self, scope: Scope, body: Body, receive: Receive, kept: ExitStack) -> Receive:
        """Check a request, and pass on what the server shall receive."""
        path, method = _route(scope), scope["method"]
        is_tool = not self._has_accounts and _TOOLS.fullmatch(path) is not None
        if method == "OPTIONS" or (method in ("GET", "HEAD") and _READ.fullmatch(path)):
            return receive
        if method == "POST" and _LOGIN.fullmatch(path):
            body.length(_MAX_LOGIN_BYTES)
            return receive
        if self._has_accounts and not await self._is_let_in(scope):
            raise Refusal(status=401, sentence=texts.NOT_LET_IN)
        if method in ("GET", "HEAD") and (file := _FILE.fullmatch(path)):
            await self._check_shown(file[1])
            return receive
        if method in ("GET", "HEAD", "DELETE") and is_tool:
            return receive
        if method == "POST" and _UPLOAD.fullmatch(path):
            await self._keep_room(body.length(self._max_upload_bytes), kept)
            return receive
        if method == "POST" and (is_tool or _TOLD.fullmatch(path)):
            told = await body.read(_MAX_TOOL_BYTES if is_tool else _MAX_TOLD_BYTES)
            return body.put_back(await self._checked(told, is_tool=is_tool))
        raise Refusal(status=404, sentence=texts.NOT_SERVED)

    async def _is_let_in(self, scope: Scope) -> bool:
        """Ask the server itself about a visitor's password, before more is done."""
        statuses = list[int]()

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        root = str(scope.get("root_path", "")).rstrip("/")
        path = f"{root}/gradio_api/login_check"
        asked = {**scope, "method": "GET", "path": path, "raw_path": path.encode()}
        await self._app(asked, receive, send)
        return statuses == [200]

    async def _check_shown(self, name: str) -> None:
        try:
            await asyncio.to_thread(self._files.check_shown, name)
        except ForeignFileError as error:
            raise Refusal(status=403, sentence=str(error)) from error

    async def _keep_room(self, n_bytes: int, kept: ExitStack) -> None:
        try:
            await asyncio.to_thread(kept.enter_context, self._files.room_for(n_bytes))
        except FullError as error:
            raise Refusal(status=503, sentence=str(error)) from error

    async def _checked(self, body: bytes, *, is_tool: bool) -> bytes:
        """Check that a message's files are all the caller's to name, and write it anew."""
        if not body:
            return body
        message = await asyncio.to_thread(_parse, body)
        try:
            for holder, key in await asyncio.to_thread(_places, message, is_tool=is_tool):
                await self._check_file(holder, key)
        except DiffICMHError as error:
            if is_tool:
                call_id = message.get("id") if isinstance(message, Mapping) else None
                raise _ToolRefusal(str(error), call_id) from error
            is_foreign = isinstance(error, ForeignFileError)
            raise Refusal(status=403 if is_foreign else 422, sentence=str(error)) from error
        return await asyncio.to_thread(_written, message)

    async def _check_file(self, holder: dict[str, Any], key: str) -> None:
        """Replace what names a file by the file's path, which is all that goes on."""
        named = holder[key]
        try:
            path = str(await asyncio.to_thread(self._files.path_of, named))
        except ForeignFileError:
            if self._fetcher is None or not is_address(named):
                raise
            path = await self._fetcher.fetch(named)
        if key == "path":
            holder.update(path=path, url=None, meta=_MARK)
        else:
            holder[key] = {"path": path, "orig_name": PurePath(path).name, "meta": _MARK}


class _ToolRefusal(Exception):  # noqa: N818 (an answer, not an error)
    """What an assistant is told instead of a tool's answer."""

    def __init__(self, sentence: str, call_id: object) -> None:
        super().__init__(sentence)
        self.sentence, self.call_id = sentence, call_id


def _places(message: object, *, is_tool: bool) -> list[tuple[dict[str, Any], str]]:
    """Find where a message names files: the record that does, and its entry.

    In JSON these are records with a "path". A tool's argument may be an address itself.
    """
    places = list[tuple[dict[str, Any], str]]()
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if part.get("path") is not None:
                places.append((part, "path"))
            if is_tool and isinstance(arguments := part.get("arguments"), dict):
                places += [(arguments, name) for name in arguments if is_address(arguments[name])]
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    if len(places) > _MAX_FILES:
        raise Refusal(status=422, sentence=texts.TOO_MANY_FILES.format(most=_MAX_FILES))
    return places


def _parse(body: bytes) -> Any:  # noqa: ANN401 (what JSON holds)
    """Read what a message holds; numbers that JSON has no words for are refused."""
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise Refusal(status=400, sentence=texts.NOT_JSON) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        _refuse_constant(text)
    return value


def _written(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _route(scope: Scope) -> str:
    """Write the path as the server's routes have it."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def _answer(status: int, content: Mapping[str, object]) -> Response:
    # What was not read of the body shall not be read as a request.
    headers = {"connection": "close"}
    return Response(_written(content), status, headers, media_type="application/json")
