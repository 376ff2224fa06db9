"""Every word of the about tab."""

HOW = "How it works"
HOW_WORDS = (
    "The encoder turns the photograph into a coarse hint of a few thousand bits and a few words "
    "about what is in it. Both go into one file, whose every byte is checked. The decoder reads "
    "the hint, lays noise over it, and lets a diffusion model remove the noise, steered by the "
    "hint through a control module and by the words through guidance. What comes back is a "
    "natural picture of the same scene, good for people and still recognizable to machines."
)
DIAGRAM = "From the photograph to the file, and from the file to the picture"
BOXES = {
    "photo": "Photograph",
    "tagger": "Tagger",
    "analysis": "Analysis transform",
    "coder": "Range coder with learned contexts",
    "file": ".dicmh file",
    "reader": "Range decoder",
    "content": "Content latent",
    "tags": "Tags",
    "noise": "Noise",
    "model": "Diffusion model with control and guidance",
    "picture": "Picture",
}
WEIGHTS = "The weights on this server"
WEIGHTS_WORDS = "Profile {profile}, model {fingerprint}. {n:,} parameters in all."
WEIGHTS_HEADS = ("File", "Size", "SHA-256", "License", "What it is and where it comes from")
MEGABYTES = "{n:.1f} MB"
OWN = "Trained here: {n_steps:,} steps, {hours:.1f} hours on {device}"
NOT_FETCHED = "not fetched: {without}"
LIMITS = "Limits"
LIMITS_WORDS = (
    "A generative decoder invents detail: faces, letters, numbers, and small things may look "
    "right and still be wrong. Do not use a decoded picture as evidence, for medicine, or to "
    "recognize a person.",
    "The small model that ships with the page (nano) was trained for hours on two processor "
    "cores. It shows that the system works, not how good the published one is.",
    "A file decodes only with the model that wrote it; the file names that model, and another "
    "one is refused.",
    "Pictures may have up to {max_pixels:,} pixels here. Transparent ones are laid on white, and "
    "only the first frame of an animation is used.",
)
PRIVACY = "Privacy"
PRIVACY_WORDS = (
    "Uploads lose their metadata (place, time, camera) on arrival; the upload itself is deleted "
    "at once.",
    "No other visitor sees your pictures and files. They stay on this server and are deleted "
    "within ten minutes.",
    "A link to settings holds the settings only, never a picture, a file, or a tag.",
    "The page does not track visitors and loads nothing from other servers.",
)
PROGRAMS = "For programs and agents"
PROGRAMS_WORDS = (
    "This page is also a service with four typed endpoints: encode, decode, compare, and info. "
    "The link \N{LEFT DOUBLE QUOTATION MARK}Use via API\N{RIGHT DOUBLE QUOTATION MARK} below "
    "shows how to call them. Assistants that speak the Model Context Protocol find them as tools "
    "under /gradio_api/mcp/ of this page's address."
)
REFERENCES = "References"
REFERENCE = "Diff-ICMH, NeurIPS 2025. The authors' code: https://github.com/RuoyuFeng/Diff-ICMH"
