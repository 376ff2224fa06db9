"""Every word of the study tab."""

INTRODUCTION = (
    "See how guidance, steps, tags, seed, and quality affect the photo from the Compress tab. "
    "Choose an experiment and run it; the measurements go into the table, the CSV file, and the "
    "report. Latent optimization is not used here."
)
EXPERIMENT = "Experiment"
GUIDANCES = "Guidance"
GUIDANCE_CHOICES = (1.0, 1.5, 2.0, 3.0, 5.0, 7.5)
GUIDANCES_CHOSEN = (1.0, 2.0, 5.0)
STEPS = "Steps"
STEP_CHOICES = (1, 2, 4, 8, 16, 50)
STEPS_CHOSEN = (1, 2, 4)
SEEDS = "Number of seeds"
SEEDS_HELP = "More seeds make a smoother map."
QUALITIES = "Qualities"
QUALITY_CHOICES = (0, 25, 50, 75, 100)
START = "Run"
WORKING = "{index} of {total}: {label}, step {step} of {steps}"
MEASURING = "{index} of {total}: {label}"
DONE = "Done. Measured {n} images."
NO_PHOTO = "There is no photo yet. Choose one in the Compress tab first."

MEAN = "Mean of the images from {n} seeds"
MEAN_NOTE = "It is blurred where the seeds disagree."
UNCERTAINTY = "Uncertainty"
UNCERTAINTY_NOTE = "The standard deviation of each pixel; white means {peak:.0f} (of 255) or more."
GRID = "LPIPS (lower is better), PSNR, and time for each combination"
GRID_CORNER = "Steps \N{DOWNWARDS ARROW} Guidance \N{RIGHTWARDS ARROW}"
GRID_CELL = "LPIPS {lpips:.3f}"
GRID_CELL_MORE = "{psnr:.2f} dB, {seconds:.1f} s"

PLOT = "{measure} against rate: this photo and published codecs"
PLOT_X = "Whole file [bpp]"
PLOT_OURS = "This photo"

TABLE = "Measurements"
COLUMNS = {
    "experiment": "Experiment",
    "label": "Image",
    "n_bytes": "Bytes",
    "bpp": "bpp",
    "steps": "Steps",
    "guidance_scale": "Guidance",
    "n_tags": "Tags",
    "seconds": "Seconds",
}
DOWNLOAD_CSV = "Download the table (CSV)"
MAKE_REPORT = "Make a report card"
DOWNLOAD_CARD = "Download the card (PNG)"
DOWNLOAD_JSON = "Download the report (JSON)"
CARD = "Report card"
CARD_TITLE = "Diff-ICMH report card"
CARD_ORIGINAL = "Original"
CARD_DECODED = "Decoded"
CARD_NOTICE = "A generative decoder invents detail. Do not use a decoded image as evidence."
CARD_COMMAND = "To reproduce"
