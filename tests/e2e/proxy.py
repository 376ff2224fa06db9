"""A reverse proxy that shows the page under a path, as nginx does with ``proxy_pass``."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

__all__ = ["running_proxy"]

_DROPPED = {"content-length", "transfer-encoding", "connection"}


@contextmanager
def running_proxy(target: str, path: str) -> Iterator[str]:
    """Show a page under a path, and yield its address there.

    Args:
        target: The page's own address.
        path: Such as ``/codec``; the proxy takes it off.
    """
    client = httpx.AsyncClient(base_url=target, timeout=60)

    async def forward(request: Request) -> Response:
        headers = [(name, value) for name, value in request.headers.raw if name != b"connection"]
        headers.append((b"x-forwarded-proto", b"http"))
        address = request.path_params["rest"] + (
            f"?{request.url.query}" if request.url.query else ""
        )
        sent = client.build_request(
            request.method, address, headers=headers, content=request.stream()
        )
        answer = await client.send(sent, stream=True)
        kept = {name: value for name, value in answer.headers.items() if name not in _DROPPED}
        return StreamingResponse(
            answer.aiter_raw(), answer.status_code, kept, background=BackgroundTask(answer.aclose)
        )

    route = Route(f"{path}/{{rest:path}}", forward, methods=["GET", "HEAD", "POST"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = Starlette(routes=[route])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    server.install_signal_handlers = lambda: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}{path}/"
    server.should_exit = server.force_exit = True
    thread.join(timeout=10)
