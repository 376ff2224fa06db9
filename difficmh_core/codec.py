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

This is the only file that knows all parts.

References:
    Diff-ICMH, NeurIPS 2025. Code: https://github.com/RuoyuFeng/Diff-ICMH
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from PIL import Image
from torch import Tensor

from difficmh_core._support.once import once
from difficmh_core._support.threads import one_thread
from difficmh_core.bitstream.container import Bitstream, Limits
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.config.networks import PIXELS_PER_BLOCK, CodecConfig
from difficmh_core.config.profiles import preset_of
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import Conditioner
from difficmh_core.diffusion.control import ControlledUNet
from difficmh_core.diffusion.decoder import DiffusionDecoder
from difficmh_core.diffusion.preview import LatentPreview
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.encoding import (
    Analyzed,
    Encoded,
    TagChoice,
    best_file,
    level_of,
    levels_of,
    resolve_tags,
    section_bits_of,
)
from difficmh_core.errors import BackendUnavailableError, ConfigError, ModelMismatchError
from difficmh_core.image_io import crop, pad_to_multiple, to_image, to_tensor
from difficmh_core.rate_control import RateSearch
from difficmh_core.shapes import DiffusionLatent, Image01
from difficmh_core.tagging.tags import Tag
from difficmh_core.tagging.vocabulary import Vocabulary

Tagger = Callable[[Image01], Sequence[Tag]]
"""From one picture to its tags, most confident first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Networks:
    """The trained parts of one profile.

    Attributes:
        autoencoder: Between pictures and diffusion latents.
        latent_codec: What is stored.
        unet: The frozen U-Net with its control module.
        conditioner: From tag ids to the context of cross-attention.
        preview: From a latent to a small picture, cheaply.
    """

    autoencoder: Autoencoder
    latent_codec: LatentCodec
    unet: ControlledUNet
    conditioner: Conditioner
    preview: LatentPreview


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodeStep:
    """The state of decoding after one step.

    Attributes:
        index: Steps done so far, 1 to ``total``.
        total: Number of steps in all.
        image: The finished picture on the last step, ``None`` before.
        preview: Returns a small picture of the state, an eighth of the size, cheaply.
    """

    index: int
    total: int
    image: Image.Image | None
    preview: Callable[[], Image.Image] = field(repr=False)


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
        level = level_of(quality, self.config.rate)
        at_level = self.coder(image, tags=tags, analyzed=analyzed)
        if target_bytes is None:
            return at_level(level)
        return best_file(at_level, levels_of(self.config.rate), target_bytes)

    def rate_search(self, *, tags: TagChoice = "auto") -> RateSearch:
        """Begin a search that finds the files of :meth:`encode` for several target sizes."""

        def open_picture(image: Image.Image) -> Callable[[int], bytes]:
            at_level = self.coder(image, tags=tags)
            return lambda level: at_level(level).data

        return RateSearch(open_picture, levels_of(self.config.rate))

    @torch.inference_mode()
    def analyze(self, image: Image.Image) -> Analyzed:
        """Analyze a picture for :meth:`coder`; errors as in :meth:`encode`."""
        Limits().check_picture(height_px=image.height, width_px=image.width)
        padded = pad_to_multiple(to_tensor(image), PIXELS_PER_BLOCK).to(self._device)
        with one_thread():
            diffusion_latent = self.networks.autoencoder.encode(padded)
            y = self.networks.latent_codec.analyze(padded, diffusion_latent)
        return Analyzed(padded, diffusion_latent, y)

    def coder(
        self, image: Image.Image, *, tags: TagChoice = "auto", analyzed: Analyzed | None = None
    ) -> Callable[[int], Encoded]:
        """Analyze a picture once; what this returns codes it at any level, 0 to 255.

        Arguments and errors as in :meth:`encode`; ``analyzed`` may hold what was found before.
        """
        found = self.tag(image) if isinstance(tags, str) else tags or ()
        chosen = resolve_tags(found, self.vocabulary, self.config.conditioning.max_tags)
        _, diffusion_latent, y = analyzed or self.analyze(image)

        def at_level(level: int) -> Encoded:
            with torch.inference_mode(), one_thread():
                latent, latents = self.networks.latent_codec.compress(y, diffusion_latent, level)
            stream = Bitstream(
                profile=self.config.profile,
                quality_level=level,
                fingerprint=self.fingerprint,
                height_px=image.height,
                width_px=image.width,
                tag_ids=tuple(sorted(tag.id for tag in chosen)),
                latent=latent,
            )
            return Encoded(
                stream=stream,
                data=stream.to_bytes(),
                tags=chosen,
                section_bits=section_bits_of(stream, latents.n_hyper_bits),
            )

        return at_level

    def parse(self, data: bytes | Bitstream) -> Bitstream:
        """Read a file's header and checksum, and refuse what another model coded.

        Raises:
            BitstreamError: If the bytes are damaged or not a file of this version.
            ModelMismatchError: If another model coded them.
        """
        stream = data if isinstance(data, Bitstream) else Bitstream.from_bytes(data)
        profile, fingerprint = self.config.profile, self.fingerprint
        if stream.profile != profile:
            raise ModelMismatchError(
                f"The file was coded with profile {stream.profile!r}, but {profile!r} is loaded. "
                f"Decode it with --profile {stream.profile}."
            )
        if stream.fingerprint != fingerprint:
            raise ModelMismatchError(
                f"The file was coded with model {stream.fingerprint.hex()} of profile "
                f"{profile!r}, but model {fingerprint.hex()} is loaded. Decode it with the "
                "program version that wrote it."
            )
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
            settings: How to decode; ``None`` takes the profile's preset ``fast``.
            tags: Names that replace the file's tags; ``None`` keeps them, nothing removes them.

        Yields:
            One state per step. Stop iterating to cancel.

        Raises:
            BitstreamError: If the bytes are damaged or not ours.
            ConfigError: If a tag is not in the vocabulary.
        """
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
        content_latent = self.content_latent(stream)
        if settings.realism == 0:
            yield self._step(1, 1, content_latent, stream, is_last=True)
            return
        # Not under a decorator: a generator must not hold inference mode between its steps.
        with torch.inference_mode():
            context = self.networks.conditioner([list(tag_ids)])
            unconditional = self.networks.conditioner([[]])
        seed = stream.checksum if settings.seed is None else settings.seed
        if not tag_ids:
            settings = replace(settings, guidance_scale=1.0)  # both branches would be the same
        for step in self._decoder.steps(content_latent, context, unconditional, settings, seed):
            is_last = step.index == step.total
            latent = step.latent if is_last else step.clean
            if is_last:
                latent = content_latent + settings.realism * (latent - content_latent)
            yield self._step(step.index, step.total, latent, stream, is_last=is_last)

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

    @torch.inference_mode()
    def _step(
        self, index: int, total: int, latent: Tensor, stream: Bitstream, *, is_last: bool
    ) -> DecodeStep:
        height, width = stream.height_px, stream.width_px
        image = None
        if is_last:
            decoded = self.networks.autoencoder.decode(latent)
            image = to_image(crop(decoded, (height, width)).cpu())

        @torch.inference_mode()
        def preview() -> Image.Image:
            small = self.networks.preview(latent)[..., : -(-height // 8), : -(-width // 8)]
            return to_image(small.cpu())

        return DecodeStep(index=index, total=total, image=image, preview=preview)
