"""Guards around libraries that fetch and read weights by themselves.

While a guard stands, ``torch.load`` reads tensors only, whatever a library asks of it, since a
pickle can run any code; a TorchScript archive, which is a program, is read only if its SHA-256 is
one of those named; and what was fetched is removed again if it could not be read, so that a file
cut short is never taken for a whole one.
"""

import contextlib
import hashlib
import pickle
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.hub

_LOCK = threading.RLock()
"""One guard at a time: each replaces functions that all threads share."""


@contextlib.contextmanager
def tensors_only(programs: Collection[str] = ()) -> Iterator[None]:
    """Let torch read nothing but tensors while the block runs.

    Args:
        programs: SHA-256 of the TorchScript archives that may be read all the same.

    Yields:
        Nothing. Inside, reading anything else raises ``pickle.UnpicklingError``.
    """
    load, load_program = torch.load, torch.jit.load

    def load_tensors(*args: Any, **options: Any) -> Any:  # noqa: ANN401 (torch's own signature)
        return load(*args, **(options | {"weights_only": True}))

    def load_known(file: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 (as above)
        if _sha256(file) not in programs:
            raise pickle.UnpicklingError("it is a TorchScript program")
        return load_program(file, *args, **options)  # type: ignore[no-untyped-call]

    with (
        _LOCK,
        _replaced(torch, "load", load_tensors),
        _replaced(torch.jit, "load", load_known),
    ):
        yield


@contextlib.contextmanager
def removed_on_failure(*modules: ModuleType) -> Iterator[None]:
    """Remove the files that torch fetched inside the block if the block fails.

    Args:
        modules: Those that imported ``download_url_to_file`` from ``torch.hub``.

    Yields:
        Nothing.
    """
    fetched = list[Path]()
    download = torch.hub.download_url_to_file

    def note(url: str, dst: str, *args: Any, **options: Any) -> None:  # noqa: ANN401 (torch's)
        fetched.append(Path(dst).expanduser())
        download(url, dst, *args, **options)

    with _LOCK, contextlib.ExitStack() as stack:
        for module in (torch.hub, *modules):
            stack.enter_context(_replaced(module, "download_url_to_file", note))
        try:
            yield
        except BaseException:  # a break by the user leaves nothing either
            for path in fetched:
                path.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _replaced(owner: object, name: str, value: Callable[..., Any]) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _sha256(file: Any) -> str:  # noqa: ANN401 (a path or an open file)
    if not hasattr(file, "read"):
        with Path(file).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    place = file.tell()
    digest = hashlib.sha256(file.read()).hexdigest()
    file.seek(place)
    return digest
