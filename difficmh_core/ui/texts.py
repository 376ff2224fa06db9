"""Words of the page itself, and those that several tabs share; each tab has its own beside it.

Messages that the core raises are not here: the page shows them as they stand.
"""

TITLE = "Diff-ICMH"
TAGLINE = "A photograph in a few thousand bytes."
EXPLANATION = (
    "The encoder keeps a small hint of the picture and a few words about what is in it; "
    "a diffusion model paints the photograph back from the two."
)
TAB_COMPRESS = "Compress"
TAB_COMPARE = "Compare"
TAB_STUDY = "Study"
TAB_DECODE = "Decode a file"
TAB_ABOUT = "About"

DECODE = "Decode"
AUTO = "Decode automatically"
AUTO_HELP = "The picture is decoded again whenever the file or a setting changes."
STOP = "Stop"
PRESET = "Decoder"
PRESET_NAMES = {"instant": "Instant", "fast": "Fast", "paper": "Paper", "custom": "Custom"}
PRESET_HELP = (
    "Instant takes one short step, Fast two, and Paper the fifty of the published system."
)
ADVANCED = "Advanced settings"

PREVIEW = "Picture being decoded"
DECODED = "Decoded picture"
DOWNLOAD_PICTURE = "Download the decoded PNG"
NOTICE = (
    "A generative decoder invents detail. Faces, letters, and small things may look right and "
    "still be wrong. Do not use a decoded picture as evidence."
)
FOOTER = (
    "Profile {profile}. Your pictures stay on this server, no other visitor sees them, and they "
    "are deleted within ten minutes. What you download carries no metadata."
)

THE_FILE = "The file"
FILE_SIZE = "{n_bytes:,} bytes"
BPP = "{bpp:.4f} bpp"
BPP_HELP = "Bits of the whole file per pixel of the original picture."
SMALLER_THAN_UPLOAD = "{ratio} smaller than your {format}"
LARGER_THAN_UPLOAD = "{ratio} larger than your {format}"
SMALLER_THAN_RAW = "{ratio} smaller than raw pixels"
LARGER_THAN_RAW = "{ratio} larger than raw pixels"
BITS_BY_SECTION = "Bits by section"
SECTION_NAMES = {
    "header": "Header",
    "tags": "Tags",
    "hyper": "Hyper",
    "latent": "Latent",
    "payload": "Hyper and latent",
    "corrections": "Corrections",
    "checks": "Checks",
}
SECTION_HELP = {
    "header": "Format, model, size, and lengths",
    "tags": "Which words of the vocabulary go with the picture",
    "hyper": "Side information that says how to read the latent",
    "latent": "The hint itself",
    "payload": "The hint and its side information, range-coded as one stream",
    "corrections": "Values close to a rounding boundary, resolved once for every machine",
    "checks": "Checksums that tell a damaged file from a decoder gone wrong",
}
SECTION_BITS = "{bits:,} bits, {percent} %"

FACT_PROFILE = "Profile"
FACT_TAGS = "Tags"
FACT_MODEL = "Model fingerprint"
NO_TAGS = "none"

WAITING = "Waiting for the model"
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

TOO_FEW_BYTES = "target_bytes must be at least 1, got {n_bytes}. Allow more bytes."
NOT_A_NUMBER = "{name} must be a number, got {value!r}. Set it with its slider."
NUMBER_TOO_LARGE = "{name} must be a number from -1.8e308 to 1.8e308. Set it with its slider."
NO_WORDS = '{name} must be a list of words, got {value!r}. Send ["tabby"], for example.'
NOT_A_WHOLE_NUMBER = "{name} must be a whole number, got {value!r}. Leave out the fraction."
TOO_MANY_ITERATIONS = (
    "The page takes 0 to {most} iterations, got {n}. The command line takes more: "
    "`python -m difficmh_core encode --iterations`."
)
DEFECT = "Something went wrong on our side. If you report it, give this number: {incident}."


def times(ratio: float) -> str:
    """Write a ratio as a reader says it: two figures below ten, whole numbers above."""
    return (f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}") + "\N{MULTIPLICATION SIGN}"


def percent(part: float, whole: float) -> str:
    """Write a share in percent, with one digit after the point where it is small."""
    share = 100 * part / whole
    return f"{share:.1f}" if 0 < share < 10 else f"{share:.0f}"
