"""Every word of the viewer around its pictures; those of its buttons are in its script."""

ORIGINAL = "Original"
BYTES = "Bytes"
BYTES_HELP = "The size of the whole file, headers and checks included."
BPP = "bpp"
BPP_HELP = "The bits of the whole file per pixel of the original."
HELP = {
    "psnr_db": (
        "Measures how close each pixel is. Blur can score well; invented detail scores badly."
    ),
    "ms_ssim": "Measures how well structures are kept at several scales; 1 means identical.",
    "lpips_alex": (
        "Measures how different the image looks to a network trained on people's judgments; "
        "0 means identical."
    ),
    "dists": (
        "Like LPIPS, but tolerates a different grain in grass, hair, or sand; 0 means identical."
    ),
    "color_blocks": (
        "Measures how far the mean color of each square of 64 px is from the original's, in steps "
        "of 8 bits; 0 means identical. Invented detail does not count, a tint does."
    ),
    "box_f1": (
        "Tells whether a detector (YOLOX-Nano) finds the same objects in the decoded image as in "
        "the original: 1 means all of them and nothing else, 0 none. Turn on the boxes to see "
        "which."
    ),
    "text_kept": (
        "Tells which share of the original's letters a text reader (PP-OCRv6) still reads at "
        "their place: 1 means all of them. Turn on the text to see which."
    ),
}
"""Of the measures that the page shows, in this order."""
ARROWS = {
    True: ("\N{UPWARDS ARROW}", "higher is better"),
    False: ("\N{DOWNWARDS ARROW}", "lower is better"),
}
BEST_OF_FIGURES = "best of the files compared"
NUMBERS_HELP = "What the numbers mean"
BOX_LEGENDS = {"objects": "What the boxes mean", "text": "What the lines of text mean"}
BOX_KINDS = {
    "matched": "found in both",
    "missed": "missed: only in the original",
    "hallucinated": "hallucinated: only in this image",
    "kept": "kept: reads as in the original",
    "changed": "changed: other letters, or none",
    "invented": "invented: text only in this image",
}
