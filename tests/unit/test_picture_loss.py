"""The losses on decoded pictures, and the balance of their gradients."""

import pytest
import torch

from difficmh_core.training.picture_loss import PatchDiscriminator, PerceptualLosses, PictureLoss
from difficmh_core.training.settings import PictureWeights


class Squared(torch.nn.Module):
    """Mean squared difference, in the place of a perceptual distance."""

    def forward(self, reference, decoded):
        return (reference - decoded).square().flatten(1).mean(dim=1)


SQUARED = PerceptualLosses(lpips=Squared, dists=Squared)


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    return torch.rand((2, 2, 3, 64, 64), generator=generator)


def gradient_of(losses, decoded):
    return torch.autograd.grad(losses["picture"], decoded)[0]


def test_without_a_discriminator_it_is_the_weighted_sum(pictures):
    image, decoded = pictures[0], pictures[1].requires_grad_()
    weights = PictureWeights(l1=2.0, lpips=3.0, dists=5.0)
    losses = PictureLoss(weights, SQUARED)(image, decoded, 0.0, decoded)
    expected = 2 * (image - decoded).abs().mean() + 8 * (image - decoded).square().mean()
    torch.testing.assert_close(losses["picture"], expected)
    torch.testing.assert_close(
        gradient_of(losses, decoded), torch.autograd.grad(expected, decoded)[0]
    )


def test_emphasis_weighs_pictures(pictures):
    image, decoded = pictures[0], pictures[1].requires_grad_()
    loss = PictureLoss(PictureWeights(l1=1.0), SQUARED)
    losses = loss(image, decoded, 0.0, decoded, torch.tensor([0.0, 2.0]))
    gradient = gradient_of(losses, decoded)
    assert gradient[0].abs().max() == 0
    assert gradient[1].abs().max() > 0


def test_the_discriminator_pulls_with_its_share_of_the_last_layer(pictures):
    torch.manual_seed(0)
    image = pictures[0]
    last = torch.nn.Conv2d(3, 3, kernel_size=1)
    weights = PictureWeights(l1=1.0, adversarial=0.5, adversarial_from=0.25)
    loss = PictureLoss(weights, SQUARED).eval()

    def gradient_at(share_done):
        losses = loss(image, last(pictures[1]), share_done, last.weight)
        return torch.autograd.grad(losses["picture"], last.weight)[0]

    plain, pulled = gradient_at(0.2), gradient_at(0.25)
    assert (pulled - plain).norm() == pytest.approx(0.5 * plain.norm().item(), rel=1e-4)


def test_picture_and_discriminator_send_each_other_no_gradients(pictures):
    torch.manual_seed(0)
    image, decoded = pictures[0], pictures[1].requires_grad_()
    loss = PictureLoss(PictureWeights(l1=1.0, adversarial=0.5, adversarial_from=0.0), SQUARED)
    losses = loss.eval()(image, decoded, 0.0, decoded)
    pulled = gradient_of(losses, decoded)
    losses = loss(image, decoded, 0.0, decoded)
    (losses["picture"] + losses["discriminator"]).backward()
    torch.testing.assert_close(decoded.grad, pulled)
    assert all(p.grad is not None for p in loss.discriminator.parameters())


def test_the_discriminator_learns_to_tell(pictures):
    torch.manual_seed(0)
    discriminator = PatchDiscriminator((32, 64, 128))
    smooth = torch.nn.functional.avg_pool2d(pictures[0], 5, 1, 2)
    assert discriminator(smooth).shape == (2, 1, 8, 8)
    optimizer = torch.optim.AdamW(discriminator.parameters(), lr=1e-3)
    for _ in range(30):
        real, fake = discriminator(pictures[0]), discriminator(smooth)
        loss = ((1 - real).relu() + (1 + fake).relu()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert discriminator(pictures[1]).mean() > discriminator(smooth).mean() + 0.5


def test_dists_may_judge_a_share_of_the_batch_with_its_emphasis(pictures):
    image, decoded = pictures[0], pictures[1].requires_grad_()
    loss = PictureLoss(PictureWeights(dists=3.0, dists_share=0.5), SQUARED)
    distances = (image - decoded).square().flatten(1).mean(dim=1)
    emphasis = torch.tensor([1.0, 2.0])
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        losses = loss(image, decoded, 0.0, decoded, emphasis)
        judged = int(gradient_of(losses, decoded).abs().amax(dim=(1, 2, 3)).argmax())
        seen.add(judged)
        expected = 3 * distances[judged] * emphasis[judged]
        torch.testing.assert_close(losses["picture"], expected)
        torch.testing.assert_close(losses["dists"], distances[judged])
    assert seen == {0, 1}
