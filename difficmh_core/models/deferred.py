"""A codec that is loaded while its owner goes on: what needs its networks waits for them."""

import threading
from collections.abc import Callable
from typing import Any

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.networks import CodecConfig
from difficmh_core.errors import BackendUnavailableError, DiffICMHError
from difficmh_core.tagging.vocabulary import load_vocabulary


class DeferredCodec(DiffICMHCodec):
    """A codec whose settings and vocabulary are known at once, and whose networks later."""

    def __init__(self, config: CodecConfig, load: Callable[[], DiffICMHCodec]) -> None:
        """Begin to load.

        Args:
            config: Of the networks that will be loaded.
            load: Loads them, on a thread of its own.
        """
        self.config = config
        self.vocabulary = load_vocabulary(config.conditioning.vocabulary)
        self._ended = threading.Event()
        self._loaded: DiffICMHCodec | None = None
        self._failure: BaseException | None = None

        def run() -> None:
            try:
                self._loaded = load()
            except BaseException as error:  # noqa: BLE001 (whoever needs the networks is told)
                self._failure = error
            finally:
                self._ended.set()

        threading.Thread(target=run, name="loading", daemon=True).start()

    @property
    def is_loading(self) -> bool:
        """Whether the networks are still on their way."""
        return not self._ended.is_set()

    @property
    def failure(self) -> str | None:
        """Why they will not come, a sentence; ``None`` while they may, and once they are here."""
        if self._failure is None:
            return None
        if isinstance(self._failure, DiffICMHError):
            return str(self._failure)
        return f"{type(self._failure).__name__}: {self._failure}"

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever a loaded one has)
        """Wait for the networks, and return what the loaded codec has under this name.

        Raises:
            BackendUnavailableError: If they could not be loaded.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        self._ended.wait()
        if self._loaded is None:
            raise BackendUnavailableError(f"The model could not be loaded. {self.failure}")
        return getattr(self._loaded, name)
