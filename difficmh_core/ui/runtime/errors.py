"""Errors as visitors read them: ours as they stand, defects as one calm sentence with an id."""

import functools
import logging
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any, ParamSpec

import gradio as gr

from difficmh_core.errors import DiffICMHError
from difficmh_core.ui import texts

LOGGER = logging.getLogger(__name__)

Parameters = ParamSpec("Parameters")


def shown_error(message: str) -> gr.Error:
    """Make the exception that shows a message to the visitor and logs nothing."""
    return gr.Error(message, print_exception=False)


def with_errors(
    event: Callable[Parameters, Iterator[Any]],
) -> Callable[Parameters, Generator[Any, None, None]]:
    """Let an event's errors reach the visitor as messages; a defect is logged with its id."""

    @functools.wraps(event)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Generator[Any, None, None]:
        try:
            yield from event(*args, **kwargs)
        except DiffICMHError as error:
            raise shown_error(str(error)) from error
        except (gr.Error, GeneratorExit):
            raise
        except BaseException as error:  # the edge of the program: log it, show it, go on
            # An exit, too: a library that asks for one must not take the server with it.
            incident = uuid.uuid4().hex[:8]
            LOGGER.exception("Incident %s in %s", incident, event.__name__)
            raise shown_error(texts.DEFECT.format(incident=incident)) from error

    return guarded
