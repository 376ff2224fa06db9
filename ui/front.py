"""What every request passes before Gradio sees it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette

from ui.headers import SafetyHeaders
from ui.origins import OwnOriginOnly

__all__ = ["front_of"]


def front_of(
    *, framed_by: Sequence[str] = (), root_path: str = ""
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Return the ``lifespan`` of the app that serves the page.

    Gradio puts its own middleware, which answers other sites' pages, before any that it is given.
    When the app starts, this puts ours before all of it.

    Args:
        framed_by: Origins of sites that may show the page in a frame.
        root_path: Where a reverse proxy shows the page; a path or a URL.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        inner = app.middleware_stack
        if inner is None:
            raise RuntimeError("the app starts before its middleware is built")
        guarded = OwnOriginOnly(inner, public_host=urlsplit(root_path).netloc)
        app.middleware_stack = SafetyHeaders(guarded, framed_by=framed_by)
        yield

    return lifespan
