"""Words of the page itself, and those that several tabs share; each tab has its own beside it.

Messages that the core raises are not here: the page shows them as they stand.
"""

from collections.abc import Mapping

TITLE = "Diff-ICMH"
TAGLINE = "A photo in a few thousand bytes."
EXPLANATION = (
    "The encoder stores a compact description of the photo and a few words about what is in it; "
    "a diffusion model reconstructs the photo from both."
)
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
PRESET_ADVICE = {"nano": " With this small model, more steps do not look better."}
"""For the profiles of which there is something to say."""
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

WAITING = "Waiting for other work to finish"
STARTING = "Reading the file"
STEP = "Step {index} of {total}"
TIME_LEFT = "{seconds:.0f} s left"
ITERATION = "Optimizing, iteration {index} of {total}"
STEPS_PER_SECOND = "{rate:.1f} steps per second"
PSNR = "PSNR {psnr:.2f} dB (higher is better)"
PSNR_EQUAL = "Equal to the original, pixel by pixel"
DECODED_FROM = "Decoded from {n_bytes:,} bytes, {bpp:.4f} bpp"
STEPS_DONE = "{steps} steps"
STEP_DONE = "1 step"
SECONDS = "{seconds:.1f} s"
KEPT = "decoded earlier, in {seconds:.1f} s"
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
DEFECT = "Something went wrong on our side. If you report it, give this number: {incident}."


def preset_help(profile: str, steps: Mapping[str, int]) -> str:
    """Say how many steps each preset of a profile takes."""
    told = (f"{PRESET_NAMES.get(name, name)} {n_steps}" for name, n_steps in steps.items())
    return PRESET_HELP.format(steps=", ".join(told)) + PRESET_ADVICE.get(profile, "")


def times(ratio: float) -> str:
    """Write a ratio as one says it: two figures below ten, whole numbers above."""
    return (f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}") + "\N{MULTIPLICATION SIGN}"


def percent(part: float, whole: float) -> str:
    """Write a share in percent, with one digit after the point where it is small."""
    share = 100 * part / whole
    return f"{share:.1f}" if 0 < share < 10 else f"{share:.0f}"
