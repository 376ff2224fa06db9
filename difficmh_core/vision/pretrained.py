"""A network of the hub with what prepares its input, loaded from checked local files only.

Nothing is fetched here, no code of a repository is run, and only safetensors are read. Every
parameter of the network must be in the file and the other way round, but for those that its card
names.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from PIL import Image
from torch import Tensor

from difficmh_core.errors import BackendUnavailableError, CheckpointError, ImageError
from difficmh_core.image_io import to_image
from difficmh_core.shapes import Image01
from difficmh_core.vision.tasks import MachineTask
from difficmh_core.weights.task_models import TASK_MODELS, TaskModel

_N_NAMED = 3
"""Parameters that a message names."""


class PretrainedTask(MachineTask):
    """A machine task on a network of the hub.

    Attributes:
        card: Where the network comes from.
        network: The network of transformers, on the CPU, ready to run.
        image_processor: From a picture to the network's pixels.
        tokenizer: From texts to tokens; ``None`` for a network without words.
    """

    def __init__(self, cache_dir: Path, card: TaskModel | None = None) -> None:
        """Load the network.

        Args:
            cache_dir: Where fetched files lie.
            card: Another network of the same kind instead of the published one.

        Raises:
            BackendUnavailableError: If its files have not been fetched, or a package is missing.
            CheckpointError: If a file is damaged, is another than the pinned one, or does not fit
                the network.
        """
        from safetensors import SafetensorError

        card = TASK_MODELS[self.key] if card is None else card
        folder = card.verified_folder(cache_dir)
        try:
            network, image_processor, tokenizer, told = _read(card, folder)
        except ImportError as error:
            raise BackendUnavailableError(
                f"{card.name} needs a package that is not installed ({error}). "
                "Run `pip install -r requirements.txt`."
            ) from error
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise _damaged(card, folder, str(error).strip().splitlines()) from error
        missing = _others(told["missing_keys"], card.absent)
        unknown = _others(told["unexpected_keys"], card.superfluous)
        mismatched = sorted(str(key[0]) for key in told["mismatched_keys"])
        if missing or unknown or mismatched:
            what = [
                f"{len(keys)} {kind} ({', '.join(keys[:_N_NAMED])})"
                for kind, keys in (
                    ("parameters are missing", missing),
                    ("are unknown", unknown),
                    ("have another shape", mismatched),
                )
                if keys
            ]
            raise _damaged(card, folder, [", ".join(what)])
        self.card: TaskModel = card
        self.network: Any = network.requires_grad_(False).eval()
        self.image_processor: Any = image_processor
        self.tokenizer: Callable[..., Any] | None = tokenizer

    def pixels(self, image: Image01, **options: Any) -> Tensor:  # noqa: ANN401 (the processor's)
        """Return one picture as the network wants it, resized and normalized as published.

        Args:
            image: One RGB picture in [0, 1].
            options: Further arguments of the image processor.

        Raises:
            ImageError: If there is not one picture, or it has a shape that cannot be prepared.
        """
        if len(image) != 1:
            raise ImageError(f"{self.card.name} takes one image at a time, got {len(image)}.")
        picture: Image.Image = to_image(image)
        try:
            values: Tensor = self.image_processor(picture, return_tensors="pt", **options)[
                "pixel_values"
            ]
        except (ValueError, RuntimeError, ZeroDivisionError) as error:
            raise self.refusal(image, error) from error
        return values

    def tokens(self, texts: Sequence[str]) -> dict[str, Int[Tensor, "batch tokens"]]:
        """Return the token ids of texts, and which of them are not padding.

        Raises:
            CheckpointError: If the network has no words.
        """
        if self.tokenizer is None:
            raise CheckpointError(f"{self.card.name} has no tokenizer. Give it no texts.")
        made = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        return {"input_ids": made["input_ids"], "attention_mask": made["attention_mask"]}

    def refusal(self, image: Image01, error: Exception) -> ImageError:
        """Return the error that says that a picture cannot be seen by this network."""
        height_px, width_px = image.shape[2:]
        return ImageError(
            f"{self.card.name} cannot see an image of {width_px} x {height_px} px ({error}). "
            f"Leave the task {self.card.task} out."
        )


def _read(card: TaskModel, folder: Path) -> tuple[Any, Any, Any, Any]:
    """Return network, image processor, tokenizer or ``None``, and what fits where."""
    from difficmh_core._support import (  # noqa: F401 (before transformers' vision)
        torchvision_operators,
    )

    # isort: split
    import transformers

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    with _quiet():
        network, told = getattr(transformers, card.architecture).from_pretrained(
            folder,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # told instead, and refused by the caller
            dtype=torch.float32,
            **local,
        )
        image_processor = transformers.AutoImageProcessor.from_pretrained(folder, **local)
        tokenizer = None
        if card.has_words:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **local)
    return network, image_processor, tokenizer, told


def _others(keys: Iterable[str], patterns: Sequence[str]) -> list[str]:
    return sorted(key for key in keys if not any(re.search(p, key) for p in patterns))


def _damaged(card: TaskModel, folder: Path, lines: Sequence[str]) -> CheckpointError:
    return CheckpointError(
        f"The files of {card.name} in {folder} do not make the network: "
        f"{lines[0] if lines else 'no reason given'}. Delete the folder and run "
        f"`python -m difficmh_core fetch tasks {card.task}`."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing bars and reporting what is checked here."""
    from transformers.utils import logging

    verbosity, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bars:
            logging.enable_progress_bar()
