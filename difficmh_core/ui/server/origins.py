"""Only the page's own scripts, and programs, may ask: pages of other sites are refused.

Gradio lets any site read its answers with a visitor's cookies unless it runs on localhost, and
never keeps a site from sending. A browser tells where a request comes from: in ``Sec-Fetch-Site``
on secure origins, in ``Origin`` always when it sends something. Programs tell neither. Links to
the page, and frames, are navigations and pass.

References:
    Resource isolation policy, https://web.dev/articles/fetch-metadata
    Fetch Metadata Request Headers, https://www.w3.org/TR/fetch-metadata/
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from difficmh_core.ui.runtime import texts

_OURS = {"same-origin", "none"}
_DEFAULT_PORTS = (":80", ":443")


def is_foreign(method: str, headers: Headers, *, public_host: str = "") -> bool:
    """Tell whether a request comes from a page of another site.

    Args:
        method: Such as ``POST``.
        headers: Of the request.
        public_host: Where a reverse proxy shows the page, if it is known; host, or host and port.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        is_link = headers.get("sec-fetch-mode") == "navigate" and method in ("GET", "HEAD")
        is_embedded = headers.get("sec-fetch-dest") in ("object", "embed")
        return site not in _OURS and (is_embedded or not is_link)
    origin = headers.get("origin")
    if origin is None:
        return False
    forwarded = headers.get("x-forwarded-host", "").partition(",")[0].strip()
    hosts = {_plain(host) for host in (headers.get("host", ""), forwarded, public_host) if host}
    return _plain(urlsplit(origin).netloc) not in hosts


class OwnOriginOnly:
    """ASGI middleware that refuses other sites' pages, and lets none read an answer."""

    def __init__(self, app: ASGIApp, *, public_host: str = "") -> None:
        """Stand before an app.

        Args:
            app: What answers.
            public_host: See :func:`is_foreign`.
        """
        self._app = app
        self._public_host = public_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with status 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if is_foreign(scope["method"], Headers(scope=scope), public_host=self._public_host):
            refusal = PlainTextResponse(texts.FOREIGN_REQUEST, status_code=403)
            await refusal(scope, receive, send)
            return

        async def send_to_ours(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
            await send(message)

        await self._app(scope, receive, send_to_ours)


def _plain(host: str) -> str:
    """Write a host without a port that goes without saying."""
    host = host.lower()
    for port in _DEFAULT_PORTS:
        host = host.removesuffix(port)
    return host
