"""The real program with nano, called by programs: a Gradio client, and an assistant by MCP."""

import asyncio
import base64
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from tests.e2e.program import ROOT

PHOTO = ROOT / "examples" / "astronaut.png"

pytestmark = pytest.mark.long


def test_a_client_calls_each_endpoint(app_url):
    client = Client(app_url, verbose=False)
    file, facts = client.predict(handle_file(str(PHOTO)), quality=40, api_name="/encode")
    assert facts["n_bytes"] == Path(file).stat().st_size
    told = client.predict(handle_file(file), api_name="/info")
    assert told["checksum"] == facts["checksum"]
    picture, how = client.predict(handle_file(file), preset="instant", api_name="/decode")
    assert Image.open(picture).size == (512, 512)
    assert how["settings"]["steps"] == 1
    compared = client.predict(
        handle_file(str(PHOTO)), target_bytes=2500, codecs=["ours", "jpeg"], api_name="/compare"
    )
    assert {"psnr_db", "ms_ssim", "lpips_alex", "dists", "box_f1"} <= set(
        compared["rows"][0]["values"]
    )
    client.close()


def test_an_assistant_finds_the_endpoints_as_tools(app_url):
    async def use() -> None:
        async with (
            streamable_http_client(f"{app_url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            assert [tool.name for tool in tools] == ["encode", "decode", "compare", "info"]
            assert all(tool.description for tool in tools)
            assert {"photo", "quality", "target_bytes"} <= set(tools[0].inputSchema["properties"])
            photo = data_url(PHOTO.read_bytes(), "image/png")
            answer = await session.call_tool("encode", {"photo": photo, "quality": 40})
            assert not answer.isError, answer.content
            made = Path(re.search(r"'path': '([^']+[.]dicmh)'", answer.content[0].text)[1])
            file = data_url(made.read_bytes(), "application/octet-stream")
            told = await session.call_tool("info", {"file": file})
            assert f"'n_bytes': {made.stat().st_size}" in told.content[0].text
            decoded = await session.call_tool("decode", {"file": file, "preset": "instant"})
            assert not decoded.isError, decoded.content
            damaged = data_url(made.read_bytes()[:-3], "application/octet-stream")
            refused = await session.call_tool("info", {"file": damaged})
            assert refused.isError
            assert "header announces" in refused.content[0].text

    # Not in this thread, where a browser test may have left a running loop.
    with ThreadPoolExecutor(max_workers=1) as other:
        other.submit(asyncio.run, use()).result()


def data_url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
