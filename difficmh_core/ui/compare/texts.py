"""Every word of the compare tab."""

CODECS = {
    "ours": "Ours",
    "elic": "ELIC",
    "vvc": "VVC",
    "jpeg": "JPEG",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "content": "Ours, without diffusion",
    "no_tags": "Ours, without tags",
    "webp": "WebP",
}
"""The codecs, in the order in which they are shown; the viewer begins with the first three."""
CHOSEN = tuple(key for key in CODECS if key != "webp")
INTRODUCTION = (
    "Every codec compresses the photograph of the Compress tab to the same number of bytes. Rows "
    "appear as they are measured; a codec whose smallest file is larger says so. Our files are "
    "made without latent optimization here."
)
WHICH = "Codecs"
WHICH_HELP = "The original is always shown. VVC takes the longest, about half a minute."
N_BYTES = "Bytes for each file"
N_BYTES_HELP = "The size of your .dicmh file, unless you change it."
COMPARE = "Compare"
WORKING = "{index} of {total}: {name}"
DONE = "Compared {n} files within {target:,} bytes."
NO_PHOTO = "There is no photograph yet. Choose one in the Compress tab first."
ABSENT = "{name} is not available. {reason}"
CACHE = "the cache of this server"
LARGER = "Its smallest file is larger than the {target:,} bytes allowed."

TABLE = "Every file in numbers"
CODEC = "Codec"
BOXES = "{matched} matched, {missed} missed, {hallucinated} hallucinated"
