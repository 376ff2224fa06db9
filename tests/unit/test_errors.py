"""Callers may catch our errors by our names or by Python's."""

import inspect

import pytest

from difficmh_core import errors

CLASSES = [value for _, value in inspect.getmembers(errors, inspect.isclass)]


def test_every_error_is_ours():
    assert all(issubclass(cls, errors.DiffICMHError) for cls in CLASSES)


@pytest.mark.parametrize(
    ("cls", "parent"),
    [
        (errors.ConfigError, ValueError),
        (errors.ImageError, ValueError),
        (errors.BitstreamError, ValueError),
        (errors.TruncatedBitstreamError, errors.BitstreamError),
        (errors.CorruptBitstreamError, errors.BitstreamError),
        (errors.ModelMismatchError, errors.BitstreamError),
        (errors.CheckpointError, RuntimeError),
        (errors.BackendUnavailableError, RuntimeError),
    ],
)
def test_each_error_is_also_one_of_pythons(cls, parent):
    assert issubclass(cls, parent)


def test_the_message_is_shown_as_it_stands():
    assert str(errors.ImageError("The picture is empty.")) == "The picture is empty."
