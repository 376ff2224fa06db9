"""Words of the page itself, and those that several tabs share; each tab has its own beside it.

Messages that the core raises are not here: the page shows them as they stand.
"""

import math
from collections.abc import Mapping

TITLE = "Diff-ICMH"
TAGLINE = "A photo in a few thousand bytes."
EXPLANATION = (
    "The encoder stores a compact description of the photo and a few words about what is in it; "
    "a diffusion model reconstructs the photo from both."
)
STAND_IN = {"nano": "Model: nano, a small stand-in for the paper's."}
"""Of profiles whose images are not those of the paper."""
TAB_COMPRESS = "Compress"
TAB_COMPARE = "Compare"
TAB_STUDY = "Study"
TAB_DECODE = "Decode a file"
TAB_ABOUT = "About"

DECODE = "Decode"
AUTO = "Decode automatically"
AUTO_HELP = "The image is decoded again whenever the file or a setting changes."
STOP = "Stop"
PRESET = "Preset"
PRESET_NAMES = {"instant": "Instant", "fast": "Fast", "paper": "Paper", "custom": "Custom"}
PRESET_HELP = "Denoising steps: {steps}."
HINT_STEPS = (
    "Measured with this model: {best} is better than {usual} (LPIPS {best_lpips:.3f} and "
    "{usual_lpips:.3f}; lower is better)."
)
HINT_STEPS_HELP = (
    "Measured with this model: {best} gives the lowest LPIPS, {best_lpips:.3f}; lower is better."
)
HINT_GUIDANCE = (
    "Measured with this model in {steps} steps from pure noise: guidance {best} lowers LPIPS by "
    "{percent}%. Instant and Fast do without it."
)
HINT_GUIDANCE_NONE = (
    "Measured with this model in {steps} steps from pure noise: guidance changes LPIPS by less "
    "than 1%."
)
HINT_TAGS_LITTLE = (
    "Measured with this model at {bpp} bpp: tags change little, LPIPS by {percent}% at most. "
    "Guidance strengthens them; the preset Paper has it."
)
HINT_TAGS = (
    "Measured with this model at {bpp} bpp: tags help most {decoding}, where they lower LPIPS by "
    "{percent}%."
)
HINT_TAGS_WORSE = (
    "Measured with this model at {bpp} bpp: tags do not help. They raise LPIPS by {percent}% "
    "{decoding}."
)
DECODINGS = {"preset fast": "with the preset Fast", "20 steps": "in 20 steps from pure noise"}
"""What was measured, as the last two say it."""
ADVANCED = "Advanced settings"

PREVIEW = "Image being decoded"
DECODED = "Decoded image"
DOWNLOAD_PICTURE = "Download the decoded PNG"
NOTICE = (
    "A generative decoder invents detail. Faces, letters, numbers, and small objects may look "
    "right and still be wrong. Do not use a decoded image as evidence, for medical purposes, or "
    "to identify a person."
)
FOOTER = (
    "Model: {profile}. Your photos stay on this server, are not shown to other visitors, and are "
    "deleted within ten minutes. Downloads carry no metadata."
)

THE_FILE = "The file"
FILE_SIZE = "{n_bytes:,} bytes"
BPP = "{bpp:.4f} bpp"
BPP_HELP = "Bits of the whole file per pixel of the original photo."
SMALLER_THAN_UPLOAD = "{ratio} smaller than your {format}"
LARGER_THAN_UPLOAD = "{ratio} the size of your {format}"
SMALLER_THAN_RAW = "{ratio} smaller than the raw pixels"
LARGER_THAN_RAW = "{ratio} the size of the raw pixels"
BITS_BY_SECTION = "Bits by section"
SECTION_NAMES = {
    "header": "Header",
    "tags": "Tags",
    "hyper": "Side information",
    "latent": "Latent",
    "payload": "Side information and latent",
    "corrections": "Corrections",
    "checks": "Checks",
}
SECTION_HELP = {
    "header": "Format, model, size, and lengths",
    "tags": "Which words of the vocabulary describe the photo",
    "hyper": "Tells the decoder how to read the latent (the hyper-latent)",
    "latent": "The compact description of the photo",
    "payload": "The compact description of the photo and how to read it, coded as one stream",
    "corrections": "Rounding decisions, stored so that every machine decodes the same",
    "checks": "Checksums that reveal a damaged file or a decoder error",
}
SECTION_BITS = "{bits:,} bits, {percent}%"

FACT_PROFILE = "Profile"
FACT_TAGS = "Tags"
FACT_MODEL = "Model fingerprint"
NO_TAGS = "none"

LOADING = "Loading the model. The first image takes a few seconds longer."
LOADING_FAILED = "The model could not be loaded, so nothing can be compressed or decoded. {why}"
WAITING = "Waiting for other work to finish"
NEXT_IN_LINE = "yours is next"
PLACE_IN_LINE = "{n} requests are ahead of yours"
CONNECTION_LOST = (
    "The connection to the server is lost, so nothing on this page continues. Reload the page: "
    "what the server still has will come back."
)
RELOAD = "Reload"
STARTING = "Reading the file"
STEP = "Step {index} of {total}"
TIME_LEFT = "{seconds:.0f} s left"
STAGES = {
    "tagging": "Looking for tags",
    "autoencoder": "Compressing, first look at the photo",
    "analysis": "Compressing, describing the photo",
    "coding": "Compressing, writing the file",
    "reading": "Reading the file",
    "synthesis": "Reading the file",
    "denoising": "Step {step} of {total}",
    "picture": "Drawing the image",
}
"""What is being done, by the name of the stage."""
ITERATION = "Optimizing, iteration {index} of {total}"
STEPS_PER_SECOND = "{rate:.1f} steps per second"
PSNR = "PSNR {psnr:.2f} dB (higher is better)"
PSNR_EQUAL = "Equal to the original, pixel by pixel"
DECODED_FROM = "Decoded from {n_bytes:,} bytes, {bpp:.4f} bpp"
SECONDS = "{seconds:.1f} s"
KEPT = "decoded earlier, in {seconds:.1f} s"
PICTURE_OUTDATED = (
    "The image was decoded with other settings. Decode again to see what these settings do."
)
STOPPED = "Stopped. Unfinished work is not kept."
STOPPED_MEASURING = "Stopped. The measurements so far are kept."

TOO_FEW_BYTES = "A file needs at least 1 byte, got {n_bytes}. Allow more bytes."
NOT_A_NUMBER = "{name} must be a number, got {value!r}."
NUMBER_TOO_LARGE = "{name} must be a number within its range."
NO_WORDS = '{name} must be a list of words, got {value!r}. Send ["tabby"], for example.'
NOT_A_WHOLE_NUMBER = "{name} must be a whole number, got {value!r}."
TOO_MANY_ITERATIONS = (
    "The page takes 0 to {most} iterations, got {n}. The command line takes more: "
    "`python -m difficmh_core encode --iterations`."
)
EXAMPLE_FILES = {"photo": "photo.jpg", "file": "photo.dicmh"}
EXAMPLE_WORDS = {"tags": ["tabby"], "codecs": ["ours", "jpeg"]}
"""In the programs that show how to call the endpoints, by the names of their parameters."""
DEFECT = "Something went wrong on our side. If you report it, give this number: {incident}."


def preset_help(steps: Mapping[str, int]) -> str:
    """Say how many steps each preset takes."""
    told = (f"{PRESET_NAMES.get(name, name)} {n_steps}" for name, n_steps in steps.items())
    return PRESET_HELP.format(steps=", ".join(told))


def count(n: int, noun: str) -> str:
    """Say how many of something there are.

    >>> count(1, "step"), count(2000, "step")
    ('1 step', '2,000 steps')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write about how long something takes, no finer than anybody can know beforehand.

    >>> duration(3.4), duration(47), duration(125)
    ('about 4 s', 'about 50 s', 'about 2 min')
    """
    if seconds < 20:
        return f"about {max(1, math.ceil(seconds))} s"
    if seconds < 95:
        return f"about {5 * math.ceil(seconds / 5)} s"
    return f"about {seconds / 60:.0f} min"


def times(ratio: float) -> str:
    """Write a ratio as one says it: two figures below ten, whole numbers above."""
    return (f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}") + "\N{MULTIPLICATION SIGN}"


def percent(part: float, whole: float) -> str:
    """Write a share in percent, with one digit after the point where it is small."""
    share = 100 * part / whole
    return f"{share:.1f}" if 0 < share < 10 else f"{share:.0f}"
