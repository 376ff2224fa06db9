"""What every request passes before Gradio sees it, and what happens while the page is served."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette

from difficmh_core.ui.runtime.served_files import ServedFiles
from difficmh_core.ui.server.fetching import Fetcher
from difficmh_core.ui.server.gate import Gate
from difficmh_core.ui.server.headers import SafetyHeaders
from difficmh_core.ui.server.limits import MAX_UPLOAD_MB
from difficmh_core.ui.server.origins import OwnOriginOnly

_FORM_BYTES = 64 << 10
"""Around the file in an upload."""


def front_of(
    files: ServedFiles,
    *,
    max_upload_mb: int = MAX_UPLOAD_MB,
    has_accounts: bool = False,
    fetches: bool = False,
    framed_by: Sequence[str] = (),
    root_path: str = "",
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Make the ``lifespan`` of the app that serves the page.

    Gradio puts its own middleware, which answers other sites' pages, before any that it is given.
    When the app starts, this puts ours before all of it.

    Args:
        files: What the page keeps for visitors; old ones are deleted while it is served.
        max_upload_mb: Largest file that the page takes [MB of 2**20 bytes].
        has_accounts: Whether only visitors with a password are let in.
        fetches: Whether callers may name files by their addresses on the internet.
        framed_by: Origins of sites that may show the page in a frame.
        root_path: Where a reverse proxy shows the page; a path or a URL.
    """
    max_bytes = max_upload_mb << 20

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        inner = app.middleware_stack
        if inner is None:
            raise RuntimeError("the app starts before its middleware is built")
        gate = Gate(
            inner,
            files=files,
            max_upload_bytes=max_bytes + _FORM_BYTES,
            has_accounts=has_accounts,
            fetcher=Fetcher(files, max_bytes=max_bytes) if fetches else None,
        )
        guarded = OwnOriginOnly(gate, public_host=urlsplit(root_path).netloc)
        app.middleware_stack = SafetyHeaders(guarded, framed_by=framed_by)
        sweeping = asyncio.create_task(_sweep(files))
        try:
            yield
        finally:
            sweeping.cancel()

    return lifespan


async def _sweep(files: ServedFiles) -> None:
    while True:
        await asyncio.sleep(files.keep_s / 9)
        await asyncio.to_thread(files.sweep)
