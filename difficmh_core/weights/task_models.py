"""The networks of further machine tasks: files of the hub, at which commit, with which hashes.

They stand in ``task_models.json``. Each is pinned to a commit, which fixes every byte. Where a
file's SHA-256 is not known beforehand, the hub's own checksum is compared when the file arrives,
and its SHA-256 is then noted beside it, so that later loadings compare with that.

Only safetensors and text are ever fetched: no pickles, no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from difficmh_core.errors import BackendUnavailableError
from difficmh_core.weights.cards import packaged_cards
from difficmh_core.weights.hub import HubCard, verified_path

_FETCH = "python -m difficmh_core fetch tasks"
_WITHOUT_IT = "Every other task works without it."
_BUFFERS = (r"position_ids$", r"relative_position_index$")
"""Tensors of older files that hold no weights: they follow from the network's size."""
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskModel:
    """A network of the hub that does one task.

    Attributes:
        task: Key of the task.
        name: The network, as people name it.
        repository: Owner and name of the repository.
        revision: Its commit.
        architecture: The class of transformers that runs it.
        files: Size [bytes] and SHA-256 of each file; a size is about where there is no SHA-256.
        license: SPDX name of the weights' license.
        source: Address of the work it belongs to.
        absent: Patterns of parameters that the file need not hold, because the task never uses
            them.
        superfluous: Patterns of tensors that the file may hold and the network does not.
    """

    task: str
    name: str
    repository: str
    revision: str
    architecture: str
    files: Mapping[str, tuple[int, str | None]]
    license: str
    source: str
    absent: tuple[str, ...] = ()
    superfluous: tuple[str, ...] = _BUFFERS

    @property
    def cards(self) -> tuple[HubCard, ...]:
        """One card for each file, the weights last."""
        names = sorted(self.files, key=lambda name: (name == _WEIGHTS, name))
        return tuple(self._card(name) for name in names)

    @property
    def n_bytes(self) -> int:
        """Size of all files [bytes]; about, where a SHA-256 is not known beforehand."""
        return sum(n_bytes for n_bytes, _ in self.files.values())

    @property
    def has_words(self) -> bool:
        """Whether the files hold a tokenizer."""
        return any(name.startswith("tokenizer") for name in self.files)

    def verified_folder(self, cache_dir: Path) -> Path:
        """Return the folder of the files, each of which is the one that was checked.

        Raises:
            BackendUnavailableError: If a file has not been fetched.
            CheckpointError: If one has changed since, or is not the pinned one.
        """
        try:
            for card in self.cards:
                verified_path(card, cache_dir)
        except BackendUnavailableError as error:
            raise BackendUnavailableError(
                f"{self.name} is not in {cache_dir}. Get it ({self.n_bytes / 1e9:.2f} GB) with "
                f"`{_FETCH} {self.task}`. {_WITHOUT_IT}"
            ) from error
        return self.cards[0].folder(cache_dir)

    def _card(self, path: str) -> HubCard:
        n_bytes, sha256 = self.files[path]
        return HubCard(
            purpose=f"the file {path} of {self.name}",
            repository=self.repository,
            path=path,
            revision=self.revision,
            sha256=sha256,
            n_bytes=n_bytes,
            license=self.license,
            command=f"{_FETCH} {self.task}",
            without_it=_WITHOUT_IT,
        )


TASK_MODELS: Mapping[str, TaskModel] = MappingProxyType(
    {model.task: model for model in packaged_cards("task_models.json", TaskModel)}
)
"""Every one, by the key of its task."""
