"""Diff-ICMH: from a photograph to a small file, and from the file to a picture.

::

    encode:  photo ─ pad ─┬─ autoencoder ─ diffusion latent ─┐ (modulates)
                          ├──────────────── g_a ─────────────┴─ y ─ round ─ context model ─┐
                          │                                  └─ h_a ─ z ─ round ───────────┤ .dicmh
                          └─ tagger ── tag ids ── set code ────────────────────────────────┘
    decode:  .dicmh ─ range decoder ─ y_hat, z_hat ─ g_s ── content latent ──────────┐ hint
                    └ tag ids ─ text context ────────────────────────────────────────┤
             noise ─ sampler ◄─ frozen U-Net steered by the control module, guided ──┘
                       └─ latent ─ autoencoder ── picture

This is the only file that knows all parts. Reference: Diff-ICMH, NeurIPS 2025. Code: https://github.com/RuoyuFeng/Diff-ICMH
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from PIL import Image
from torch import Tensor

from difficmh_core._support.once import once
from difficmh_core._support.parts import Parts, inside, result_of
from difficmh_core._support.threads import alone, one_thread
from difficmh_core.bitstream.container import Bitstream, Limits
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.config.networks import PIXELS_PER_BLOCK, CodecConfig
from difficmh_core.config.profiles import preset_of
from difficmh_core.config.stages import Load, Stage, decoding_load
from difficmh_core.diffusion.decoder import DiffusionDecoder
from difficmh_core.diffusion.samplers import SamplerStep
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.encoding import (
    Analyzed,
    Encoded,
    TagChoice,
    best_file_in_parts,
    check_model,
    code_in_parts,
    level_of,
    levels_of,
    resolve_tags,
    section_bits_of,
)
from difficmh_core.errors import BackendUnavailableError, ConfigError
from difficmh_core.image_io import crop, pad_to_multiple, to_image, to_tensor
from difficmh_core.networks import Networks, Tagger
from difficmh_core.rate_control import RateSearch
from difficmh_core.shapes import DiffusionLatent
from difficmh_core.tagging.tags import Tag
from difficmh_core.tagging.vocabulary import Vocabulary
from difficmh_core.workload import DecodeStep, Progress, Work, told

_STRIDE_PX = 8  # of a position of the latent
_PER_BLOCK = PIXELS_PER_BLOCK // _STRIDE_PX


class DiffICMHCodec:
    """One profile, loaded and ready to encode and decode.

    Build it with :func:`difficmh_core.models.load.load_codec`.
    """

    def __init__(
        self,
        config: CodecConfig,
        networks: Networks,
        vocabulary: Vocabulary,
        tagger: Callable[[], Tagger],
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        self.config = config
        self.vocabulary = vocabulary
        self.networks = networks
        self._tagger = once(tagger)  # when a picture is first tagged
        self._device = torch.device(device)
        self._decoder = DiffusionDecoder(networks.unet, NoiseSchedule(config.schedule))
        self.fingerprint = networks.latent_codec.fingerprint()
        """Four bytes that change with everything that decides symbols."""

    def tag(self, image: Image.Image) -> list[Tag]:
        """Ask the tagger what is in a picture; the most confident tag comes first.

        Raises:
            BackendUnavailableError: If the tagger's weights are absent.
        """
        with one_thread():
            found = self._tagger()(to_tensor(image))
        return list(found)[: self.config.conditioning.max_tags]

    def encode(
        self,
        image: Image.Image,
        *,
        quality: float | None = None,
        target_bytes: int | None = None,
        tags: TagChoice = "auto",
        analyzed: Analyzed | None = None,
    ) -> Encoded:
        """Code a picture, and count what each section of its file costs.

        Args:
            image: RGB picture of at least 1 x 1 px.
            quality: 0 (smallest file) to 100 (best picture); ``None`` is 50, or the model's only
                rate.
            target_bytes: Largest file [bytes]; the best quality that fits is taken instead of
                ``quality``.
            tags: ``"auto"`` asks the tagger; names or tags are taken as they are; ``None`` or
                nothing stores none.
            analyzed: What :meth:`analyze` found before.

        Raises:
            ConfigError: If quality is out of range, or given to a model with one rate; if a tag
                is unknown, or nothing fits.
            ImageError: If the picture is larger than the format allows.
            BackendUnavailableError: If tags are asked for and the tagger's weights are absent.
        """
        return result_of(
            self.encode_parts(
                image, quality=quality, target_bytes=target_bytes, tags=tags, analyzed=analyzed
            )
        )

    def encode_parts(
        self,
        image: Image.Image,
        *,
        quality: float | None = None,
        target_bytes: int | None = None,
        tags: TagChoice = "auto",
        analyzed: Analyzed | None = None,
    ) -> Work[Encoded]:
        """Do the same as :meth:`encode`, and tell how far it is; stop iterating to cancel."""
        level = level_of(quality, self.config.rate)
        chosen = self._choose_tags(image, tags)
        if isinstance(tags, str):
            yield Progress(stage=Stage.TAGGING, share=1.0)
        found = analyzed or (yield from self.analyze_parts(image))
        code, levels = partial(self._code, image, chosen, found), levels_of(self.config.rate)
        parts = code(level)
        if target_bytes is not None:
            parts = best_file_in_parts(code, levels, target_bytes)
        return (yield from told(Stage.CODING, parts))

    def rate_search(self, *, tags: TagChoice = "auto") -> RateSearch:
        """Begin a search that finds the files of :meth:`encode` for several target sizes."""

        def open_picture(image: Image.Image) -> Callable[[int], bytes]:
            at_level = self.coder(image, tags=tags)
            return lambda level: at_level(level).data

        return RateSearch(open_picture, levels_of(self.config.rate))

    def analyze(self, image: Image.Image) -> Analyzed:
        """Analyze a picture for :meth:`coder`; errors as in :meth:`encode`."""
        return result_of(self.analyze_parts(image))

    def analyze_parts(self, image: Image.Image) -> Work[Analyzed]:
        """Do the same as :meth:`analyze`, and tell how far it is."""
        Limits().check_picture(height_px=image.height, width_px=image.width)
        padded = pad_to_multiple(to_tensor(image), PIXELS_PER_BLOCK).to(self._device)
        parts = alone(self.networks.autoencoder.encode_parts(padded))
        diffusion_latent = yield from told(Stage.AUTOENCODER, parts)
        parts = alone(self.networks.latent_codec.analyze_parts(padded, diffusion_latent))
        y = yield from told(Stage.ANALYSIS, parts)
        return Analyzed(padded, diffusion_latent, y)

    def coder(
        self, image: Image.Image, *, tags: TagChoice = "auto", analyzed: Analyzed | None = None
    ) -> Callable[[int], Encoded]:
        """Analyze a picture once; what this returns codes it at any level, 0 to 255."""
        chosen = self._choose_tags(image, tags)
        found = analyzed or self.analyze(image)
        return lambda level: result_of(self._code(image, chosen, found, level))

    def _choose_tags(self, image: Image.Image, tags: TagChoice) -> tuple[Tag, ...]:
        found = self.tag(image) if isinstance(tags, str) else tags or ()
        return resolve_tags(found, self.vocabulary, self.config.conditioning.max_tags)

    def _code(
        self, image: Image.Image, tags: tuple[Tag, ...], analyzed: Analyzed, level: int
    ) -> Parts[Encoded]:
        return code_in_parts(
            self.networks.latent_codec,
            analyzed,
            level,
            tags,
            profile=self.config.profile,
            fingerprint=self.fingerprint,
            size_px=(image.height, image.width),
        )

    def parse(self, data: bytes | Bitstream) -> Bitstream:
        """Read a file's header and checksum, and refuse what another model coded.

        Raises:
            BitstreamError: If the bytes are damaged or not a file of this version.
            ModelMismatchError: If another model coded them.
        """
        stream = data if isinstance(data, Bitstream) else Bitstream.from_bytes(data)
        check_model(stream, self.config.profile, self.fingerprint)
        return stream

    @torch.inference_mode()
    def content_latent(self, data: bytes | Bitstream) -> DiffusionLatent:
        """Decode what a file stores, before any diffusion, and check every coded integer.

        Raises:
            BitstreamError: If the bytes are damaged or not ours.
            ImageError: If the file announces a picture beyond the limits.
        """
        stream = self.parse(data)
        return self.networks.latent_codec.decompress(
            stream.latent, stream.quality_level, stream.padded_size_px
        )

    def verify(self, data: bytes | Bitstream) -> dict[str, float]:
        """Check header, checksum, model and every coded integer; decode no picture.

        Returns:
            Bits of each section of the file, as in :class:`Encoded`.

        Raises:
            BitstreamError: If anything is damaged or not ours.
            ImageError: If the file announces a picture beyond the limits.
        """
        stream = self.parse(data)
        latents = self.networks.latent_codec.decode_symbols(
            stream.latent, stream.quality_level, stream.padded_size_px
        )
        return section_bits_of(stream, latents.n_hyper_bits)

    def decode(
        self,
        data: bytes | Bitstream,
        settings: DecodeSettings | None = None,
        *,
        tags: Sequence[str] | None = None,
    ) -> Iterator[DecodeStep]:
        """Yield the state after each denoising step; the last one holds the picture.

        The same file and settings give the same picture: the start noise comes from the file's
        checksum unless ``settings.seed`` is set.

        Args:
            data: The file.
            settings: How to decode; ``None`` takes the profile's default preset.
            tags: Names that replace the file's tags; ``None`` keeps them, nothing removes them.

        Yields:
            One state per step. Stop iterating to cancel.

        Raises:
            BitstreamError: If the bytes are damaged or not ours.
            ConfigError: If a tag is not in the vocabulary.
        """
        states = self.decode_parts(data, settings, tags=tags)
        return (state for state in states if isinstance(state, DecodeStep))

    def decode_parts(
        self,
        data: bytes | Bitstream,
        settings: DecodeSettings | None = None,
        *,
        tags: Sequence[str] | None = None,
    ) -> Generator[DecodeStep | Progress, None, None]:
        """Yield the same as :meth:`decode`, and between steps how far the work is."""
        settings = settings or preset_of(self.config.profile)
        stream = self.parse(data)
        tag_ids = (
            stream.tag_ids
            if tags is None
            else sorted({self.vocabulary.index_of(name.strip()) for name in tags})
        )
        if len(tag_ids) > self.config.conditioning.max_tags:
            raise ConfigError(
                f"At most {self.config.conditioning.max_tags} tags steer an image, "
                f"got {len(tag_ids)}. Remove some."
            )
        codec, level = self.networks.latent_codec, stream.quality_level
        reading = codec.decode_symbols_parts(stream.latent, level, stream.padded_size_px)
        quantized = yield from told(Stage.READING, inside(reading, torch.inference_mode))
        yield Progress(stage=Stage.READING, share=1.0)
        with torch.inference_mode():
            content_latent = codec.content_latent(quantized, level)
        yield Progress(stage=Stage.SYNTHESIS, share=1.0)
        if settings.realism == 0:
            yield from self._step(1, 1, content_latent, stream, is_last=True)
            return
        # Not under a decorator: a generator must not hold inference mode between its steps.
        with torch.inference_mode():
            context = self.networks.conditioner([list(tag_ids)])
            unconditional = self.networks.conditioner([[]])
        seed = stream.checksum if settings.seed is None else settings.seed
        if not tag_ids:
            settings = replace(settings, guidance_scale=1.0)  # both branches would be the same
        parts = self._decoder.parts(content_latent, context, unconditional, settings, seed)
        for step in parts:
            if not isinstance(step, SamplerStep):
                yield Progress(stage=Stage.DENOISING, share=step)
                continue
            is_last = step.index == step.total
            latent = step.latent if is_last else step.clean
            if is_last:
                latent = content_latent + settings.realism * (latent - content_latent)
            yield from self._step(step.index, step.total, latent, stream, is_last=is_last)

    def decode_image(
        self,
        data: bytes | Bitstream,
        settings: DecodeSettings | None = None,
        *,
        tags: Sequence[str] | None = None,
    ) -> Image.Image:
        """Return the decoded picture; arguments and errors as in :meth:`decode`."""
        *_, last = self.decode(data, settings, tags=tags)
        if last.image is None:
            raise BackendUnavailableError("The sampler ended before its last step.")
        return last.image

    def decoding_load(
        self, size_px: tuple[int, int], settings: DecodeSettings, *, has_tags: bool = True
    ) -> Load:
        """What decoding a picture of this height and width consists of."""
        height, width = (-(-side // PIXELS_PER_BLOCK) * _PER_BLOCK for side in size_px)
        n_seen, n_pixels = self._decoder.n_seen(height, width), size_px[0] * size_px[1]
        return decoding_load(n_pixels, _STRIDE_PX**2 * n_seen, settings, has_tags=has_tags)

    def _step(
        self, index: int, total: int, latent: Tensor, stream: Bitstream, *, is_last: bool
    ) -> Generator[DecodeStep | Progress, None, None]:
        height, width = stream.height_px, stream.width_px
        image = None
        if is_last:
            parts = inside(self.networks.autoencoder.decode_parts(latent), torch.inference_mode)
            decoded = yield from told(Stage.PICTURE, parts)
            image = to_image(crop(decoded, (height, width)).cpu())

        @torch.inference_mode()
        def preview() -> Image.Image:
            small = self.networks.preview(latent)[..., : -(-height // 8), : -(-width // 8)]
            return to_image(small.cpu())

        yield DecodeStep(index=index, total=total, image=image, preview=preview)
