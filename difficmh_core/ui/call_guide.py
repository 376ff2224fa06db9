"""What callers of the endpoints are told: names, a sentence for each, and programs that run.

Gradio makes its documentation of an endpoint from the types alone: it calls results "1st", leaves
every description empty, and offers programs that fail. Here the docstring fills in what is
missing, and the programs upload a file and print the answer, as they stand.
"""

import json
import shlex
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import gradio as gr
from gradio import routes
from gradio.utils import get_function_description

from difficmh_core.ui import texts

Told = dict[str, Any]
"""What Gradio tells about an endpoint, or about one of its parameters, as JSON."""
_FILE_MARK = {"_type": "gradio.FileData"}
_LEFT_OPEN = (None, 0, -1, "")
"""Defaults that a program does not write down."""
_ALWAYS_SHOWN = "codecs"
"""A parameter whose example is written down all the same: a comparison with all takes long."""


def tell_callers(demo: gr.Blocks) -> None:
    """Complete what Gradio tells about the endpoints of a page; in this process, its programs."""
    tell: Callable[..., Any] = demo.get_api_info
    functions = {f"/{each.api_name}": each.fn for each in demo.fns.values() if each.fn}

    @wraps(tell)
    def tell_all(*args: Any, **kwargs: Any) -> Told:  # noqa: ANN401 (as Gradio's)
        told: Told = tell(*args, **kwargs)
        for name, endpoint in told["named_endpoints"].items():
            _complete(endpoint, functions[name])
        return told

    demo.get_api_info = tell_all  # type: ignore[method-assign, assignment]
    routes.generate_code_snippets = programs_of  # type: ignore[attr-defined]


def programs_of(
    api_name: str,
    endpoint_info: Told,
    root: str,
    space_id: str | None = None,
    api_prefix: str = "/",
) -> dict[str, str]:
    """Write programs that call an endpoint, by their languages; the arguments are Gradio's."""
    inputs = {
        parameter["parameter_name"]: parameter["example_input"]
        for parameter in endpoint_info["parameters"]
        if not parameter["parameter_has_default"]
        or parameter["parameter_default"] not in _LEFT_OPEN
        or parameter["parameter_name"] == _ALWAYS_SHOWN
    }
    address = f"{root.rstrip('/')}{api_prefix.rstrip('/')}"
    return {
        "python": _in_python(api_name, inputs, space_id or root),
        "javascript": _in_javascript(api_name, inputs, address),
        "bash": _in_bash(api_name, inputs, address),
    }


def _complete(endpoint: Told, function: Callable[..., Any]) -> None:
    """Write the names and sentences of the docstring into what Gradio tells."""
    _, arguments, results = get_function_description(function)
    for parameter in endpoint["parameters"]:
        name = parameter["parameter_name"]
        _describe(parameter, name, arguments[name])
        if parameter["python_type"]["type"] == "filepath":
            parameter["example_input"] = {"path": texts.EXAMPLE_FILES[name], "meta": _FILE_MARK}
        elif name in texts.EXAMPLE_WORDS:
            parameter["example_input"] = texts.EXAMPLE_WORDS[name]
    for result, line in zip(endpoint["returns"], results, strict=True):
        name, _, words = line.partition(": ")
        _describe(result, name, words)


def _describe(told: Told, name: str, words: str) -> None:
    told["label"] = name
    told["type"] = {**told["type"], "description": words}
    told["python_type"]["description"] = words


def _file_in(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """The parameter that takes a file, and the name of the file in the program."""
    return next((name, held["path"]) for name, held in inputs.items() if isinstance(held, dict))


def _in_python(api_name: str, inputs: Mapping[str, Any], root: str) -> str:
    written = {
        name: f"handle_file({_quoted(held['path'])})" if isinstance(held, dict) else _quoted(held)
        for name, held in inputs.items()
    }
    arguments = "".join(f"    {name}={value},\n" for name, value in written.items())
    return (
        "from gradio_client import Client, handle_file\n\n"
        f"client = Client({_quoted(root)})\n"
        f"result = client.predict(\n{arguments}    api_name={_quoted(api_name)},\n)\n"
        "print(result)"
    )


def _quoted(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _in_bash(api_name: str, inputs: Mapping[str, Any], address: str) -> str:
    parameter, file = _file_in(inputs)
    body = json.dumps({**inputs, parameter: {"path": "$FILE", "meta": _FILE_MARK}})
    escaped = body.replace('"', '\\"')
    return (
        f"PAGE={shlex.quote(address)}\n"
        f'FILE=$(curl -s -F files=@{file} "$PAGE/upload" | cut -d\'"\' -f2)\n'
        'CALL=$(curl -s -H "Content-Type: application/json" \\\n'
        f'  -d "{escaped}" \\\n'
        f'  "$PAGE/call/v2{api_name}" | cut -d\'"\' -f4)\n'
        f'curl -s -N "$PAGE/call{api_name}/$CALL"'
    )


def _in_javascript(api_name: str, inputs: Mapping[str, Any], address: str) -> str:
    parameter, file = _file_in(inputs)
    others = {name: held for name, held in inputs.items() if name != parameter}
    arguments = "".join(f", {name}: {json.dumps(held)}" for name, held in others.items())
    return (
        'import { readFile } from "node:fs/promises"; // in a browser: the file of an input\n\n'
        f"const page = {json.dumps(address)};\n"
        "const form = new FormData();\n"
        f'form.append("files", new Blob([await readFile("{file}")]), "{file}");\n'
        'const uploaded = await fetch(`${page}/upload`, { method: "POST", body: form });\n'
        "const [path] = await uploaded.json();\n"
        f"const file = {{ path, meta: {json.dumps(_FILE_MARK)} }};\n"
        f"const called = await fetch(`${{page}}/call/v2{api_name}`, {{\n"
        '  method: "POST",\n'
        '  headers: { "Content-Type": "application/json" },\n'
        f"  body: JSON.stringify({{ {parameter}: file{arguments} }}),\n"
        "});\n"
        "const { event_id } = await called.json();\n"
        f"const answer = await fetch(`${{page}}/call{api_name}/${{event_id}}`);\n"
        "const [, data] = (await answer.text()).match(/event: complete\\ndata: (.*)/);\n"
        "console.log(JSON.stringify(JSON.parse(data), null, 2));"
    )
