"""The page's documentation of its endpoints: complete, and each program in it runs as shown."""

import asyncio
import base64
import contextlib
import io
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

ENDPOINTS = ("/encode", "/decode", "/compare", "/info")
RESULTS = {
    "/encode": ["file", "facts"],
    "/decode": ["image", "facts"],
    "/compare": ["comparison"],
    "/info": ["facts"],
}


@pytest.fixture(scope="module")
def told(http_client):
    return http_client.get("/gradio_api/info").json()["named_endpoints"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photos, tiny_file):
    """A folder with the files that the programs name."""
    folder = tmp_path_factory.mktemp("caller")
    shutil.copy(photos["wide"], folder / "photo.jpg")
    shutil.copy(tiny_file, folder / "photo.dicmh")
    return folder


def in_process(code, folder, monkeypatch):
    monkeypatch.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(code, "program", "exec"), {})
    return output.getvalue()


def by_program(words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_word_is_explained_in_whole_sentences(told, name):
    endpoint = told[name]
    words = [endpoint["description"]]
    for part in (*endpoint["parameters"], *endpoint["returns"]):
        assert part["python_type"]["description"] == part["type"]["description"]
        words.append(part["python_type"]["description"])
    assert [word for word in words if not word.endswith(".")] == []
    assert [part["label"] for part in endpoint["returns"]] == RESULTS[name]
    names = [part["parameter_name"] for part in endpoint["parameters"]]
    assert [part["label"] for part in endpoint["parameters"]] == names


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_python_program_runs(told, folder, monkeypatch, name):
    output = in_process(told[name]["code_snippets"]["python"], folder, monkeypatch)
    assert "n_bytes" in output


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_curl_program_runs(told, folder, name):
    if not (shutil.which("bash") and shutil.which("curl")):
        pytest.skip("bash or curl is absent")
    output = by_program(["bash", "-c", told[name]["code_snippets"]["bash"]], folder)
    assert "event: complete" in output
    assert "n_bytes" in output


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_javascript_program_runs(told, folder, name):
    if not shutil.which("node"):
        pytest.skip("node is absent")
    program = folder / f"{name[1:]}.mjs"
    program.write_text(told[name]["code_snippets"]["javascript"])
    assert "n_bytes" in by_program(["node", program.name], folder)


def test_an_assistant_reads_the_same_and_can_do_as_it_reads(told, folder, page_url):
    async def use():
        async with (
            streamable_http_client(f"{page_url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            for tool in (await session.list_tools()).tools:
                endpoint = told[f"/{tool.name}"]
                given = {}
                for part in endpoint["parameters"]:
                    schema = tool.inputSchema["properties"][part["parameter_name"]]
                    assert schema["description"] == part["python_type"]["description"]
                    example = part["example_input"]
                    if isinstance(example, dict):
                        data = (folder / example["path"]).read_bytes()
                        example = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
                    given[part["parameter_name"]] = example
                assert tool.description.startswith(endpoint["description"])
                for result in endpoint["returns"]:
                    assert result["python_type"]["description"] in tool.description
                answer = await session.call_tool(tool.name, given)
                assert not answer.isError, answer.content
                assert "n_bytes" in answer.content[-1].text

    with ThreadPoolExecutor(max_workers=1) as other:
        other.submit(asyncio.run, use()).result()


def decode(told, http_client, file, **given):
    """Decode as the guide to `/decode` says; returns the facts."""
    uploaded = http_client.post("/gradio_api/upload", files={"files": file.read_bytes()}).json()
    named = {"path": uploaded[0], "meta": {"_type": "gradio.FileData"}}
    known = {part["parameter_name"] for part in told["/decode"]["parameters"]}
    assert set(given) <= known
    called = http_client.post("/gradio_api/call/v2/decode", json={"file": named, **given}).json()
    answer = http_client.get(f"/gradio_api/call/decode/{called['event_id']}").text
    assert "event: complete" in answer, answer
    return json.loads(answer.partition("data: ")[2].splitlines()[0])


def test_decoding_takes_tags_and_the_interval_of_guidance(told, http_client, folder):
    file = folder / "photo.dicmh"
    guided = {"steps": 3, "guidance_scale": 9.0, "start": 1.0}

    def png(**given):
        image, facts = decode(told, http_client, file, **guided, **given)
        return http_client.get(image["url"]).content, facts["settings"]

    as_stored, settings = png(guidance_low=0.25, guidance_high=0.75)
    assert settings["guidance_interval"] == [0.25, 0.75]
    assert png(guidance_low=0.25, guidance_high=0.75, tags=["boat"])[0] != as_stored
    assert png(guidance_low=0.25, guidance_high=0.75, tags=[])[0] != as_stored
    assert png()[0] != as_stored
