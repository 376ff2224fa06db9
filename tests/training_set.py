"""A tiny training set, and settings for a few small steps."""

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from difficmh_core.training.default_settings import default_settings
from difficmh_core.training.overrides import change_settings
from difficmh_core.training.settings import StageName, StageSettings

WITH_DISCRIMINATOR = (StageName.AUTOENCODER, StageName.JOINT, StageName.FEW_STEP)


def picture(random: np.random.Generator, height: int, width: int) -> Image.Image:
    coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def write_photographs(folder: Path) -> Path:
    """Write six synthetic photographs in one shard: five of one source, one of another."""
    random = np.random.default_rng(0)
    with (
        tarfile.open(folder / "train-00.tar", "w") as archive,
        (folder / "manifest.csv").open("w", newline="") as manifest,
    ):
        rows = csv.writer(manifest)
        rows.writerow(["file", "source"])
        for index in range(6):
            buffer = io.BytesIO()
            picture(random, 260 + 8 * index, 280).save(buffer, "PNG")
            member = tarfile.TarInfo(f"{index}.png")
            member.size = buffer.tell()
            buffer.seek(0)
            archive.addfile(member, buffer)
            rows.writerow([member.name, "one@1" if index else "two@2"])
    return folder


def write_check_pictures(folder: Path) -> Path:
    random = np.random.default_rng(1)
    for index in range(2):
        picture(random, 256, 256).save(folder / f"{index}.png")
    return folder


def brief(stage: StageName, *more: str) -> StageSettings:
    """Return settings for a few small steps, the discriminator pulling from half-way on."""
    changes = ["minutes=10", "steps=4", "batch_size=2", "crop_px=64", "log_every=1", *more]
    if stage in WITH_DISCRIMINATOR:
        changes += ["picture.adversarial=0.3", "picture.adversarial_from=0.5"]
    return change_settings(default_settings(stage), changes)
