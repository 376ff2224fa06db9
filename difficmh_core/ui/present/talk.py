"""A talk from the examples: measured or found among what is kept, planned, and drawn."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.errors import ConfigError
from difficmh_core.ui.compress.texts import EXAMPLE_WORDS
from difficmh_core.ui.present import texts
from difficmh_core.ui.present.markup import Talk, draw_talk
from difficmh_core.ui.present.photographs import Presented, measure_photograph
from difficmh_core.ui.present.tour import each_photograph, plan_tour
from difficmh_core.ui.runtime.cache import ResultCache
from difficmh_core.ui.runtime.served_files import ServedFiles
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import UploadStore
from difficmh_core.ui.showcase import MAX_PIXELS


def prepare_talk(
    codec: DiffICMHCodec,
    photos: Sequence[Path],
    *,
    results: ResultCache,
    weights_dir: Path,
    tell: Callable[[str], None],
) -> Talk:
    """Make a talk; what is not kept yet is computed, and told.

    Args:
        codec: Loaded and ready.
        photos: What is shown.
        results: What ``make showcase`` has kept; what is missing is added.
        weights_dir: Where fetched weights lie.
        tell: Takes a line about what is done.

    Raises:
        ConfigError: If there is no photograph.
        DiffICMHError: If one cannot be coded.
    """
    if not photos:
        raise ConfigError(texts.NO_PHOTOS)
    photographs = list[Presented]()
    with tempfile.TemporaryDirectory() as folder:
        files = ServedFiles(Path(folder), examples=sorted(photos, key=_place))
        uploads = UploadStore(files, max_pixels=MAX_PIXELS)
        service = CodecService(
            codec, files=files, results=results, keeps_for_good=True, weights_dir=weights_dir
        )
        for index, example in enumerate(files.examples, 1):
            name = Path(example).name
            tell(texts.PHOTO.format(index=index, total=len(photos), name=name))
            photographs.append(measure_photograph(service, uploads, example, tell))
    stations = plan_tour(photographs, codec.config.profile, tell)
    return draw_talk(stations, list(each_photograph(photographs)))


def _place(photo: Path) -> int:
    """Where a photograph stands among the examples; others come last."""
    order = list(EXAMPLE_WORDS)
    return order.index(photo.stem) if photo.stem in order else len(order)
