"""The published system at reduced width, in the place of the full one.

Started with the folder of reference values and the words of a command, it runs the program's own
command line, or with ``app`` its page; only the sizes of the networks and the words of tokenizer
and tagger are others.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.cli.main import main as run_command
from difficmh_core.config.networks import CodecConfig, ConditioningConfig
from difficmh_core.models import sd21
from difficmh_core.models.sd21 import Words
from difficmh_core.tagging.vocabulary import Vocabulary
from difficmh_core.ui.main import main as run_page
from difficmh_core.weights.cards import PACKAGE_CARDS
from difficmh_core.weights.hub_cards import CHECKPOINTS, cards_of_rate
from tests.reference import Parity

__all__ = ["fill_cache", "reduced_config", "reduced_weights", "reduced_words"]


def reduced_weights(parity: Parity) -> dict[str, Tensor]:
    """Return all reduced weights under their published names, as one checkpoint holds them."""
    tensors = dict[str, Tensor]()
    for name in ("vae", "unet_control", "text", "codec", "ram_reduced"):
        tensors |= parity.tensors(f"weights_{name}.safetensors")
    ids = tensors.pop("token_embedding_rows.ids")
    rows = tensors.pop("token_embedding_rows.weight")
    table = torch.zeros(49408, rows.shape[1])
    table[ids] = rows
    return tensors | {
        "cond_stage_model.model.token_embedding.weight": table,
        "cond_stage_model.model.logit_scale": torch.ones(()),
        "betas": torch.zeros(1000),
        "preprocess_model.gaussian_conditional._quantized_cdf": torch.zeros(0),
    }


def reduced_config(parity: Parity, weights: dict[str, Tensor], rate: int) -> CodecConfig:
    """Return the settings of the reduced networks."""
    text_tower = parity.text_config(weights)
    return CodecConfig(
        autoencoder=parity.autoencoder_config(),
        unet=parity.unet_config(),
        control=parity.control_config(),
        latent_codec=parity.codec_config(),
        conditioning=ConditioningConfig(vocabulary_size=12, text_tower=text_tower),
        schedule=parity.schedule_config(),
        rate=rate,
    )


def reduced_words(parity: Parity) -> Words:
    """Return the tagger's twelve words, and tokens of two prompts: without tags, and with some."""
    settings = json.loads(parity.path("ram_reduced.json").read_text(encoding="utf-8"))
    tokens = parity.tensors("text.safetensors")["tokens"]
    return Words(
        tokenizer=lambda prompts: torch.stack([tokens[int(bool(p))] for p in prompts]),
        vocabulary=Vocabulary(tuple(settings["tags"])),
        thresholds=settings["thresholds"],
    )


def fill_cache(cache_dir: Path, checkpoint: Path, rate: int) -> None:
    """Put the files of one rate where fetching puts them; all but the checkpoint are empty.

    What this machine has of the other weights is linked, so that the page need not fetch it again.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    for packaged in PACKAGE_CARDS:
        here = cache_folder() / packaged.file
        if here.is_file():
            (cache_dir / packaged.file).symlink_to(here)
    for card in cards_of_rate(rate):
        place = card.place(cache_dir)
        place.parent.mkdir(parents=True, exist_ok=True)
        if card is CHECKPOINTS[rate]:
            place.symlink_to(checkpoint)
        else:
            place.touch()
        place.with_name(place.name + ".checked").write_text(f"- {place.stat().st_size}\n")


def main() -> int:
    """Run the command line, or the page."""
    parity = Parity(Path(sys.argv[1]))
    config = reduced_config(parity, reduced_weights(parity), 4)
    sd21.SD21 = replace(config, rate=None)
    sd21.RamConfig = parity.tagger_config  # type: ignore[assignment,misc]
    sd21.read_words = lambda _: reduced_words(parity)  # type: ignore[assignment]
    if sys.argv[2] == "app":
        sys.argv[1:] = sys.argv[3:]
        return run_page()
    return run_command(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
