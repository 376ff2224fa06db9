"""The networks of further machine tasks: files of the hub, at which commit, with which hashes.

Each is pinned to a commit, which fixes every byte. Where a file's SHA-256 and size are known
beforehand they stand here; where not, the hub's own checksum is compared when the file arrives,
and its SHA-256 is then noted beside it, so that later loadings compare with that.

Only safetensors and text are ever fetched: no pickles, no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from difficmh_core.errors import BackendUnavailableError
from difficmh_core.weights.hub import HubCard, verified_path

_FETCH = "python -m difficmh_core fetch tasks"
_WITHOUT_IT = "Every other task works without it."
_BUFFERS = (r"position_ids$", r"relative_position_index$")
"""Tensors of older files that hold no weights: they follow from the network's size."""
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskModel:
    """A network of the hub that does one task.

    Attributes:
        task: Key of the task.
        name: The network, as people name it.
        repository: Owner and name of the repository.
        revision: Its commit.
        architecture: The class of transformers that runs it.
        files: Size [bytes] and SHA-256 of each file; a size is about where there is no SHA-256.
        license: SPDX name of the weights' license.
        source: Address of the work it belongs to.
        absent: Patterns of parameters that the file need not hold, because the task never uses
            them.
        superfluous: Patterns of tensors that the file may hold and the network does not.
    """

    task: str
    name: str
    repository: str
    revision: str
    architecture: str
    files: Mapping[str, tuple[int, str | None]]
    license: str
    source: str
    absent: tuple[str, ...] = ()
    superfluous: tuple[str, ...] = _BUFFERS

    @property
    def cards(self) -> tuple[HubCard, ...]:
        """One card for each file, the weights last."""
        names = sorted(self.files, key=lambda name: (name == _WEIGHTS, name))
        return tuple(self._card(name) for name in names)

    @property
    def n_bytes(self) -> int:
        """Size of all files [bytes]; about, where a SHA-256 is not known beforehand."""
        return sum(n_bytes for n_bytes, _ in self.files.values())

    @property
    def has_words(self) -> bool:
        """Whether the files hold a tokenizer."""
        return any(name.startswith("tokenizer") for name in self.files)

    def verified_folder(self, cache_dir: Path) -> Path:
        """Return the folder of the files, each of which is the one that was checked.

        Args:
            cache_dir: The cache folder.

        Raises:
            BackendUnavailableError: If a file has not been fetched.
            CheckpointError: If one has changed since, or is not the pinned one.
        """
        try:
            for card in self.cards:
                verified_path(card, cache_dir)
        except BackendUnavailableError as error:
            raise BackendUnavailableError(
                f"{self.name} is not in {cache_dir}. Get it ({self.n_bytes / 1e9:.2f} GB) with "
                f"`{_FETCH} {self.task}`. {_WITHOUT_IT}"
            ) from error
        return self.cards[0].folder(cache_dir)

    def _card(self, path: str) -> HubCard:
        n_bytes, sha256 = self.files[path]
        return HubCard(
            purpose=f"the file {path} of {self.name}",
            repository=self.repository,
            path=path,
            revision=self.revision,
            sha256=sha256,
            n_bytes=n_bytes,
            license=self.license,
            command=f"{_FETCH} {self.task}",
            without_it=_WITHOUT_IT,
        )


_MODELS = (
    TaskModel(
        task="instances",
        name="Mask2Former (Swin-T, COCO instances)",
        repository="facebook/mask2former-swin-tiny-coco-instance",
        revision="22c4a2f15dc88149b8b8d9f4d42c54431fbd66f6",
        architecture="Mask2FormerForUniversalSegmentation",
        files={
            "config.json": (80_000, None),
            "preprocessor_config.json": (540, None),
            _WEIGHTS: (190_000_000, None),
        },
        license="MIT",
        source="https://github.com/facebookresearch/Mask2Former",
        absent=(r"\.swin\.layernorm\.",),
    ),
    TaskModel(
        task="panoptic",
        name="Mask2Former (Swin-T, COCO panoptic)",
        repository="facebook/mask2former-swin-tiny-coco-panoptic",
        revision="df6b1142ff50c3276559d9d78f35f6a579c75a77",
        architecture="Mask2FormerForUniversalSegmentation",
        files={
            "config.json": (
                82_185,
                "c638e5e4aeada33f37287509785306277cb6b60998cdd9dd13e9df7f0aa90055",
            ),
            "preprocessor_config.json": (
                538,
                "c25764d27c09d4cd2dcb0100f54221c00c7169446425cc70b2b40481157c3e5c",
            ),
            _WEIGHTS: (
                190_052_872,
                "8e154c4f946f4fad9aa511a7d706c89c4254cc6eee28fd932e52c32394c5a29f",
            ),
        },
        license="MIT",
        source="https://github.com/facebookresearch/Mask2Former",
        absent=(r"\.swin\.layernorm\.",),
    ),
    TaskModel(
        task="semantic",
        name="SegFormer-B0 (ADE20K)",
        repository="nvidia/segformer-b0-finetuned-ade-512-512",
        revision="489d5cd81a0b59fab9b7ea758d3548ebe99677da",
        architecture="SegformerForSemanticSegmentation",
        files={
            "config.json": (
                6_884,
                "209caa9091e4632f7c8883c11170cd08ad29af68b23c09590aa4a5befb1a2a7f",
            ),
            "preprocessor_config.json": (
                271,
                "8039d1d210abaa7117ad78e58cdfd6141a2ec72c03dae891b3cd76737e422c6c",
            ),
            _WEIGHTS: (
                15_036_944,
                "6ae39addd01de6b1b8bde2cf677d43a5cd733424b8d186de3f95d1c51fee23f9",
            ),
        },
        license="LicenseRef-NVIDIA-SegFormer",
        source="https://github.com/NVlabs/SegFormer",
    ),
    TaskModel(
        task="open-vocabulary",
        name="CLIPSeg (rd64, refined)",
        repository="CIDAS/clipseg-rd64-refined",
        revision="999e0328d9e10b484360c477313983f9afdd7050",
        architecture="CLIPSegForImageSegmentation",
        files={
            "config.json": (
                4_732,
                "c023375966d31b3b1392764f7bd91df47098ce19f62f11b0263d8eedcf708bcd",
            ),
            "merges.txt": (
                524_619,
                "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a",
            ),
            "preprocessor_config.json": (
                380,
                "4fb09ebcfd7651205ca8299b993c30088e5535ef350a72d46c5c4580eeac0440",
            ),
            "special_tokens_map.json": (
                472,
                "c4864a9376a8401918425bed71fc14fc0e81f9b59ec45c1cf96cccb2df508eac",
            ),
            "tokenizer_config.json": (
                974,
                "4c75d57fd9bd0be8478ad2d6f8b9cebdd4a45338eb108547329c2b6333476ca6",
            ),
            "vocab.json": (
                1_059_962,
                "e089ad92ba36837a0d31433e555c8f45fe601ab5c221d4f607ded32d9f7a4349",
            ),
            _WEIGHTS: (
                603_049_496,
                "d00ca85d6b859f9d07b7cfb8ef26fe9771cb275b34c9368f2ecf603139307f55",
            ),
        },
        license="Apache-2.0",
        source="https://github.com/timojl/clipseg",
    ),
    TaskModel(
        task="retrieval",
        name="CLIP (ViT-B/32, LAION-2B)",
        repository="laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        revision="1a25a446712ba5ee05982a381eed697ef9b435cf",
        architecture="CLIPModel",
        files={
            "config.json": (
                4_355,
                "1284cbff35169abb23a1c5525a8b0f543c7bd191d4b9aed63880c1571bc4191c",
            ),
            "merges.txt": (
                524_618,
                "f1cd414c2d113a28b296afc0fd66ae854c0e0c34d5de373a2f5b7f62e0c02344",
            ),
            "preprocessor_config.json": (
                316,
                "910e70b3956ac9879ebc90b22fb3bc8a75b6a0677814500101a4c072bd7857bd",
            ),
            "special_tokens_map.json": (
                389,
                "f8c0d6c39aee3f8431078ef6646567b0aba7f2246e9c54b8b99d55c22b707cbf",
            ),
            "tokenizer.json": (
                2_224_041,
                "b556ac8c99757ffb677208af34bc8c6721572114111a6e0aaf5fa69ff0b8d842",
            ),
            "tokenizer_config.json": (
                904,
                "e19f34ef773563fb695f96cfcae1e4c7b112ab6ad532f6962061df5242d924f0",
            ),
            "vocab.json": (
                862_328,
                "5047b556ce86ccaf6aa22b3ffccfc52d391ea4accdab9c2f2407da5b742d4363",
            ),
            _WEIGHTS: (
                605_157_884,
                "74813fbcdc750f235c9784c367ca1394d2a5c25eb0aac92761752ac239db7cff",
            ),
        },
        license="MIT",
        source="https://github.com/mlfoundations/open_clip",
    ),
    TaskModel(
        task="depth",
        name="Depth Anything V2 (small)",
        repository="depth-anything/Depth-Anything-V2-Small-hf",
        revision="5426e4f0f36572d16453bbda7a8389317b1bef99",
        architecture="DepthAnythingForDepthEstimation",
        files={
            "config.json": (
                950,
                "c56698d3643dde1f83ea2212759e6b31a22b8f827246a36dd007ee8a22b3ff75",
            ),
            "preprocessor_config.json": (
                775,
                "d41175c0d889477ca8fc67191e540faef14baf6275157b3fdecf78469e6bbf84",
            ),
            _WEIGHTS: (
                99_173_660,
                "3152477ce0d8d6978d76b995120de97cb5b928701fd0f817769f59e249a16b70",
            ),
        },
        license="Apache-2.0",
        source="https://github.com/DepthAnything/Depth-Anything-V2",
        absent=(r"\.mask_token$",),
    ),
    TaskModel(
        task="pose",
        name="ViTPose (base, simple decoder)",
        repository="usyd-community/vitpose-base-simple",
        revision="a93ac0c67e0b7e2c55287d21d4c460c8f3c54d45",
        architecture="VitPoseForPoseEstimation",
        files={
            "config.json": (2_000, None),
            "preprocessor_config.json": (600, None),
            _WEIGHTS: (
                343_700_000,
                "85375373893ddd3641f3912821073e53f5435f9e966e1dca59d004454bfe4fdf",
            ),
        },
        license="Apache-2.0",
        source="https://github.com/ViTAE-Transformer/ViTPose",
    ),
    TaskModel(
        task="captions",
        name="GIT (base, COCO)",
        repository="microsoft/git-base-coco",
        revision="a13141da42abd4a8cbf283601a8104265f537cee",
        architecture="GitForCausalLM",
        files={
            "config.json": (2_800, None),
            "preprocessor_config.json": (500, None),
            "tokenizer.json": (711_000, None),
            "tokenizer_config.json": (500, None),
            "vocab.txt": (232_000, None),
            _WEIGHTS: (707_000_000, None),
        },
        license="MIT",
        source="https://github.com/microsoft/GenerativeImage2Text",
    ),
)

TASK_MODELS: Mapping[str, TaskModel] = MappingProxyType({model.task: model for model in _MODELS})
"""Every one, by the key of its task."""
