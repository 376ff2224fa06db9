"""Every word of the about tab."""

from difficmh_core.ui.texts import NOTICE

HOW = "How it works"
HOW_WORDS = (
    "The encoder reduces the photo to a compact description, the content latent, and a few words "
    "about what is in it, the tags. Both go into one file, protected by checksums. The decoder "
    "reads the content latent, adds noise to it, and lets a diffusion model remove the noise, "
    "steered by the content latent through a control module and by the tags through guidance. The "
    "result is a natural-looking image of the same scene, in which machines can still recognize "
    "what is there."
)
DIAGRAM = "From the photo to the file, and from the file to the image"
BOXES = {
    "photo": "Photo",
    "tagger": "Tagger",
    "analysis": "Analysis transform",
    "coder": "Range coder with learned contexts",
    "file": ".dicmh file",
    "reader": "Range decoder",
    "content": "Content latent",
    "tags": "Tags",
    "noise": "Noise",
    "model": "Diffusion model with control and guidance",
    "picture": "Image",
}
WEIGHTS = "The weights on this server"
WEIGHTS_WORDS = "Profile {profile}, model {fingerprint}. {n:,} parameters in all."
WEIGHTS_HEADS = ("File", "Size", "SHA-256", "License", "What it is and where it comes from")
MEGABYTES = "{n:.1f} MB"
OWN = "Trained for this project: {n_steps:,} steps, {hours:.1f} hours on {device}"
NOT_FETCHED = "not downloaded: {without}"
LIMITS = "Limits"
LIMITS_WORDS = (
    NOTICE,
    "The small model that ships with the page (nano) was trained for hours on two CPU cores and "
    "for minutes on a GPU. It shows that the system works, not how good the published one is. "
    "With its default settings, diffusion and tags change the image only a little.",
    "A file decodes only with the model that wrote it. It identifies that model, and any other "
    "model refuses it.",
    "Photos may have up to {max_pixels:,} pixels here. Transparent ones are laid on white, and "
    "only the first frame of an animation is used.",
)
PRIVACY = "Privacy"
PRIVACY_WORDS = (
    "Uploads lose their metadata (place, time, camera) on arrival; the upload itself is deleted "
    "at once.",
    "Your photos and files stay on this server, can be reached only through links that cannot be "
    "guessed, and are deleted within ten minutes.",
    "A link to settings holds only the settings, never a photo, a file, or a tag.",
    "The page does not track visitors and loads nothing from other servers.",
)
PROGRAMS = "For programs and agents"
PROGRAMS_WORDS = (
    "This page is also a service with four endpoints: encode, decode, compare, and info. The link "
    "at the bottom of the page shows how to call them. Where no password is needed, assistants "
    "that speak the Model Context Protocol (MCP) find them as tools under /gradio_api/mcp/ of "
    "this page's address."
)
REFERENCES = "References"
REFERENCE = "Diff-ICMH, NeurIPS 2025. The authors' code: https://github.com/RuoyuFeng/Diff-ICMH"
