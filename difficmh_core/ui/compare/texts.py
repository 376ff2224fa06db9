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
ORIGINAL = "Original"
WORKING = "{index} of {total}: {name}"
DONE = "Compared {n} files within {target:,} bytes."
NO_PHOTO = "There is no photograph yet. Choose one in the Compress tab first."
ABSENT = "{name} is not available. {reason}"
CACHE = "the cache of this server"
LARGER = "Its smallest file is larger than the {target:,} bytes allowed."

TABLE = "Every file in numbers"
CODEC = "Codec"
BYTES = "Bytes"
BYTES_HELP = "Size of the whole file, headers and checks included."
BPP = "bpp"
BPP_HELP = "Bits of the whole file per pixel of the original."
BOXES = "{matched} matched, {missed} missed, {hallucinated} hallucinated"
HELP = {
    "psnr_db": (
        "Measures how close each pixel is. Blur can score well; invented detail scores badly."
    ),
    "ms_ssim": "Measures how well structures are kept at several scales; 1 means identical.",
    "lpips_alex": (
        "Measures how different the picture looks to a network trained on people's judgments; "
        "0 means identical."
    ),
    "dists": (
        "Measures the same, but tolerates a different grain in grass, hair, or sand; 0 means "
        "identical."
    ),
    "box_f1": (
        "Tells whether a detector (YOLOX-Nano) finds in the decoded picture what it finds in the "
        "original; 1 means all of it and nothing else. Turn on the boxes to see which."
    ),
}
"""Of the measures that the page shows, in this order."""
ARROWS = {
    True: ("\N{UPWARDS ARROW}", "higher is better"),
    False: ("\N{DOWNWARDS ARROW}", "lower is better"),
}
