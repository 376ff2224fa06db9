"""Headers that tell a browser what the page may do, and what it may do with a visitor's files.

Gradio's page needs ``unsafe-inline`` (its settings, and our viewer, stand in the page's own
scripts; Svelte sets styles) and ``unsafe-eval`` (an event's ``js`` is compiled in the browser).
What remains is still worth having: no script, style, font, frame or request from or to any other
place, so that markup that slipped through could not send a picture away.

References:
    Content Security Policy Level 3, https://www.w3.org/TR/CSP3/
"""

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FILE_ROUTES = ("/gradio_api/file=", "/gradio_api/file/", "/gradio_api/proxy=")
"""Where visitors' files come from."""
FILE_POLICY = "sandbox; default-src 'none'"
SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""Pictures that run no script; everything else of a visitor's is downloaded, never shown."""
PERMISSIONS = (
    "camera=(self), microphone=(), geolocation=(), display-capture=(), midi=(), payment=(), "
    "serial=(), usb=(), hid=(), bluetooth=(), accelerometer=(), gyroscope=(), magnetometer=()"
)
"""Only the camera, with which a visitor may take a photograph."""


def page_policy(framed_by: Sequence[str] = ()) -> str:
    """Write the content security policy of the page.

    Args:
        framed_by: Origins of sites that may show the page in a frame.
    """
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            " ".join(("frame-ancestors 'self'", *framed_by)),
        )
    )


class SafetyHeaders:
    """ASGI middleware that adds the headers; bodies pass untouched, streams as streams."""

    def __init__(self, app: ASGIApp, *, framed_by: Sequence[str] = ()) -> None:
        """Stand before an app.

        Args:
            app: What answers.
            framed_by: Origins of sites that may show the page in a frame.
        """
        self._app = app
        self._policy = page_policy(framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_file = any(route in scope["path"] for route in FILE_ROUTES)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self._add(headers, is_file=is_file)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, *, is_file: bool) -> None:
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = PERMISSIONS
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Content-Security-Policy"] = FILE_POLICY if is_file else self._policy
        if is_file and headers.get("content-type", "").partition(";")[0] not in SHOWN_TYPES:
            _, mark, name = headers.get("content-disposition", "").partition(";")
            headers["Content-Disposition"] = f"attachment{mark}{name}"
