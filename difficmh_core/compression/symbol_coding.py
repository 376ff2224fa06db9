"""Between quantized latents and bytes, so that every machine decodes the same integers.

::

    z symbols ─ range coder ─ z_hat ─ hyper synthesis ─ context model ─┬─ scale ─ quantize ─ table
                                              ▲                        └─ mean ── quantize ─┐
                                              └──────────── y_hat = mean + symbol ──────────┘

All networks here run in float64; what they predict is quantized before it is used, and y_hat lies
exactly on the grid, so that a difference in the last digit dies out before the next pass. Where
it might not, the encoder notes its choice, see :mod:`difficmh_core.compression.corrections`.

Coding order: z by channel, row, column; then y pass by pass as the context model walks, within a
pass by channel, row, column. Choices are numbered in the same order, the means of a pass before
its scales.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy.typing import NDArray
from torch import Tensor

from difficmh_core.bitstream.coded_latent import CodedLatent
from difficmh_core.bitstream.range_coder import CdfTables, RangeDecoder, RangeEncoder
from difficmh_core.compression.context_model import (
    CodingPass,
    ContextModel,
    HalfLatent,
    split_checkerboard,
)
from difficmh_core.compression.corrections import (
    Corrections,
    read_corrections,
    write_corrections,
)
from difficmh_core.compression.entropy_models import (
    VALUE_MAX,
    QuantizedParameters,
    quantize_means,
    quantize_scales,
)
from difficmh_core.compression.transforms import HyperSynthesis
from difficmh_core.errors import CheckpointError, CorruptBitstreamError

_CHECK_BITS = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedLatents:
    """What the decoder knows after reading the payload.

    Attributes:
        y_hat: The quantized latent, gained, on the grid of the means.
        z_hat: The quantized hyper-latent, gained.
        n_hyper_bits: Share of the hyper-latent in the payload [bit].
    """

    y_hat: Float64[Tensor, "batch m h16 w16"]
    z_hat: Float64[Tensor, "batch n h64 w64"]
    n_hyper_bits: float


class _Check:
    """A checksum over integers, in the order in which they are coded."""

    def __init__(self) -> None:
        self._crc = 0

    def add(self, values: Int64[Tensor, "*shape"]) -> None:
        self._crc = zlib.crc32(values.cpu().numpy().astype("<i8").tobytes(), self._crc)

    def value(self) -> int:
        """Return both halves of the CRC-32 folded into 16 bits."""
        return (self._crc >> _CHECK_BITS ^ self._crc) & (1 << _CHECK_BITS) - 1


@dataclass
class _NotedChoices:
    """The encoder's side of the correction list: take what was chosen, note what is close."""

    parities: dict[int, int] = field(default_factory=dict)
    n_made: int = 0

    def resolve(self, parameters: QuantizedParameters) -> Int64[Tensor, "*shape"]:
        chosen = parameters.chosen.flatten()
        for position in parameters.is_ambiguous.flatten().nonzero().flatten().tolist():
            self.parities[self.n_made + position] = int(chosen[position]) & 1
        self.n_made += chosen.numel()
        return parameters.chosen


@dataclass
class _GivenChoices:
    """The decoder's side of the correction list: take the neighbor whose parity was noted."""

    corrections: Corrections
    n_made: int = 0

    def resolve(self, parameters: QuantizedParameters) -> Int64[Tensor, "*shape"]:
        positions, parities = self.corrections
        first, end = np.searchsorted(
            positions, (self.n_made, self.n_made + parameters.chosen.numel())
        ).tolist()
        resolved = parameters.chosen.flatten()
        if first < end:
            device = resolved.device
            local = torch.from_numpy(positions[first:end] - self.n_made).to(device)
            parity = torch.from_numpy(parities[first:end]).to(device)
            local = local[resolved[local] & 1 != parity]
            resolved = resolved.index_copy(0, local, parameters.runner_up.flatten()[local])
        self.n_made += parameters.chosen.numel()
        return resolved.reshape(parameters.chosen.shape)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SymbolCoder:
    """Everything that decides symbols, in float64 and integers.

    Attributes:
        hyper_synthesis: Makes hyper features of z_hat, in float64.
        context_model: Predicts the scales and means of y, in float64.
        medians: Offset of each hyper-latent channel's rounding grid.
        inverse_hyper_gain: What z_hat is multiplied with before the hyper synthesis.
        latent_tables: Tables of y, one for each scale.
        hyper_tables: Tables of z, one for each channel.
        mean_grid_bits: Means are multiples of ``2**-mean_grid_bits``.
    """

    hyper_synthesis: HyperSynthesis
    context_model: ContextModel
    medians: Float64[Tensor, "n 1 1"]
    inverse_hyper_gain: Float64[Tensor, "1 n 1 1"]
    latent_tables: CdfTables
    hyper_tables: CdfTables
    mean_grid_bits: int

    def encode(
        self, y: Float64[Tensor, "1 m h16 w16"], z: Float64[Tensor, "1 n h64 w64"]
    ) -> tuple[CodedLatent, QuantizedLatents]:
        """Round and code gained latents.

        Returns:
            What a file holds, and the latents that its decoder will know.

        Raises:
            CheckpointError: If a latent or a prediction is not finite.
        """
        for values in (y, z):
            if not bool((values.abs() <= VALUE_MAX).all()):
                raise CheckpointError(
                    "The analysis transform computed a value that is too large to code or not "
                    "finite. Its weights are damaged or were never trained; load the published "
                    "ones again."
                )
        encoder, check, choices = RangeEncoder(), _Check(), _NotedChoices()
        z_symbols = (z - self.medians).round().long()
        encoder.encode(_to_numpy(z_symbols), self._hyper_indexes(z_symbols), self.hyper_tables)
        check.add(z_symbols)
        n_hyper_bits = float(encoder.n_bits)
        halves = split_checkerboard(y)

        def code(step: CodingPass, means: Tensor, tables: Tensor) -> Tensor:
            symbols = (step.of(*halves) - means).round().long()
            encoder.encode(_to_numpy(symbols), _to_numpy(tables), self.latent_tables)
            return symbols

        quantized = self._walk(z_symbols, choices.resolve, code, check, n_hyper_bits)
        coded = CodedLatent(
            payload=encoder.finish(),
            corrections=write_corrections(choices.parities),
            symbol_check=check.value(),
        )
        return coded, quantized

    def decode(self, coded: CodedLatent, size_64: tuple[int, int]) -> QuantizedLatents:
        """Decode the latents that :meth:`encode` coded.

        Args:
            coded: What it wrote.
            size_64: Height and width of the hyper-latent.

        Raises:
            CorruptBitstreamError: If payload, corrections and check do not fit together.
        """
        rows, columns = size_64
        n_values = 16 * rows * columns * self.context_model.n_channels
        choices = _GivenChoices(read_corrections(coded.corrections, 2 * n_values))
        decoder, check = RangeDecoder(coded.payload), _Check()
        shape = (1, len(self.medians), rows, columns)
        z_bits = rows * columns * self.hyper_tables.least_bits.sum()
        decoder.expect(float(z_bits + n_values * self.latent_tables.least_bits.min()))
        z_indexes = self._hyper_indexes(torch.empty(shape, device="meta"))
        z_symbols = self._to_tensor(decoder.decode(z_indexes, self.hyper_tables)).reshape(shape)
        check.add(z_symbols)

        def code(_: CodingPass, means: Tensor, tables: Tensor) -> Tensor:
            symbols = decoder.decode(_to_numpy(tables), self.latent_tables)
            return self._to_tensor(symbols).reshape(means.shape)

        n_hyper_bits = decoder.n_bits
        try:
            quantized = self._walk(z_symbols, choices.resolve, code, check, n_hyper_bits)
        except CheckpointError as error:
            # These weights are the ones that coded the file, so the integers are to blame.
            raise CorruptBitstreamError(
                "The payload holds symbols from which the networks predict values that no "
                "encoder codes. The file is damaged; copy it again."
            ) from error
        decoder.finish()
        if check.value() != coded.symbol_check:
            raise CorruptBitstreamError(
                f"The latent was decoded to other numbers than were encoded: their check is "
                f"{check.value():04x}, the file says {coded.symbol_check:04x}. If the file's "
                "checksum is right, this machine's arithmetic has gone astray; decode on another "
                "device."
            )
        return quantized

    def _walk(
        self,
        z_symbols: Tensor,
        resolve: Callable[[QuantizedParameters], Tensor],
        code: Callable[[CodingPass, Tensor, Tensor], Tensor],
        check: _Check,
        n_hyper_bits: float,
    ) -> QuantizedLatents:
        """Run the networks; ``code`` turns means and table indexes of a pass into symbols."""
        z_hat = z_symbols.double() + self.medians
        grid = 1 << self.mean_grid_bits

        def quantize(step: CodingPass, scales: HalfLatent, means: HalfLatent) -> HalfLatent:
            mean_steps = resolve(quantize_means(means, self.mean_grid_bits))
            tables = resolve(quantize_scales(scales))
            symbols = code(step, mean_steps.double() / grid, tables)
            y_steps = symbols * grid + mean_steps
            check.add(y_steps)
            return y_steps.double() / grid

        hyper_features = self.hyper_synthesis(z_hat * self.inverse_hyper_gain)
        return QuantizedLatents(
            y_hat=self.context_model.run(hyper_features, quantize),
            z_hat=z_hat,
            n_hyper_bits=n_hyper_bits,
        )

    def _hyper_indexes(self, z_symbols: Tensor) -> NDArray[np.int32]:
        """Return the table of each value of the hyper-latent: its channel."""
        _, channels, rows, columns = z_symbols.shape
        return np.repeat(np.arange(channels, dtype=np.int32), rows * columns)

    def _to_tensor(self, symbols: NDArray[np.int32]) -> Tensor:
        return torch.from_numpy(symbols.astype(np.int64)).to(self.medians.device)


def _to_numpy(values: Int64[Tensor, "*shape"]) -> NDArray[np.int32]:
    """Return integers in coding order."""
    # Saturated, not wrapped: the range coder then sees, and refuses, what no table can hold.
    limits = np.iinfo(np.int32)
    return values.flatten().cpu().numpy().clip(limits.min, limits.max).astype(np.int32)
