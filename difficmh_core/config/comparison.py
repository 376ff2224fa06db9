"""What can be compared and measured, by the names of command lines."""

DEFAULT_BASELINES = ("jpeg", "webp", "avif", "jxl", "vvc", "elic")
"""The codecs beside ours that are compared unless others are asked for."""
BASELINES = (*DEFAULT_BASELINES, "jpegli")
"""Keys of the codecs beside ours."""
COLOR_METRICS = ("color_blocks", "color_worst_block", "color_shift", "saturation_change")
"""How far colors are from the original's."""
METRIC_NAMES = (
    *("psnr_db", "ms_ssim", "lpips_alex", "lpips_vgg", "dists", "ssimulacra2"),
    *COLOR_METRICS,
)
"""Those that are computed by :mod:`difficmh_core.quality`, other names are pyiqa's."""
DEFAULT_METRICS = ("psnr_db", "ms_ssim", "lpips_alex", "dists")
"""What is measured unless something else is asked for, :data:`COLOR_METRICS` beside it: half as
long as with LPIPS on VGG."""
DEFAULT_TASKS = ("detection", "classification", "tags", "features")
"""What a comparison asks unless it is told otherwise: the tasks that need no hub."""
TASK_NAMES = (
    *DEFAULT_TASKS,
    "instances",
    "panoptic",
    "semantic",
    "open-vocabulary",
    "retrieval",
    "depth",
    "pose",
    "captions",
    "text",
)
"""Every machine task."""
DEFAULT_SET_METRICS = ("frechet", "kernel")
"""What is measured unless something else is asked for: what needs no network connection."""
SET_METRIC_NAMES = (*DEFAULT_SET_METRICS, "fid", "kid")
"""Distances between sets of pictures."""
