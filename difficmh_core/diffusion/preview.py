"""A cheap look at a latent: one affine map per position, an eighth of the picture's size."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.shapes import DiffusionLatent, Image01

_RIDGE = 1e-6


class LatentPreview(nn.Module):
    """Map each latent vector to the mean color of the 8 x 8 pixels that it stands for."""

    weight: Float[Tensor, "3 latent"]
    bias: Float[Tensor, "3"]

    def __init__(self, latent_channels: int = 4) -> None:
        """Start with mid-gray for every latent; :meth:`fit` or a checkpoint sets the map."""
        super().__init__()
        self.register_buffer("weight", torch.zeros(3, latent_channels))
        self.register_buffer("bias", torch.full((3,), 0.5))

    def forward(self, latent: DiffusionLatent) -> Float[Tensor, "batch 3 h8 w8"]:
        """Return small pictures in [0, 1]."""
        colors = torch.einsum("rc,bchw->brhw", self.weight, latent.to(self.weight.dtype))
        return (colors + self.bias[:, None, None]).clamp(0, 1)

    def fit(self, latent: DiffusionLatent, image: Image01) -> None:
        """Set the map to the least-squares fit of pictures, averaged over 8 x 8 pixels."""
        small = nn.functional.avg_pool2d(image, 8).double()
        rows = latent.double().movedim(1, -1).flatten(0, -2)  # (B h w, c)
        rows = torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)
        colors = small.movedim(1, -1).flatten(0, -2)  # (B h w, 3)
        gram = rows.T @ rows + _RIDGE * len(rows) * torch.eye(rows.shape[1], dtype=rows.dtype)
        solution = torch.linalg.solve(gram, rows.T @ colors)
        self.weight.copy_(solution[:-1].T)
        self.bias.copy_(solution[-1])
