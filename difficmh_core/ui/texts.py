"""Every word of the page, in one place.

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

PHOTO = "Photograph"
PHOTO_PLACEHOLDER = "Drop a photograph here\nor click to choose one, paste it, or take one"
PHOTO_ALT = "The photograph to compress"
EXAMPLES = "Or try one of these"
EXAMPLE = "Example: {name}"
MODE = "File"
MODE_HELP = "Choose how good the picture or how large the file shall be."
MODES = (("By quality", "quality"), ("By size", "size"))
TARGET = "Largest file [bytes]"
TARGET_HELP = "The best quality that fits is taken."
QUALITY = "Quality"
QUALITY_HELP = "0 gives the smallest file, 100 the most faithful picture."
SEND_TAGS = "Send tags with the picture"
SEND_TAGS_HELP = "Words for the diffusion model. They cost about ten bits each."
PASSES = "Refinement"
PASSES_HELP = (
    "Passes that fit the file to this very photograph: a better picture in as many bytes. "
    "Each takes a few seconds for a quarter of a megapixel."
)
TAGS = "Tags in the file"
TAGS_HELP = "How sure the tagger was, and what each costs. Untick one and see what changes."
ADD_TAG = "Add a tag"
ADD_TAG_HELP = "Type to search {n:,} words. At most {most} fit into a file."

DECODE = "Decode"
AUTO = "Decode automatically"
AUTO_HELP = "Whenever the file or a setting changes."
LINK = "Link to these settings"
LINK_HELP = "It restores the settings, never the picture."
STOP = "Stop"
PRESET = "Decoder"
PRESET_NAMES = {"instant": "Instant", "fast": "Fast", "paper": "Paper", "custom": "Custom"}
PRESET_HELP = (
    "Instant takes one short step, Fast two, and Paper the fifty of the published system."
)
ADVANCED = "Advanced settings"

PREVIEW = "Picture being decoded"
COMPARISON = "Original (left) and decoded (right)"
DECODED = "Decoded picture"
DOWNLOAD_FILE = "Download the .dicmh file"
DOWNLOAD_PICTURE = "Download the decoded PNG"
FILE = "A .dicmh file"
NOTICE = (
    "A generative decoder invents detail. Faces, letters and small things may look right and "
    "still be wrong: do not use a decoded picture as evidence."
)
FOOTER = (
    "Profile {profile}. Pictures stay on this server, belong to your visit alone and are deleted "
    "within ten minutes; what you download from here carries no metadata."
)

HOW_TITLE = "How it works"
HOW = (
    ("Look", "A tagger names what is in the photograph; a neural encoder keeps a coarse hint."),
    ("Write", "Both become one checked file, often a hundred times smaller than raw pixels."),
    ("Paint", "A diffusion model, steered by hint and tags, paints the photograph back."),
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
    "header": "Format, model, size and lengths",
    "tags": "Which words of the vocabulary go with the picture",
    "hyper": "Side information that says how to read the latent",
    "latent": "The hint itself",
    "payload": "The hint and its side information, range-coded as one stream",
    "corrections": "Values that sat on a rounding boundary, settled once for every machine",
    "checks": "Checksums that tell damage from a decoder gone astray",
}
SECTION_BITS = "{bits:,} bits, {percent} %"

FACT_SIZE = "Size"
FACT_PICTURE = "Picture"
FACT_PROFILE = "Profile"
FACT_QUALITY = "Quality"
FACT_TAGS = "Tags"
FACT_MODEL = "Model fingerprint"
FACT_CHECKSUM = "Checksum"
PICTURE_SIZE = "{width} \N{MULTIPLICATION SIGN} {height} px"
QUALITY_VALUE = "{quality:.0f} of 100"
FACT_RATE = "Rate weight"
NO_TAGS = "none"

COMPRESSING = "Compressing the photograph"
WAITING = "Waiting for the model"
STARTING = "Reading the file"
STEP = "Step {index} of {total}"
TIME_LEFT = "{seconds:.0f} s left"
PASS = "Refining, pass {index} of {total}"
STEPS_PER_SECOND = "{rate:.1f} steps per second"
PSNR = "PSNR {psnr:.2f} dB (higher is better)"
PSNR_EQUAL = "Equal to the original, pixel by pixel"
DECODED_FROM = "Decoded from {n_bytes:,} bytes, {bpp:.4f} bpp"
STEPS_DONE = "{steps} steps"
STEP_DONE = "1 step"
SECONDS = "{seconds:.1f} s"
KEPT = "decoded before, in {seconds:.1f} s"
READY = "The file is ready. Decode it to see what comes back."
CHANGED = "The file has changed. Decode it again to see what comes back now."
STOPPED = "Stopped. What is unfinished is not kept."
STOPPED_FIRST = "Stopped. The photograph is compressed once you change a setting."
STOPPED_MEASURING = "Stopped. What was measured stays."

ENCODE_FIRST = "There is no file yet. Drop a photograph first."
CHOOSE_FILE = "There is no file yet. Choose a .dicmh file first."
PHOTO_EXPIRED = "The photograph has been deleted, as all are after a while. Drop it again."
TOO_FEW_BYTES = "target_bytes must be at least 1, got {n_bytes}. Allow more bytes."
NOT_A_NUMBER = "{name} must be a number, got {value!r}. Set it with its slider."
NUMBER_TOO_LARGE = "{name} must be a number from -1.8e308 to 1.8e308. Set it with its slider."
NO_WORDS = '{name} must be a list of words, got {value!r}. Send ["tabby"], for example.'
NOT_A_WHOLE_NUMBER = "{name} must be a whole number, got {value!r}. Leave out the fraction."
TOO_MANY_PASSES = (
    "The page refines in 0 to {most} passes, got {n}. `python -m difficmh_core encode --passes` "
    "takes more."
)
NO_REFINEMENT = (
    "The networks of this page cannot refine, but the link asks for passes. It was left aside."
)
NO_SUCH_MODE = "A file is made by 'quality' or by 'size', not by {mode!r}."
FOREIGN_REQUEST = (
    "This page answers its own scripts and programs, not the pages of other sites. If it is the "
    "page itself that was refused, its proxy has to pass on the Host header."
)
DEFECT = "Something went wrong on our side. If you report it, give this number: {incident}."


def tag_label(name: str, confidence: float | None, bits: float | None) -> str:
    """Return what a chip shows: the tag, how sure the tagger was, what the tag costs."""
    parts = [name]
    if confidence is not None:
        parts.append(f"{100 * confidence:.0f} %")
    if bits is not None:
        parts.append(f"{bits:.0f} bits")
    return " · ".join(parts)


def times(ratio: float) -> str:
    """Return a ratio as a reader says it: two figures below ten, whole numbers above."""
    return (f"{ratio:.1f}" if ratio < 10 else f"{ratio:,.0f}") + "\N{MULTIPLICATION SIGN}"


def percent(part: float, whole: float) -> str:
    """Return a share in percent, with one digit after the point where it is small."""
    share = 100 * part / whole
    return f"{share:.1f}" if 0 < share < 10 else f"{share:.0f}"
