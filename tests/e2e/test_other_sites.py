"""Pages of other sites, in a real browser: they read, send, show and frame nothing of ours."""

import functools
import http.server
import threading

import pytest


@pytest.fixture
def other_site(tmp_path):
    """A site on another port of this machine, which other tests' pages do not know."""
    quiet = type(
        "Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None}
    )
    handler = functools.partial(quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        tmp_path.joinpath("index.html").write_text("<!doctype html><title>Other</title>")
        yield f"http://localhost:{server.server_port}/", tmp_path
        server.shutdown()
        thread.join()


@pytest.fixture
def blank_page(window):
    """A page of the browser whose console may hold what the tests provoke."""
    page = window.new_page()
    yield page
    page.close()


def test_a_page_of_another_site_gets_nothing(blank_page, other_site, served_files, page_url):
    address, _ = other_site
    before = served_files()
    blank_page.goto(address)
    outcomes = blank_page.evaluate(
        """async (url) => {
          const form = new FormData();
          form.append("files", new Blob(["foreign"]), "foreign.png");
          const tries = {
            read: () => fetch(url + "config", {credentials: "include"}).then(a => a.text()),
            send: () => fetch(url + "gradio_api/upload",
              {method: "POST", body: form, mode: "no-cors"}).then(a => a.type),
            image: () => new Promise((resolve, reject) => {
              const image = new Image();
              image.onload = () => resolve("shown");
              image.onerror = () => reject("not shown");
              image.src = url + "static/img/logo.svg";
            }),
          };
          const outcomes = {};
          for (const [name, attempt] of Object.entries(tries))
            outcomes[name] = await attempt().catch(() => "refused");
          return outcomes;
        }""",
        page_url,
    )
    assert outcomes == {"read": "refused", "send": "refused", "image": "refused"}
    assert served_files() == before


def test_a_page_of_another_site_cannot_frame_this_one(blank_page, other_site, page_url):
    address, folder = other_site
    folder.joinpath("index.html").write_text(f"<!doctype html><iframe src='{page_url}'></iframe>")
    with blank_page.expect_event("framenavigated", lambda frame: frame.parent_frame) as inner:
        blank_page.goto(address)
    assert inner.value.url.startswith("chrome-error:")


def test_the_page_reaches_no_other_site(blank_page, page_url):
    blank_page.goto(page_url)
    blocked = blank_page.evaluate(
        """async () => {
          const blocked = [];
          document.addEventListener("securitypolicyviolation",
            event => blocked.push(event.effectiveDirective));
          for (const tag of ["script", "img", "iframe"])
            document.body.append(
              Object.assign(document.createElement(tag), {src: "https://evil.example/"}));
          await fetch("https://evil.example/").catch(() => null);
          await new Promise(done => setTimeout(done, 500));
          return blocked.sort();
        }"""
    )
    assert blocked == ["connect-src", "frame-src", "img-src", "script-src-elem"]
