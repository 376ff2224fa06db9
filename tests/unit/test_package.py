"""The names that the package offers."""

import importlib

import pytest

import difficmh_core
from difficmh_core import errors


def test_every_name_is_there_and_listed():
    assert difficmh_core.__all__ == sorted(difficmh_core.__all__)
    for name in difficmh_core.__all__:
        assert getattr(difficmh_core, name).__name__ == name
        assert name in dir(difficmh_core)


def test_every_error_is_offered():
    raised = {name for name in vars(errors) if name.endswith("Error")}
    assert raised <= set(difficmh_core.__all__)


def test_modules_are_imported_as_ever():
    codec = importlib.import_module("difficmh_core.codec")
    assert difficmh_core.codec is codec
    assert difficmh_core.DiffICMHCodec is codec.DiffICMHCodec


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'load_codecs'"):
        difficmh_core.load_codecs  # noqa: B018
    with pytest.raises(ImportError, match="load_codecs"):
        from difficmh_core import load_codecs  # noqa: F401
