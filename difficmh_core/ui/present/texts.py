"""Every word of a talk. Numbers are filled in from measured results; none stands here."""

TITLE = "Diff-ICMH: a tour"
TOUR = "Tour"
STATION = "Station {index} of {total}"
PHOTOGRAPH = "Photo {index} of {total}"
PREVIOUS, NEXT = "Back", "Next"
FULL_SCREEN = "Full screen"
KEYS = "Keys"
CLOSE = "Close"
KEY_ROWS = (
    ("→  space  Page Down", "next; a clicker works, too"),
    ("←  Page Up", "back"),
    ("Home  End", "first and last"),
    ("B", "blink: original, decoded photo, and back; again and again"),
    ("O  T", "show or hide the objects that a detector sees, and the text that is read"),
    ("+  \N{MINUS SIGN}  0", "zoom in and out, one pixel as one; drag or Shift with arrows moves"),
    ("Esc", "show the photo as at the start"),
    ("?", "these keys"),
)
SLIDE = "slide"
NOTICE = "The decoder invents detail. No decoded image is evidence."

FILE = "A photo in {n_bytes:,} bytes"
FILE_SENTENCE = (
    "These {n_bytes:,} bytes hold the whole photo: {raw} smaller than its raw pixels, {upload} "
    "smaller than the {format} on the left."
)
DRAG = "Drag the line, look closer"
DRAG_SENTENCE = (
    "The original is left of the line, the decoded photo right of it: detail looks natural, but "
    "it is invented, so a pixel-by-pixel comparison finds only {psnr} dB."
)
OTHERS = "The same bytes, other codecs"
OTHERS_SENTENCE = (
    "Within {target:,} bytes, {by_eye} is closest to the original by LPIPS, which judges what "
    "people see, and {by_pixel} by PSNR, which compares pixels."
)
OTHERS_SAME = (
    "Within {target:,} bytes, {by_eye} is closest to the original, both by LPIPS, which judges "
    "what people see, and by PSNR, which compares pixels."
)
MACHINES = "What a detector sees"
MACHINES_SENTENCE = (
    "The same file serves machines: of {objects} that a detector finds in the original, it finds "
    "{matched} in the decoded photo; {invented}."
)
OBJECTS = ("1 object", "{n} objects")
IMAGINED = ("it imagines 1 more", "it imagines {n} more")
IMAGINED_NONE = "it imagines none"
FAILS = "Where it fails"
FAILS_LETTERS = (
    "Of {n} letters that can be read in the original, {changed} are wrong or gone: small letters "
    "and faces are redrawn, not copied, so that they can look right and be wrong."
)
FAILS_FACE = (
    "Look at the face: it is redrawn, not copied, and can become another person's; small letters "
    "can come to say something else."
)
FAILS_MOST = (
    "Faces and small letters are redrawn, not copied: they can look right and be wrong, here most "
    "of all (PSNR {psnr} dB)."
)
DIFFUSION = "What diffusion adds"
DIFFUSION_SENTENCE = (
    "LPIPS (lower is better) is {without} without diffusion and {with_it} after {steps} of it: "
    "the diffusion of this model {change}."
)
STEPS = ("1 step", "{n} steps")
CHANGES = {
    0: "changes little here",
    -1: "brings this photo closer to the original",
    1: "does not bring this photo closer to the original",
}
"""By which way LPIPS goes."""
EACH_SENTENCE = "{n_bytes:,} bytes, {raw} smaller than the raw pixels, {bpp:.3f} bits per pixel."
LABELS = {"content": "Without diffusion"}
"""Under pictures, where the codec's name is too long."""

THE_FILE = "the file"
PHOTO = "Photo {index} of {total}: {name}"
COMPUTED = "{name}: {what} was missing. It took {seconds:.0f} s, and is kept now."
NO_FILE = "{name}: {reason}"
LEFT_OUT = "The station {title!r} is left out: {reason}"
NO_LPIPS = "LPIPS was not measured. `difficmh fetch` gets its weights."
NO_DETECTOR = "no object was detected. `difficmh fetch` gets the detector's weights."
NO_OTHER = "there is no file by another codec."
READY = "The tour is at {url}. Everything is computed; no network is needed. Ctrl-C ends it."
NO_PHOTOS = "There is no example photo to show. They lie in the folder examples/ of a clone."
