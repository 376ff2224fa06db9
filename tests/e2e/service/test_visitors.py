"""Many visitors at once, visitors who leave, and work that fails: the others notice nothing."""

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.ui.server.limits import MAX_QUEUE
from tests.e2e.service.visitor import QueueFullError, Visitor, as_entered

N_VISITORS = 50
PATIENCE_S = 300
STEPS = DecodeSettings(steps=3, guidance_scale=2.0, sampler=SamplerName.DDIM)

pytestmark = pytest.mark.long


def photograph(seed: int) -> tuple[Image.Image, bytes]:
    """A picture that nobody else has, and its file."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 255, (5, 6, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize((96, 80), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return image, buffer.getvalue()


def patiently(ask, *arguments):
    """Ask again while the page says that too many wait, as it asks visitors to do."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            return ask(*arguments)
        except QueueFullError:
            time.sleep(0.2)
    return ask(*arguments)


def visit(page_url: str, number: int) -> tuple[bytes, bytes]:
    """Do what one visitor does on the first tab; return the file and the picture."""
    _, data = photograph(number)
    with Visitor(page_url) as visitor:
        photo = visitor.upload(data, f"visitor-{number}.png")
        patiently(visitor.ask, "receive", [photo])
        wanted = {"quality": 2 * number, "send-tags": number % 2 == 0}
        coded = patiently(visitor.ask, "encode_1", wanted)
        file = visitor.offered(coded, ".dicmh")
        decoded = patiently(visitor.ask, "decode_1", as_entered(settings(number)))
        return file, visitor.offered(decoded, ".png")


def settings(number: int) -> DecodeSettings:
    return DecodeSettings(
        steps=1 + number % 3, guidance_scale=2.0, sampler=SamplerName.DDIM, seed=number
    )


def test_fifty_visitors_at_once_get_each_their_own(page_url, codec):
    with ThreadPoolExecutor(N_VISITORS) as visitors:
        visits = list(visitors.map(lambda number: visit(page_url, number), range(N_VISITORS)))
    assert len({file for file, _ in visits}) == N_VISITORS
    for number, (file, png) in enumerate(visits):
        image, _ = photograph(number)
        tags = codec.tag(image) if number % 2 == 0 else ()
        expected = codec.encode(image, quality=2 * number, tags=tags)
        assert file == expected.data
        picture = np.asarray(Image.open(io.BytesIO(png)))
        assert np.array_equal(picture, codec.decode_image(file, settings(number)))


@pytest.fixture
def file(codec) -> bytes:
    return codec.encode(photograph(0)[0], tags=()).data


@pytest.fixture
def waiting(page_url, file) -> Iterator[list[Visitor]]:
    """Visitors who ask for a decoding, as many as the page takes."""
    visitors = list[Visitor]()
    yield visitors
    for visitor in visitors:
        list(visitor.messages())
        visitor.__exit__()


def ask_for_decoding(page_url: str, file: bytes, seed: str = "") -> Visitor:
    visitor = Visitor(page_url)
    uploaded = visitor.upload(file, "a.dicmh")
    visitor.join("decode", [uploaded, "paper", 2, 0, "ddim", seed, 0, -1, -1])
    return visitor


def test_who_comes_to_a_full_queue_is_told_so(page_url, file, gate, waiting):
    gate.close_after(1)
    refused = None
    for number in range(MAX_QUEUE + 10):
        try:
            waiting.append(ask_for_decoding(page_url, file, str(number)))
        except QueueFullError as full:
            refused = full
            break
    assert f"{MAX_QUEUE}" in str(refused)
    assert "full" in str(refused)
    n_running = len(waiting) - MAX_QUEUE
    assert 1 <= n_running <= 3
    gate.open()


def test_work_of_a_browser_that_leaves_ends_within_a_step(page_url, file, gate, until_idle):
    gate.close_after(3)
    with Visitor(page_url) as visitor:
        uploaded = visitor.upload(file, "a.dicmh")
        controls = as_entered(
            DecodeSettings(steps=100, guidance_scale=2.0, sampler=SamplerName.DDIM, seed=987)
        )
        visitor.join("decode_2", {"file": uploaded, **controls})
        for message in visitor.messages():
            if message["msg"] == "process_generating" and gate.n_steps == 3:
                break
    time.sleep(1)  # until the page notices that nobody listens
    gate.open()
    until_idle()
    assert gate.n_steps <= 4
    with Visitor(page_url) as other:
        uploaded = other.upload(file, "a.dicmh")
        assert "data" in other.ask("decode", [uploaded, "instant", 1, 0, "", "5", 0, -1, -1])


def test_the_place_of_a_browser_that_leaves_is_free_again(page_url, file, gate, waiting):
    gate.close_after(1)  # nobody else's work ends meanwhile
    for number in range(MAX_QUEUE + 10):
        try:
            waiting.append(ask_for_decoding(page_url, file, str(100 + number)))
        except QueueFullError:
            break
    leaving = waiting.pop()
    next(leaving.messages())
    leaving.__exit__()
    waiting.append(patiently(ask_for_decoding, page_url, file, "99"))
    with pytest.raises(QueueFullError):
        ask_for_decoding(page_url, file, "98")
    gate.open()


@pytest.mark.parametrize(
    "failure", [SystemExit, KeyboardInterrupt, MemoryError, RecursionError, StopIteration, OSError]
)
def test_whatever_the_model_raises_the_next_visitor_is_served(
    page_url, file, codec, monkeypatch, failure
):
    def fail(*_args, **_kwargs):
        raise failure("on the model's thread")

    def ask(seed: str) -> dict:
        with Visitor(page_url) as visitor:
            uploaded = visitor.upload(file, "a.dicmh")
            return visitor.ask("decode", [uploaded, "instant", 1, 0, "", seed, 0, -1, -1])

    with monkeypatch.context() as patched:
        patched.setattr(codec, "decode", fail)
        assert "Something went wrong on our side" in ask("71")["error"]
    assert "data" in ask("72")
