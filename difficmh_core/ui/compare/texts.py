"""Every word of the compare tab."""

CODECS = {
    "ours": "Diff-ICMH",
    "elic": "ELIC",
    "vvc": "VVC",
    "jpeg": "JPEG",
    "jpegli": "JPEG (jpegli)",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "webp": "WebP",
    "content": "Ablation: without diffusion",
    "no_tags": "Ablation: without tags",
}
"""The codecs, in the order in which they are shown; the viewer begins with the first three."""
ABLATIONS = ("content", "no_tags")
"""Those that are no codecs of their own, but ours with a part turned off."""
CHOSEN = tuple(key for key in CODECS if key not in ("jpegli", "webp"))
INTRODUCTION = (
    "Every codec compresses the photo from the Compress tab to at most the same number of bytes. "
    "Rows appear as they are measured. Latent optimization is not used here."
)
WHICH = "Codecs"
WHICH_HELP = "The original is always shown. VVC takes the longest."
WHICH_ABLATIONS = "Ablations of Diff-ICMH"
WHICH_ABLATIONS_HELP = "The same codec with a part turned off. They show what that part does."
N_BYTES = "Bytes for each file"
N_BYTES_HELP = "The size of your .dicmh file, unless you change it."
COMPARE = "Compare"
WORKING = "{index} of {total}: {name}"
DONE = "Compared {files} with a target of {target:,} bytes."
NO_PHOTO = "There is no photo yet. Choose one in the Compress tab first."
ABSENT = "{name} is not available. {reason}"
CACHE = "the cache of this server"
LARGER = "Its smallest file is larger than the {target:,} bytes allowed."
MARK = "*"
MARK_HELP = "* The smallest file that this codec makes is larger than {target:,} bytes."
WITHOUT = {"content": "diffusion", "no_tags": "tags"}
WINS = (
    "Without {part}, LPIPS is lower for this photo: {without:.3f} instead of {with_it:.3f}. "
    "{reason}"
)
REASONS = {
    "content": "Diffusion adds detail, and detail that differs from the original's counts "
    "against it.",
    "no_tags": "The bytes of the tags go into the image instead.",
}
MEASURED_REASONS = {
    "content": "With this model, diffusion changes little: over {n} photos at {bpp:.2f} bpp, mean "
    "LPIPS is {mean_with:.3f} with it and {mean_without:.3f} without. Either can win for a single "
    "photo.",
}
"""Where the networks of the page were measured."""

TABLE = "All measurements"
CODEC = "Codec"
BOXES = "Objects: {} matched, {} missed, {} hallucinated."
LETTERS = "Text: {share:.0%} of {letters} kept, {changed} changed, {invented} invented."
LETTERS_INVENTED = "Text: {letters} invented, none in the original."
NO_TEXT = "No text is found in this photo."
COUNTS_HELP = {
    "letters_changed": "Letters of the original that were lost or replaced by others.",
    "letters_invented": "Letters where the original has none.",
}
