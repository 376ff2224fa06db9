"""Every word of the compress tab."""

PHOTO = "Photograph"
PHOTO_PLACEHOLDER = "Drop a photograph here\nor click to choose one, paste it, or take one"
PHOTO_ALT = "The photograph to compress"
EXAMPLES = "Or try one of these"
EXAMPLE = "Example: {name}"
MODE = "File"
MODE_HELP = "Choose the quality of the picture or the size of the file."
MODES = (("By quality", "quality"), ("By size", "size"))
TARGET = "Largest file [bytes]"
TARGET_HELP = "The page picks the best quality that fits."
QUALITY = "Quality"
QUALITY_HELP = "0 gives the smallest file, 100 the most faithful picture."
SEND_TAGS = "Send tags with the picture"
SEND_TAGS_HELP = "Tags tell the diffusion model what to paint. Each costs about ten bits."
ITERATIONS = "Latent optimization"
ITERATIONS_HELP = (
    "Iterations that fit the file to this photograph: a better picture in as many bytes. "
    "Each takes a few seconds for a quarter of a megapixel."
)
TAGS = "Tags in the file"
TAGS_HELP = (
    "Each tag shows how sure the tagger was and what it costs. Uncheck one and see what changes."
)
ADD_TAG = "Add a tag"
ADD_TAG_HELP = "Type to search {n:,} words. A file holds at most {most}."

COMPARISON = "Original (left) and decoded (right)"
DOWNLOAD_FILE = "Download the .dicmh file"
LINK = "Link to these settings"
LINK_HELP = "The link restores the settings, never the picture."

HOW_TITLE = "How it works"
HOW = (
    ("Look", "A tagger names what is in the photograph; a neural encoder keeps a coarse hint."),
    ("Write", "Both go into one checked file, often a hundred times smaller than raw pixels."),
    ("Paint", "A diffusion model, steered by the hint and the tags, paints the photograph back."),
)

COMPRESSING = "Compressing the photograph"
READY = "The file is ready. Decode it to see what comes back."
CHANGED = "The file has changed. Decode it again to see what comes back now."
STOPPED_FIRST = "Stopped. The photograph will be compressed once you change a setting."
ENCODE_FIRST = "There is no file yet. Add a photograph first."
NO_SUCH_MODE = "A file is made by 'quality' or by 'size', not by {mode!r}."
NO_OPTIMIZATION = (
    "The link asks for latent optimization, which the networks of this page cannot do. The link "
    "was ignored."
)


def tag_label(name: str, confidence: float | None, bits: float | None) -> str:
    """Label a tag with how sure the tagger was and what the tag costs."""
    parts = [name]
    if confidence is not None:
        parts.append(f"{100 * confidence:.0f} %")
    if bits is not None:
        parts.append(f"{bits:.0f} bits")
    return " · ".join(parts)
