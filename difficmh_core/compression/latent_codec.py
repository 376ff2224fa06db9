"""The latent codec: a picture's content latent as a few integers.

::

    image ─ g_a ─ y ─ gain ─┬────────────── code ─ y_hat ─ inverse gain ─ g_s ─ content latent
                            └─ h_a ─ z ─ gain ─ code ─ z_hat ─ inverse gain ─┬─ HyperPrior ─ to g_s
                                                                             └─ h_s ─ context model

Hyper analysis and context model see the gained y, whose rounding step is 1 at every quality. Both
networks that read z_hat, hyper synthesis and hyper prior, see it after the inverse gain, as in
Cui et al. 2021: how fine y is rounded they learn from z itself, which is made of the gained y.

References:
    Diff-ICMH, NeurIPS 2025, section 3. Code: https://github.com/RuoyuFeng/Diff-ICMH
"""

import copy
import hashlib
import json
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from difficmh_core.bitstream.coded_latent import CodedLatent
from difficmh_core.compression.context_model import (
    CodingPass,
    ContextModel,
    HalfLatent,
    merge_checkerboard,
    split_checkerboard,
)
from difficmh_core.compression.entropy_models import (
    FactorizedPrior,
    gaussian_likelihood,
    round_straight_through,
    scale_table,
)
from difficmh_core.compression.gains import Gains, with_gain, without_gain
from difficmh_core.compression.integer_tables import (
    GAUSSIAN_CAPACITY,
    PRIOR_CAPACITY,
    IntegerTables,
    gaussian_pmfs,
    prior_pmfs,
)
from difficmh_core.compression.symbol_coding import QuantizedLatents, SymbolCoder
from difficmh_core.compression.transforms import (
    AnalysisTransform,
    HyperAnalysis,
    HyperPrior,
    HyperSynthesis,
    SynthesisTransform,
)
from difficmh_core.config.networks import PIXELS_PER_BLOCK, LatentCodecConfig, quality_share
from difficmh_core.shapes import CodecLatent, DiffusionLatent, HyperLatent, Image01

_LATENT_GAIN_SPREAD = 8.0
"""Initial ratio between the finest and the coarsest rounding of y."""
_HYPER_GAIN_SPREAD = 2.0
"""Initial ratio between the finest and the coarsest rounding of z, whose share is small."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LatentCodecOutput:
    """What one pass through the whole codec gives, for losses and for comparison.

    Attributes:
        content_latent: The decoder's estimate of the diffusion latent.
        y: The latent before gain and rounding.
        y_hat: The quantized latent, gained.
        z_hat: The quantized hyper-latent, gained.
        y_likelihoods: Probability of each value of y, in [1e-9, 1].
        z_likelihoods: Probability of each value of z, in [1e-9, 1].
        means: Predicted mean of each gained value of y.
    """

    content_latent: DiffusionLatent
    y: CodecLatent
    y_hat: CodecLatent
    z_hat: HyperLatent
    y_likelihoods: CodecLatent
    z_likelihoods: HyperLatent
    means: CodecLatent

    def latent_bits(self) -> Float[Tensor, " batch"]:
        """The estimated size of each picture's latent [bit]."""
        return -self.y_likelihoods.log2().flatten(1).sum(dim=1)

    def hyper_bits(self) -> Float[Tensor, " batch"]:
        """The estimated size of each picture's hyper-latent [bit]."""
        return -self.z_likelihoods.log2().flatten(1).sum(dim=1)

    def bits(self) -> Float[Tensor, " batch"]:
        """The estimated size of each picture, latent and hyper-latent together [bit]."""
        return self.latent_bits() + self.hyper_bits()


class LatentCodec(nn.Module):
    """Transforms, context model and entropy models together."""

    def __init__(self, config: LatentCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.analysis = AnalysisTransform(config)
        self.hyper_analysis = HyperAnalysis(config)
        self.prior = FactorizedPrior(config.hyper_channels)
        self.hyper_synthesis = HyperSynthesis(config)
        self.context_model = ContextModel(config)
        self.hyper_prior = HyperPrior(config)
        self.synthesis = SynthesisTransform(config)
        self.latent_tables = IntegerTables(len(scale_table()), GAUSSIAN_CAPACITY)
        self.hyper_tables = IntegerTables(
            config.hyper_channels, config.hyper_channels * PRIOR_CAPACITY
        )
        self.latent_gains: Gains | None = None
        self.hyper_gains: Gains | None = None
        if config.n_rate_points > 1:
            points = config.n_rate_points
            self.latent_gains = Gains(points, config.latent_channels, _LATENT_GAIN_SPREAD)
            self.hyper_gains = Gains(points, config.hyper_channels, _HYPER_GAIN_SPREAD)

    @property
    def dtype(self) -> torch.dtype:
        """Element type of the weights."""
        return self.prior.quantiles.dtype

    def analyze(self, image: Image01, diffusion_latent: DiffusionLatent) -> CodecLatent:
        """Return the latent y, before gain and rounding.

        Args:
            image: RGB in [0, 1]; height and width are multiples of 64 [px].
            diffusion_latent: The same picture's latent in the diffusion autoencoder.
        """
        y: Tensor = self.analysis(image.to(self.dtype), diffusion_latent.to(self.dtype))
        return y

    def synthesize(
        self,
        y_hat: CodecLatent,
        z_hat: HyperLatent,
        quality: Float[Tensor, " batch"] | None = None,
    ) -> DiffusionLatent:
        """Return the content latent of quantized latents.

        Args:
            y_hat: The quantized latent, gained.
            z_hat: The quantized hyper-latent, gained.
            quality: In [0, 1], one for each picture; needed with more than one rate point.
        """
        y_hat = without_gain(self.latent_gains, y_hat, quality).to(self.dtype)
        z_hat = without_gain(self.hyper_gains, z_hat, quality).to(self.dtype)
        content_latent: Tensor = self.synthesis(y_hat, self.hyper_prior(z_hat))
        return content_latent

    def forward(
        self,
        image: Image01,
        diffusion_latent: DiffusionLatent,
        quality: Float[Tensor, " batch"] | None = None,
    ) -> LatentCodecOutput:
        """Run the whole codec and estimate its rate, without coding anything.

        In training mode the rate sees additive uniform noise and the decoder sees rounded values
        with straight-through gradients; in evaluation mode both see rounded values.

        Arguments are those of :meth:`analyze` and :meth:`synthesize`.

        Raises:
            ConfigError: If the model has several rate points and ``quality`` is missing.
        """
        return self.estimate(self.analyze(image, diffusion_latent), diffusion_latent, quality)

    def estimate(
        self,
        y: CodecLatent,
        diffusion_latent: DiffusionLatent,
        quality: Float[Tensor, " batch"] | None = None,
    ) -> LatentCodecOutput:
        """Run the codec on what :meth:`analyze` returned; otherwise as :meth:`forward`."""
        gained_y = with_gain(self.latent_gains, y, quality)
        z = self.hyper_analysis(gained_y.to(self.dtype), diffusion_latent.to(self.dtype))
        gained_z = with_gain(self.hyper_gains, z, quality).float()
        medians = self.prior.medians.float()
        z_hat = round_straight_through(gained_z - medians) + medians
        ungained_z = without_gain(self.hyper_gains, z_hat, quality).to(self.dtype)
        hyper_features = self.hyper_synthesis(ungained_z)

        split_y = split_checkerboard(gained_y.float())
        predicted: list[tuple[Tensor, Tensor]] = []

        def quantize(step: CodingPass, scales: HalfLatent, means: HalfLatent) -> HalfLatent:
            predicted.append((scales, means))
            means = means.float()
            return (round_straight_through(step.of(*split_y) - means) + means).to(self.dtype)

        y_hat = self.context_model.run(hyper_features, quantize)
        scales, means = (
            torch.cat(
                [
                    merge_checkerboard(anchors[which].float(), others[which].float())
                    for anchors, others in zip(predicted[0::2], predicted[1::2], strict=True)
                ],
                dim=1,
            )
            for which in (0, 1)
        )
        with torch.autocast(y_hat.device.type, enabled=False):
            y_rated = _add_noise(gained_y.float()) if self.training else y_hat
            z_rated = _add_noise(gained_z) if self.training else z_hat
            y_likelihoods = gaussian_likelihood(y_rated, scales, means)
            z_likelihoods = self.prior.likelihood(z_rated)
        return LatentCodecOutput(
            content_latent=self.synthesize(y_hat, z_hat, quality),
            y=y,
            y_hat=y_hat,
            z_hat=z_hat,
            y_likelihoods=y_likelihoods,
            z_likelihoods=z_likelihoods,
            means=means,
        )

    def auxiliary_loss(self) -> Float[Tensor, ""]:
        """Return the loss that trains the prior's quantiles, and nothing else."""
        with torch.autocast(self.prior.quantiles.device.type, enabled=False):
            return self.prior.auxiliary_loss()

    @torch.no_grad()
    def compress(
        self, y: CodecLatent, diffusion_latent: DiffusionLatent, quality_level: int
    ) -> tuple[CodedLatent, QuantizedLatents]:
        """Code the latent of one picture.

        Every machine decodes the result to the same integers. Another machine's encoder may
        choose a few others, since analysis runs in the element type of the weights.

        Args:
            y: What :meth:`analyze` returned, batch of one.
            diffusion_latent: The same picture's latent in the diffusion autoencoder.
            quality_level: 0 (smallest) to 255 (best); ignored by a model of one rate.

        Returns:
            What a file holds, and the latents that its decoder will know.

        Raises:
            CheckpointError: If the integer tables are missing or a value is not finite.
        """
        quality = _quality_of(quality_level, y.device)
        gained_y = with_gain(self.latent_gains, y.double(), quality)
        z = self.hyper_analysis(gained_y.to(self.dtype), diffusion_latent.to(self.dtype))
        gained_z = with_gain(self.hyper_gains, z.double(), quality)
        return self.symbol_coder(quality_level).encode(gained_y, gained_z)

    def decompress(
        self, coded: CodedLatent, quality_level: int, size_px: tuple[int, int]
    ) -> DiffusionLatent:
        """Decode the content latent of one picture.

        Args:
            coded: What :meth:`compress` wrote.
            quality_level: 0 to 255, as encoded.
            size_px: Height and width of the padded picture, multiples of 64 [px].

        Raises:
            CorruptBitstreamError: If payload, corrections and check do not fit together.
            CheckpointError: If the integer tables are missing or a value is not finite.
        """
        quantized = self.decode_symbols(coded, quality_level, size_px)
        quality = _quality_of(quality_level, quantized.y_hat.device)
        with torch.no_grad():
            return self.synthesize(quantized.y_hat, quantized.z_hat, quality)

    @torch.no_grad()
    def decode_symbols(
        self, coded: CodedLatent, quality_level: int, size_px: tuple[int, int]
    ) -> QuantizedLatents:
        """Decode the quantized latents of one picture, the same on every machine.

        Arguments and errors are those of :meth:`decompress`.
        """
        height, width = size_px
        size_64 = height // PIXELS_PER_BLOCK, width // PIXELS_PER_BLOCK
        return self.symbol_coder(quality_level).decode(coded, size_64)

    @torch.no_grad()
    def update_tables(self) -> None:
        """Build the integer tables, once, after training; save them with the weights."""
        self.latent_tables.build(gaussian_pmfs())
        self.hyper_tables.build(prior_pmfs(self.prior))

    @torch.no_grad()
    def fingerprint(self) -> bytes:
        """Return 4 bytes of the SHA-256 of everything that decides symbols.

        Values count, not the element type that holds them: casting the weights to a wider type
        changes nothing. What only the encoder or the synthesis uses does not count either.
        """
        settings = asdict(self.config)
        del settings["diffusion_channels"]  # of what analysis reads and synthesis writes
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        parts = {
            "hyper_synthesis": self.hyper_synthesis.state_dict(),
            "context_model": self.context_model.state_dict(),
            "latent_tables": self.latent_tables.state_dict(),
            "hyper_tables": self.hyper_tables.state_dict(),
            "prior": {"medians": self.prior.medians},
        }
        if self.hyper_gains is not None:
            parts["hyper_gains"] = {"log_inverse_gain": self.hyper_gains.log_inverse_gain}
        for part, tensors in parts.items():
            for name, tensor in tensors.items():
                digest.update(f"{part}.{name}{tuple(tensor.shape)}".encode())
                values = tensor.cpu().double().contiguous().numpy()
                digest.update(values.astype("<f8", copy=False).data)
        return digest.digest()[:4]

    @torch.no_grad()
    def symbol_coder(self, quality_level: int) -> SymbolCoder:
        """Put together what decides symbols at a quality level, 0 to 255, in float64.

        Copied at each call: that takes milliseconds, needs the memory only while coding, and
        cannot go stale when the weights change.

        Raises:
            CheckpointError: If the integer tables are missing.
        """
        quality = _quality_of(quality_level, self.prior.quantiles.device)
        gain = torch.ones(1, self.config.hyper_channels, 1, 1, device=quality.device).double()
        return SymbolCoder(
            hyper_synthesis=copy.deepcopy(self.hyper_synthesis).double(),
            context_model=copy.deepcopy(self.context_model).double(),
            medians=self.prior.medians.double().reshape(-1, 1, 1),
            inverse_hyper_gain=without_gain(self.hyper_gains, gain, quality),
            latent_tables=self.latent_tables.to_coder(),
            hyper_tables=self.hyper_tables.to_coder(),
            mean_grid_bits=self.config.mean_grid_bits,
        )


def _quality_of(quality_level: int, device: torch.device) -> Float64[Tensor, " 1"]:
    return torch.tensor([quality_share(quality_level)], dtype=torch.float64, device=device)


def _add_noise(values: Tensor) -> Tensor:
    """Uniform over one rounding interval."""
    return values + torch.empty_like(values).uniform_(-0.5, 0.5)
