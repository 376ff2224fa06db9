"""The body of a request: how long it says it is, read once, put back for the next reader."""

from starlette.types import Message, Receive, Scope

from difficmh_core.ui.runtime import texts

MAX_DISCARDED_BYTES = 128 << 20
"""Of a refused body, so that whoever is still sending it comes to read the answer."""


class Refusal(Exception):  # noqa: N818 (an answer, not an error)
    """What a caller is told instead of an answer.

    Attributes:
        status: HTTP's.
        sentence: What happened, and what to do.
    """

    def __init__(self, *, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Body:
    """The body of one request, as ASGI hands it out."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._is_read = False

    def length(self, most: int) -> int:
        """Read the announced length [bytes], which the server's own parser holds it to.

        Args:
            most: Longest that is taken [bytes].

        Raises:
            Refusal: If it is longer, or announces none.
        """
        n_bytes = self._announced()
        if n_bytes is None:
            raise Refusal(status=411, sentence=texts.NO_LENGTH)
        if n_bytes > most:
            sentence = texts.TOO_LONG.format(found=n_bytes / 1e6, most=most / 1e6)
            raise Refusal(status=413, sentence=sentence)
        return n_bytes

    async def read(self, most: int) -> bytes:
        """Read all of it; raises as :meth:`length`."""
        self.length(most)
        self._is_read = True
        parts = list[bytes]()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Refusal(status=400, sentence=texts.NOT_JSON)
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)

    def put_back(self, body: bytes) -> Receive:
        """Make what gives the server another body, and then what the connection tells."""
        kept = [item for item in self._scope["headers"] if item[0] != b"content-length"]
        self._scope["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return waiting.pop() if waiting else await self._receive()

        return receive

    async def discard(self) -> None:
        """Read what was not read, unless it is very long."""
        if self._is_read or (self._announced() or MAX_DISCARDED_BYTES) >= MAX_DISCARDED_BYTES:
            return
        self._is_read = True
        while (message := await self._receive())["type"] != "http.disconnect":
            if not message.get("more_body", False):
                return

    def _announced(self) -> int | None:
        headers = self._scope["headers"]
        lengths = [value for name, value in headers if name == b"content-length"]
        is_in_parts = any(name == b"transfer-encoding" for name, _ in headers)
        if is_in_parts or len(lengths) != 1 or not lengths[0].isdigit():
            return None
        return int(lengths[0])
