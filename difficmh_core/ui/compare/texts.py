"""Every word of the compare tab."""

CODECS = {
    "ours": "Ours",
    "elic": "ELIC",
    "vvc": "VVC",
    "jpeg": "JPEG",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "content": "Content latent only",
    "no_tags": "Ours, tags off",
    "webp": "WebP",
}
"""The codecs, in the order in which they are shown; the viewer begins with the first three."""
CHOSEN = tuple(key for key in CODECS if key != "webp")
INTRODUCTION = (
    "The photograph of the Compress tab, by every codec within the same bytes. Rows appear as "
    "they are measured; a codec whose smallest file is larger says so. Our files are made without "
    "refinement here."
)
WHICH = "Codecs"
WHICH_HELP = "The original is always there. VVC takes longest, about half a minute."
N_BYTES = "Bytes for each file"
N_BYTES_HELP = "As many as your .dicmh file, unless you change it."
COMPARE = "Compare"
ORIGINAL = "Original"
WORKING = "{index} of {total}: {name}"
DONE = "Compared {n} files within {target:,} bytes."
NO_PHOTO = "There is no photograph yet. Choose one in the Compress tab first."
ABSENT = "{name} is absent. {reason}"
CACHE = "the cache of this server"
LARGER = "Its smallest file, larger than the {target:,} bytes allowed."
KEPT = "measured before"

TABLE = "Every file in numbers"
CODEC = "Codec"
NO_PICTURE = "no picture"
BYTES = "Bytes"
BYTES_HELP = "Size of the whole file, headers and checks included."
BPP = "bpp"
BPP_HELP = "Bits of the whole file per pixel of the original."
BOXES = "{matched} matched, {missed} missed, {hallucinated} hallucinated"
HELP = {
    "psnr_db": "How close each pixel is. Blur can score well; invented detail scores badly.",
    "ms_ssim": "How well structures are kept, at several sizes; 1 is the original.",
    "lpips_alex": "How different it looks to a network trained on people's judgments; 0 is equal.",
    "dists": "The same question, but tolerant of other grain in grass, hair or sand; 0 is equal.",
    "box_f1": (
        "Whether a detector (YOLOX-Nano) finds in the decoded picture what it finds in the "
        "original: 1 is all of it and nothing else. Turn on the boxes to see which."
    ),
}
"""Of the measures that the page shows, in this order."""
ARROWS = {
    True: ("\N{UPWARDS ARROW}", "higher is better"),
    False: ("\N{DOWNWARDS ARROW}", "lower is better"),
}
