"""What lends GPUs on a ZeroGPU Space, as the package ``spaces`` asks it, without one behind it.

The answers are those that the package reads (``spaces/zero/api.py``): a GPU is lent, none is
free, or a visitor has used up what there is.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

__all__ = ["Answer", "Lender", "running_lender"]


class Answer(StrEnum):
    """What is said to those who ask for a GPU."""

    LENT = "lent"
    NONE_FREE = "none is free"
    OVER_QUOTA = "over quota"
    TOO_LONG = "too long"


@dataclass
class Lender:
    """The state of a lender.

    Attributes:
        url: Where it listens.
        answer: What it says next.
        asked: The queries of those who asked, first to last.
        n_released: How many gave their GPU back.
    """

    url: str
    answer: Answer = Answer.LENT
    asked: list[dict[str, str]] = field(default_factory=list)
    n_reported: int = 0
    n_released: int = 0

    @property
    def seconds(self) -> list[int]:
        """For how long GPUs were asked [s]."""
        return [int(query["durationSeconds"]) for query in self.asked]


_ANSWERS = {
    Answer.LENT: (
        200,
        {"idle": False, "nvidiaIndex": 0, "nvidiaUUID": "none", "allowToken": "token"},
    ),
    Answer.NONE_FREE: (503, {}),
    Answer.OVER_QUOTA: (429, {"left": 3, "wait": "PT1H"}),
    Answer.TOO_LONG: (429, {"left": 3, "wait": "-PT1S"}),
}


@contextmanager
def running_lender() -> Iterator[Lender]:
    """Run a lender on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            parts = urlsplit(self.path)
            status, told = 200, {}
            match parts.path:
                case "/startup-report":
                    lender.n_reported += 1
                case "/schedule":
                    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                    lender.asked.append(query)
                    status, told = _ANSWERS[lender.answer]
                case "/release":
                    lender.n_released += 1
                case "/allow":
                    pass
                case _:
                    status = 404
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    lender = Lender(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield lender
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
