"""A page of viewers in the browser."""

import pytest

from difficmh_core.ui.viewer.markup import viewer_head


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that opens a page of viewers; no console error may come up."""
    contexts, complaints = [], []

    def note(message):
        if message.type == "error":
            complaints.append(message.text)

    def open_page(*viewers, width=1000, theme="light", **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        file = tmp_path / "page.html"
        colors = {
            "light": "background: #fff; color: #000",
            "dark": "background: #16202e; color: #fff",
        }
        file.write_text(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Viewer</title>'
            f'<meta name="viewport" content="width=device-width">{viewer_head()}</head>'
            f'<body class="{theme}" style="{colors[theme]}; margin: 4px"><main>'
            f"<h1>Viewer</h1>{''.join(viewers)}</main></body></html>",
            encoding="utf-8",
        )
        page.goto(file.as_uri())
        page.wait_for_function("document.querySelector('dicmh-viewer').frames?.length")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
