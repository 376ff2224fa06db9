"""Addresses of storage that fsspec knows, and what of them is told to nobody."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from difficmh_core.errors import ConfigError, DiffICMHError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://")
_CHAIN = re.compile(r"[a-z0-9]+::")
_NO_SERVER = re.compile(r"(?:^|::)(ftp|sftp|smb|ssh)://(?:[^/]*@)?(?=/|::|$)")
_SECRETS = (
    (re.compile(r"(://[^/:]*):[^/]*@"), r"\1:***@"),  # a password
    (re.compile(r"(\bhttps?://)[^/:@\s]+@"), r"\1***@"),  # a token instead of a name
    (re.compile(r"(\bhttps?://[^\s?'\"<>]*\?)[^\s'\"<>]+"), r"\1***"),  # signs what may be read
)
"""What they look like in a text, and what is written instead."""


def is_address(word: str) -> bool:
    """Tell whether a word is an address of fsspec, not a path of this machine."""
    # A file of this machine may be called "a::b.jpg".
    is_chain = _CHAIN.match(word) is not None and not os.path.lexists(word)
    return _ADDRESS.match(word) is not None or is_chain


def without_secrets(text: str) -> str:
    """Addresses, alone or in a text, as they may be shown and kept.

    >>> without_secrets("sftp://ann:secret@host/photos")
    'sftp://ann:***@host/photos'
    >>> without_secrets("https://bucket.host/a.jpg?X-Signature=secret")
    'https://bucket.host/a.jpg?***'
    """
    for secret, shown in _SECRETS:
        text = secret.sub(shown, text)
    return text


def without_query(address: str) -> str:
    """An address of the web without what follows its path; others as they are."""
    return address.partition("?")[0] if address.startswith(("http://", "https://")) else address


def path_if_here(word: str) -> str:
    """The path in an address of this machine, ``file:///photos``; other words as they are."""
    return storage_of(word)[1] if word.startswith(("file://", "local://")) else word


def storage_of(address: str) -> tuple[Any, str]:
    """The file system that an address leads to, and the path in it.

    Raises:
        ConfigError: If no installed package knows addresses of this kind, or a part is missing.
        OSError: If it cannot be reached.
    """
    import fsspec

    shown = without_secrets(address)
    if (match := _NO_SERVER.search(address)) is not None:
        raise ConfigError(
            f"{shown!r} names no server. Give one, as in {match[1]}://server/folder."
        )
    try:
        storage, path = fsspec.core.url_to_fs(address)
    except TypeError as error:  # so packages say that something is missing
        raise ConfigError(
            f"{shown!r} cannot be reached: {without_secrets(str(error))}. Give the whole address."
        ) from error
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"{shown!r} cannot be reached: {without_secrets(str(error)).rstrip('.')}. Install the "
            "package that fsspec needs for it, or give another address."
        ) from error
    return storage, path


_kept = threading.local()


@contextmanager
def kept_open(address: str) -> Iterator[Any]:
    """The file system that an address leads to, opened once for all files in a row of a thread.

    A zip file's own file system reads the list of all its files whenever it is opened. After an
    error it is opened anew: the connection may be lost.
    """
    if getattr(_kept, "address", None) != address:
        forget_open()
        _kept.storage, _ = storage_of(address)
        _kept.address = address
    try:
        yield _kept.storage
    except BaseException:
        forget_open()
        raise


def forget_open() -> None:
    """Close what this thread keeps open: it may have changed."""
    _kept.__dict__.clear()


@contextmanager
def told_as_os_errors() -> Iterator[None]:
    """Raise whatever a package says of its storage as an ``OSError`` that holds no secret.

    Raises:
        OSError: Instead of any error but our own; ``FileNotFoundError`` stays what it is.
    """
    try:
        yield
    except DiffICMHError:
        raise
    except Exception as error:  # each package has errors of its own
        text = without_secrets(str(error))
        if isinstance(error, FileNotFoundError) and text != str(error):
            raise FileNotFoundError(text) from error
        if isinstance(error, OSError) and text == str(error):
            raise
        kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
        raise OSError(f"{kind}{text}".rstrip(": ")) from error
