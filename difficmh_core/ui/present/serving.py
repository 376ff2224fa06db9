"""A talk by HTTP: one page and its pictures, all in memory, behind the page's own headers.

Gradio is not there: no telemetry, no fonts, no address but this one.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from difficmh_core.ui.present.markup import PICTURES, Talk
from difficmh_core.ui.server.headers import SafetyHeaders
from difficmh_core.ui.server.origins import OwnOriginOnly

_END_S = 3.0
"""So long may answers under way take at the end [s]."""


def app_of(talk: Talk, *, framed_by: Sequence[str] = (), public_host: str = "") -> ASGIApp:
    """Make the app that serves a talk.

    Args:
        talk: The page and its pictures.
        framed_by: Origins of sites that may show the page in a frame.
        public_host: Where a reverse proxy shows it, see :func:`.is_foreign`.
    """

    def page(_: Request) -> Response:
        return HTMLResponse(talk.page)

    def picture(request: Request) -> Response:
        png = talk.pictures.get(request.path_params["name"])
        if png is None:
            return PlainTextResponse("Not found.", status_code=404)
        # Its name is its content's: a reload asks for none.
        headers = {"Cache-Control": "private, max-age=86400, immutable"}
        return Response(png, media_type="image/png", headers=headers)

    app = Starlette(routes=[Route("/", page), Route(f"/{PICTURES}/{{name}}", picture)])
    return SafetyHeaders(OwnOriginOnly(app, public_host=public_host), framed_by=framed_by)


@contextmanager
def serving(app: ASGIApp, opened: socket.socket) -> Iterator[None]:
    """Serve an app on an open port until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serve: Callable[..., None] = server.run
    thread = threading.Thread(target=serve, kwargs={"sockets": [opened]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_END_S)
