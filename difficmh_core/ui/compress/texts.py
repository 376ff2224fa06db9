"""Every word of the compress tab."""

PHOTO = "Photo"
PHOTO_PLACEHOLDER = (
    "Drop a photo here or click to choose one.\n"
    "You can also paste one or take one with the camera."
)
PHOTO_ALT = "The photo to compress"
EXAMPLES = "Or try one of these"
EXAMPLE = "Example: {name}"
MODE = "Choose by"
MODE_HELP = "Set the quality of the image or the size of the file."
MODES = (("Quality", "quality"), ("File size", "size"))
TARGET = "Largest file [bytes]"
TARGET_HELP = "The page picks the best quality that fits."
QUALITY = "Quality"
QUALITY_HELP = "0 gives the smallest file, 100 the best image."
SEND_TAGS = "Store tags in the file"
SEND_TAGS_HELP = (
    "Tags tell the diffusion model what is in the photo. They have little effect unless guidance "
    "is on. Each costs about ten bits."
)
ITERATIONS = "Latent optimization"
ITERATIONS_HELP = (
    "Each iteration fits the file more closely to this photo, at about the same size. For a "
    "512 x 512 px photo it takes about 8 s on two CPU cores."
)
TAGS = "Tags in the file"
TAGS_HELP = (
    "Each tag shows how sure the tagger was and what it costs. Uncheck one to leave it out."
)
ADD_TAG = "Add a tag"
ADD_TAG_HELP = "Type to search {n:,} words. A file holds at most {most} tags."

COMPARISON = "Original (left) and decoded (right)"
DOWNLOAD_FILE = "Download the .dicmh file"
LINK = "Link to these settings"
LINK_HELP = "The link holds the settings, but neither the photo nor the tags."

HOW_TITLE = "How it works"
HOW = (
    ("Look", "A tagger names what is in the photo; an encoder reduces it to a short description."),
    ("Write", "Both go into one file, often hundreds of times smaller than the raw pixels."),
    ("Decode", "A diffusion model, steered by both, reconstructs the photo."),
)

COMPRESSING = "Compressing the photo"
READY = "The file is ready. Decode it to see the result."
CHANGED = "The file has changed. Decode it again to see the result."
STOPPED_FIRST = "Stopped. Change any setting to compress the photo."
ENCODE_FIRST = "There is no file yet. Add a photo first."
NO_SUCH_MODE = "mode must be 'quality' or 'size', got {mode!r}."
NO_OPTIMIZATION = (
    "The link asks for latent optimization, which is not available with the model of this page. "
    "The link was ignored."
)


def tag_label(name: str, confidence: float | None, bits: float | None) -> str:
    """Label a tag with how sure the tagger was and what the tag costs."""
    parts = [name]
    if confidence is not None:
        parts.append(f"{100 * confidence:.0f}%")
    if bits is not None:
        parts.append(f"{bits:.0f} bits")
    return " · ".join(parts)
