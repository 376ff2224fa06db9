"""The losses on decoded pictures, and the balance of their gradients."""

import copy

import pytest
import torch

from difficmh_core.tagging.classifier import EfficientNetLite0
from difficmh_core.training.discriminator import ProjectedDiscriminator, augmented
from difficmh_core.training.picture_loss import PerceptualLosses, PictureLoss
from difficmh_core.training.settings import PictureWeights


class Squared(torch.nn.Module):
    """Mean squared difference, in the place of a perceptual distance."""

    def forward(self, reference, decoded):
        return (reference - decoded).square().flatten(1).mean(dim=1)


SQUARED = PerceptualLosses(lpips=Squared, dists=Squared, classifier=EfficientNetLite0)


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
    torch.manual_seed(1)
    pulled = gradient_of(copy.deepcopy(loss)(image, decoded, 0.0, decoded), decoded)
    torch.manual_seed(1)
    losses = loss(image, decoded, 0.0, decoded)
    (losses["picture"] + losses["discriminator"]).backward()
    torch.testing.assert_close(decoded.grad, pulled)
    assert all(p.grad is not None for p in loss.discriminator.parameters())


def test_the_discriminator_pulls_at_the_first_pictures_only(pictures):
    torch.manual_seed(0)
    image, decoded = pictures[0], pictures[1].requires_grad_()
    weights = PictureWeights(l1=1.0, adversarial=0.5, adversarial_from=0.0)
    loss = PictureLoss(weights, SQUARED, context_channels=4)
    plain = gradient_of(PictureLoss(PictureWeights(l1=1.0), SQUARED)(image, decoded, 0, decoded),
                        decoded)  # fmt: skip
    context = torch.randn(1, 2, 4)
    pulled = gradient_of(loss(image, decoded, 0.0, decoded, pulled_context=context), decoded)
    assert not torch.equal(pulled[0], plain[0])
    assert torch.equal(pulled[1], plain[1])


@pytest.fixture
def maps():
    """What a classifier sees in real pictures and in decoded ones, which have another contrast."""
    generator = torch.Generator().manual_seed(0)
    sizes = ((32, 16), (16, 16), (24, 16), (40, 8), (80, 4), (112, 4), (192, 2), (320, 2))

    def of(contrast, n=4):
        return [
            contrast * torch.randn((n, channels, side, side), generator=generator)
            for channels, side in sizes
        ]

    return of


def test_the_discriminator_learns_to_tell(maps):
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator(0)
    optimizer = torch.optim.AdamW(discriminator.parameters(), lr=1e-2)
    first = discriminator.loss(maps(1.0), maps(0.3), None)
    for _ in range(40):
        loss = discriminator.loss(maps(1.0), maps(0.3), None)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.5 * first
    realism = [discriminator.realism(maps(contrast), None).mean() for contrast in (1.0, 0.3)]
    assert realism[0] > realism[1] + 0.5


def test_tags_count_in_the_scores(maps):
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator(8).eval()
    seen, context = maps(1.0, n=2), torch.randn(2, 3, 8)
    without, scores = discriminator(seen, None), discriminator(seen, context)
    assert all(not torch.equal(a, b) for a, b in zip(without, scores, strict=True))
    others = discriminator(seen, context.flip(0))
    assert all(not torch.equal(a, b) for a, b in zip(others, scores, strict=True))


def test_augmented_pictures_differ_and_pass_gradients(pictures):
    torch.manual_seed(0)
    image = pictures[0].clone().requires_grad_()
    first, second = augmented(image), augmented(image)
    assert first.shape == image.shape
    assert not torch.equal(first, second)
    assert not torch.allclose(first[0] - image[0], first[1] - image[1])
    first.sum().backward()
    assert image.grad.abs().max() > 0


def test_color_is_that_of_squares(pictures):
    image, shifted = pictures[0], pictures[0] + torch.tensor([0.1, 0.0, 0.0]).view(1, 3, 1, 1)
    loss = PictureLoss(PictureWeights(color=3.0), SQUARED)
    assert loss(image, shifted, 0.0, shifted.requires_grad_())["picture"].item() == pytest.approx(
        0.1, rel=1e-4
    )
    # Noise that leaves the mean of each pair of pixels: no color changed.
    checkers = torch.tensor([0.1, -0.1]).repeat(32).expand(2, 3, 64, 64)
    noisy = (image + checkers).requires_grad_()
    assert loss(image, noisy, 0.0, noisy)["color"].item() < 1e-6


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
