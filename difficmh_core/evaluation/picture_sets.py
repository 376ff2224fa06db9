"""Distances between the decoded pictures of a data set and their originals, taken as sets.

The features of every picture's patches are kept beside the rows when it is measured, in
``features/NETWORK/CODEC/RATE/PICTURE.npy``, an array of float32 (patch, feature) for each, so that
a run goes on where it stopped and several processes can share the pictures.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from difficmh_core._support.atomic_files import write_whole
from difficmh_core.config.comparison import DEFAULT_SET_METRICS
from difficmh_core.errors import BackendUnavailableError, CheckpointError
from difficmh_core.evaluation.comparison import Row
from difficmh_core.evaluation.statistics import Estimate, Summary
from difficmh_core.quality.patch_features import (
    PATCH_SIDE_PX,
    FeatureNetwork,
    PatchFeatures,
    load_features,
)
from difficmh_core.quality.set_distances import SetDistance, set_distance, set_metric_of
from difficmh_core.shapes import Image01

_ORIGINAL = "original"


class PictureSets:
    """Keeps the features of pictures, and takes the distances of sets.

    Attributes:
        absent: Why a distance is left out, by its key.
    """

    def __init__(
        self,
        out: Path,
        cache_dir: Path,
        keys: Sequence[str] = DEFAULT_SET_METRICS,
        device: torch.device | str = "cpu",
    ) -> None:
        """Load the networks.

        Args:
            out: Folder of the evaluation's results.
            cache_dir: Where fetched weights lie.
            keys: Which distances.
            device: Where the networks run.

        Raises:
            ConfigError: If there is no such distance.
        """
        self._folder = out / "features"
        self._metrics = {key: set_metric_of(key) for key in keys}
        self._networks = dict[FeatureNetwork, PatchFeatures]()
        self.absent = dict[str, str]()
        for network in dict.fromkeys(metric.network for metric in self._metrics.values()):
            try:
                self._networks[network] = load_features(network, cache_dir, device)
            except (BackendUnavailableError, CheckpointError) as error:
                self.absent |= {
                    key: str(error)
                    for key, metric in self._metrics.items()
                    if metric.network is network
                }

    def has(self, picture: str, codec: str | None = None, rate_bpp: float | None = None) -> bool:
        """Say whether the features of a picture are kept.

        Args:
            picture: Its name in the folder of pictures.
            codec: Key of the codec; ``None`` for the original.
            rate_bpp: The target [bit per pixel]; ``None`` for the original.
        """
        paths = self._paths(picture, codec, rate_bpp)
        return all(path.is_file() for path in paths.values())

    def keep(
        self,
        image: Image01,
        picture: str,
        codec: str | None = None,
        rate_bpp: float | None = None,
    ) -> None:
        """Compute and keep the features of a picture, RGB in [0, 1]; names as for :meth:`has`."""
        for network, path in self._paths(picture, codec, rate_bpp).items():
            if path.is_file():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            np.save(buffer, self._networks[network](image).numpy().astype(np.float32))
            write_whole(buffer.getvalue(), path)

    def distances(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Return every distance for each codec and target, in the order of the rows.

        Each holds ``codec``, ``rate_bpp``, ``measure``, the fields of a
        :class:`~difficmh_core.quality.set_distances.SetDistance`, and ``n_pictures``, from how
        many pictures the patches are.

        Args:
            rows: Of all pictures, their targets those of the run.
        """
        groups = dict[tuple[str, float], list[str]]()
        for row in rows:
            if row.error is None:
                groups.setdefault((row.codec, row.target_bpp), []).append(row.picture)
        made = list[dict[str, Any]]()
        for (codec, rate_bpp), pictures in groups.items():
            for key, metric in self._metrics.items():
                if metric.network not in self._networks:
                    continue
                pairs = [
                    [
                        np.load(paths[metric.network], allow_pickle=False).astype(np.float64)
                        for paths in (self._paths(name), self._paths(name, codec, rate_bpp))
                    ]
                    for name in sorted(pictures)  # so that subsets hold the same in any order
                    if self.has(name) and self.has(name, codec, rate_bpp)
                ]
                pairs = [pair for pair in pairs if len(pair[0])]
                head = {"codec": codec, "rate_bpp": rate_bpp, "measure": key}
                if not pairs:
                    none = SetDistance(note=f"no photo has a patch of {PATCH_SIDE_PX} px")
                    made.append(head | asdict(none) | {"n_pictures": 0})
                    continue
                originals, decoded = (
                    np.concatenate(features) for features in zip(*pairs, strict=True)
                )
                distance = set_distance(metric, originals, decoded)
                made.append(head | asdict(distance) | {"n_pictures": len(pairs)})
        return made

    def _paths(
        self, picture: str, codec: str | None = None, rate_bpp: float | None = None
    ) -> dict[FeatureNetwork, Path]:
        place = _ORIGINAL if codec is None else f"{codec}/{rate_bpp!r}"
        return {
            network: self._folder / network / place / f"{picture}.npy"
            for network in self._networks
        }


def summaries_of_sets(
    summaries: Sequence[Summary], distances: Sequence[Mapping[str, Any]], key: str
) -> list[Summary]:
    """Return summaries that hold one distance of sets, as a plot takes them.

    Args:
        summaries: Of all codecs and targets.
        distances: Of :meth:`PictureSets.distances`.
        key: Which distance; it has no interval over pictures.
    """
    values = {
        (line["codec"], line["rate_bpp"]): line["value"]
        for line in distances
        if line["measure"] == key and line["value"] is not None
    }
    return [
        replace(summary, values={key: Estimate(value=value, low=value, high=value, n=summary.n)})
        for summary in summaries
        if (value := values.get((summary.codec, summary.target_bpp))) is not None
    ]
