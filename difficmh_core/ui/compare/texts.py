"""Every word of the compare tab."""

CODECS = {
    "ours": "Diff-ICMH",
    "elic": "ELIC",
    "vvc": "VVC",
    "jpeg": "JPEG",
    "jpegli": "JPEG (jpegli)",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "content": "Diff-ICMH, without diffusion",
    "no_tags": "Diff-ICMH, without tags",
    "webp": "WebP",
}
"""The codecs, in the order in which they are shown; the viewer begins with the first three."""
CHOSEN = tuple(key for key in CODECS if key not in ("jpegli", "webp"))
INTRODUCTION = (
    "Every codec compresses the photo from the Compress tab to at most the same number of bytes; "
    "an asterisk marks a file that cannot be made this small. Rows appear as they are measured. "
    "Latent optimization is not used here."
)
WHICH = "Codecs"
WHICH_HELP = "The original is always shown. VVC takes the longest."
N_BYTES = "Bytes for each file"
N_BYTES_HELP = "The size of your .dicmh file, unless you change it."
COMPARE = "Compare"
WORKING = "{index} of {total}: {name}"
DONE = "Compared {n} files with a target of {target:,} bytes."
NO_PHOTO = "There is no photo yet. Choose one in the Compress tab first."
ABSENT = "{name} is not available. {reason}"
CACHE = "the cache of this server"
LARGER = "Its smallest file is larger than the {target:,} bytes allowed."

TABLE = "All measurements"
CODEC = "Codec"
BOXES = "Objects: {} matched, {} missed, {} hallucinated."
LETTERS = "Text: {share:.0%} of {n} letters kept, {changed} changed, {invented} invented."
LETTERS_INVENTED = "Text: {n} letters invented, none in the original."
NO_TEXT = "No text is found in this photo."
COUNTS_HELP = {
    "letters_changed": "Letters of the original in whose place others stand, or none.",
    "letters_invented": "Letters that stand where the original has none.",
}
