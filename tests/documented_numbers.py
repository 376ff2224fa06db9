"""Tables and figures of the documents, made anew from the measurements that they quote.

``python -m tests.documented_numbers`` writes the tables of speed after they were measured anew.
"""

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DIGITS = {"lpips_alex": 3, "lpips_vgg": 3, "dists": 3, "psnr_db": 1, "box_f1": 2, "top1": 2}
NAMES = {
    "jpeg": "JPEG",
    "webp": "WebP",
    "avif": "AVIF (libaom 3.14.1, tune iq)",
    "jxl": "JPEG XL",
    "vvc": "VVC (VVenC, preset fast)",
    "elic": "ELIC (reduced)",
    "nano-instant": "`nano`, `instant`",
    "nano-content": "`nano`, without diffusion",
    "nano-instant-refined": "`nano`, `instant`, optimized",
}


def results(name):
    """One file of measurements."""
    return json.loads((RESULTS / f"{name}.json").read_text())


DEV = results("dev-nano-9")
OPTIMIZED = results("dev-nano-9-refined")
DETECT = results("detect-nano-9")
DETECT_OTHERS = results("detect-nano-4")
ITERATIONS = results("refinement")["means"]
TEXT = results("text")["photos"]


def summary(measured, codec, bpp):
    """The means of one codec at one rate."""
    (found,) = (
        each
        for each in measured["summaries"]
        if (each["codec"], each["target_bpp"]) == (codec, bpp)
    )
    return found


def delta(measured, codec, metric):
    """The Bjøntegaard deltas of one codec against VVC."""
    (found,) = (
        each for each in measured["deltas"] if (each["codec"], each["measure"]) == (codec, metric)
    )
    return found


def fewer_bits(measured, codec, metric):
    """How many bits less than VVC's, in percent, with the interval."""
    rate = delta(measured, codec, metric)["bd_rate_percent"]
    return tuple(f"{-rate[key]:.0f}" for key in ("value", "high", "low"))


def table_row(*cells):
    """A line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def _cells(mean, metrics):
    # A hair more, so that halves go up as readers expect: 0.625 becomes 0.63.
    return [f"{mean['values'][key]['value'] + 1e-9:.{DIGITS[key]}f}" for key in metrics]


def readme_rows():
    """The README's table: 0.06 bpp."""
    names = {
        "jpeg": "JPEG",
        "webp": "WebP",
        "avif": NAMES["avif"],
        "vvc": NAMES["vvc"],
        "nano-instant": "**Diff-ICMH, `nano`**",
        "nano-instant-refined": "the same with 3 iterations of latent optimization",
    }
    metrics = ("lpips_alex", "dists", "box_f1", "psnr_db")
    for codec, name in names.items():
        mean = summary(OPTIMIZED if codec.endswith("refined") else DEV, codec, 0.06)
        yield table_row(name, _size(mean), *_cells(mean, metrics))


def quality_rows(bpp):
    """One of the tables of results.md: forty photographs at one rate."""
    for codec, name in NAMES.items():
        measured = OPTIMIZED if codec.endswith("refined") else DEV
        mean = summary(measured, codec, bpp)
        (distance,) = (
            each["value"]
            for each in measured["set_distances"]
            if (each["codec"], each["rate_bpp"], each["measure"]) == (codec, bpp, "kernel")
        )
        yield table_row(
            name,
            _size(mean),
            *_cells(mean, ("lpips_alex", "dists", "box_f1", "top1")),
            f"{1000 * distance:.0f}",
            *_cells(mean, ("psnr_db",)),
        )


def _size(mean):
    """The mean rate, marked where most files are larger than the target."""
    return f"{mean['bpp']:.3f}" + ("\\*" if mean["n_fitting"] < mean["n"] / 2 else "")


def precision_rows(bpp):
    """One of the tables of results.md: sixty annotated photographs at one rate."""
    for codec, name in NAMES.items():
        if codec.endswith("refined"):
            continue
        measured = DETECT if codec == "vvc" or codec.startswith("nano") else DETECT_OTHERS
        mean = summary(measured, codec, bpp)
        (precision,) = (
            each
            for each in measured["coco_map"]
            if (each["codec"], each["rate_bpp"]) == (codec, bpp)
        )
        yield table_row(
            name,
            _size(mean),
            *_cells(mean, ("box_f1",)),
            f"{precision['value']:.3f}",
            f"{precision['low']:.3f} to {precision['high']:.3f}",
        )


def feature_rows():
    """A table of results.md: how far a classifier's features move, by depth."""
    for codec, name in NAMES.items():
        if not codec.endswith("refined"):
            values = summary(DEV, codec, 0.06)["values"]
            yield table_row(name, *(f"{values[f'features_{k}']['value']:.2f}" for k in range(9)))


def iteration_rows():
    """A table of results.md: what a number of iterations brings and takes."""
    for name, mean in ITERATIONS.items():
        if name.startswith("VVC"):
            continue
        label = name.removeprefix("nano, ").split()[0]
        seconds = mean["encode_s"]
        metrics = (f"{mean[key]:.{DIGITS[key]}f}" for key in ("lpips_alex", "lpips_vgg", "dists"))
        time = f"{seconds:.{0 if seconds > 5 else 1}f}"
        yield table_row(label, time, *metrics, f"{mean['psnr_db']:.1f}")


def short_rows():
    """A table of results.md: how many bits fewer than VVC's for equal quality."""
    for measured, codec, metric, name, use in (
        (DEV, "nano-instant", "lpips_alex", "LPIPS (AlexNet)", "yes"),
        (DEV, "nano-instant", "dists", "DISTS", "yes"),
        (DEV, "nano-instant", "js_bits", "classifier divergence", "no"),
        (DETECT, "nano-instant", "coco_map", "mAP of a detector, on COCO", "no"),
    ):
        value, low, high = fewer_bits(measured, codec, metric)
        without, *_ = fewer_bits(measured, "nano-content", metric)
        yield table_row(name, f"{value}%", f"{low}% to {high}%", f"{without}%", use)


def optimization_rows():
    """A table of results.md: what latent optimization changes at each rate."""
    digits = {**DIGITS, "js_bits": 2}
    for bpp in (0.03, 0.06, 0.12):
        before, after = (
            summary(OPTIMIZED, codec, bpp)["values"]
            for codec in ("nano-instant", "nano-instant-refined")
        )
        cells = (
            " → ".join(f"{mean[key]['value'] + 1e-9:.{digits[key]}f}" for mean in (before, after))
            for key in ("lpips_alex", "dists", "js_bits", "box_f1", "psnr_db")
        )
        yield table_row(f"{bpp:.2f}", *cells)


def text_rows():
    """A table of results.md: letters kept in five photographs, and the bytes of each file."""
    for name, photo in TEXT.items():
        cells = (
            f"{file['letters_kept']} ({file['n_bytes']:,})" for file in photo["files"].values()
        )
        yield table_row(name, str(photo["n_letters"]), *cells)


def weight_rows():
    """A table of weights.md: the cards of nano's files."""
    folder = ROOT / "difficmh_core" / "weights" / "nano"
    for stem in ("autoencoder", "prior", "latent_codec", "control"):
        card = json.loads((folder / f"{stem}.json").read_text())
        yield table_row(
            f"[`{stem}.safetensors`](../difficmh_core/weights/nano/{stem}.json)",
            f"{card['n_bytes'] / 1e6:.1f} MB",
            f"`{card['sha256'][:16]}…`",
            ", ".join(f"{stage} {n:,}" for stage, n in card["n_steps"].items()),
            f"{card['training_seconds'] / 60:.0f}",
        )


def many_files_rows():
    """A table of many_files.md: a thousand photographs in every way."""
    for way, report in results("many_files")["ways"].items():
        memory = report.get("memory_peak_mib")  # storage in memory would count, too
        yield table_row(
            f"`{way}`" if "://" in way else way,
            f"{report['seconds']:.0f}",
            f"{report['files_per_second']:.1f}",
            "" if memory is None else f"{memory:,.0f}",
        )


def start_rows():
    """A table of results.md: whole commands."""
    measured = results("start")
    times = measured["whole_s"]
    for command, seconds in times.items():
        name = "`app.py` until the page answers" if command == "page answers" else f"`{command}`"
        ratio = f"{seconds / times['import torch']:.2f}"
        yield table_row(name, f"{seconds:.2f}", ratio, f"{measured['peak_mib'][command]:,.0f}")


def work_rows():
    """A table of results.md: the work alone, beside other codecs."""
    for work, seconds in results("start")["work_s"].items():
        yield table_row(work, f"{seconds:.2f}")


def start_statements():
    """What a photograph takes where everything is loaded."""
    work = results("start")["work_s"]
    encode, decode = f"{work['encode']:.1f} s", f"{work['decode fast']:.1f} s"
    yield "README.md", f"`nano` encodes such a photo in {encode} and decodes it in {decode}"


SPEED_TABLES = {
    "many_files": [
        ("docs/many_files.md", ("way", "seconds", "files/s", "peak MiB"), many_files_rows)
    ],
    "start": [
        (
            "docs/results.md",
            ("command", "seconds", "times `import torch`", "peak MiB"),
            start_rows,
        ),
        ("docs/results.md", ("work", "seconds"), work_rows),
    ],
}
"""By the file of results: the document that holds a table, its head, and what makes its rows."""


def speed_tables():
    """The tables of speed: the document, the head, and the rows."""
    for tables_of_it in SPEED_TABLES.values():
        for document, head, rows in tables_of_it:
            yield document, table_row(*head), list(rows())


def text_with_table(text, head, rows):
    """A document in which the rows below a table's head are these."""
    lines = text.splitlines()
    first = lines.index(head) + 2
    last = next(i for i in range(first, len(lines)) if not lines[i].startswith("|"))
    return "\n".join([*lines[:first], *rows, *lines[last:], ""])


def said(measured, codec, metric):
    """The same in words."""
    value, low, high = fewer_bits(measured, codec, metric)
    return f"{value}% fewer bits than VVC (95% interval {low}% to {high}%)"


def tables():
    """Every table made of measurements: the document that holds it, and its rows."""
    yield "README.md", list(readme_rows())
    for bpp in (0.03, 0.06, 0.12):
        yield "docs/results.md", list(quality_rows(bpp))
        yield "docs/results.md", list(precision_rows(bpp))
    yield "docs/weights.md", list(weight_rows())
    made = feature_rows(), iteration_rows(), optimization_rows(), short_rows(), text_rows()
    for rows in made:
        yield "docs/results.md", list(rows)
    for document, _, rows in speed_tables():
        yield document, rows


def statements():
    """Sentences, or parts of them, made of measurements: the document, and the words."""
    share, *_ = fewer_bits(DEV, "nano-instant", "lpips_alex")
    yield "README.md", f"Diff-ICMH needs {share}% fewer bits than VVC"
    share, *_ = fewer_bits(DEV, "nano-instant", "js_bits")
    yield (
        "README.md",
        f"an image classifier's predictions change, `nano` needs {share}% fewer bits",
    )
    shares = [fewer_bits(DEV, "nano-content", key)[0] for key in ("lpips_alex", "js_bits")]
    both = f"{shares[0]}% and {shares[1]}%"
    yield "README.md", f"without diffusion `nano` needs {both} fewer bits"
    loss = -delta(DEV, "nano-instant", "psnr_db")["bd_quality"]["value"]
    yield "README.md", f"its PSNR is {loss:.1f} dB lower"
    yield "docs/results.md", f"at equal bits `nano` is {loss:.1f} dB lower"
    yield "docs/results.md", said(DETECT, "nano-instant", "coco_map")
    yield "docs/results.md", said(OPTIMIZED, "nano-instant-refined", "js_bits")
    (vvc,) = (mean for name, mean in ITERATIONS.items() if name.startswith("VVC"))
    yield (
        "docs/results.md",
        f"VVC takes {vvc['encode_s']:.1f} s and has LPIPS {vvc['lpips_alex']:.3f} "
        f"(VGG: {vvc['lpips_vgg']:.3f}), DISTS {vvc['dists']:.3f} and {vvc['psnr_db']:.1f} dB",
    )
    yield from many_files_statements()
    yield from start_statements()
    (original,) = (each for each in DETECT["coco_map"] if each["codec"] == "original")
    low, high = original["low"], original["high"]
    interval = f"(95% interval {low:.3f} to {high:.3f})"
    yield "docs/results.md", f"its mAP is {original['value']:.3f} {interval}"


def many_files_statements():
    """What a million photographs would take."""
    measured = results("many_files")
    one = measured["ways"]["one process"]
    seconds = round(one["seconds"] / (one["n_files"] + one["n_failed"]), 2)
    hours = 1_000_000 * seconds / 3600
    document = "docs/many_files.md"
    yield document, f"photos of {measured['mean_megapixels']:.2f} megapixels on average"
    yield document, f"One process takes {seconds:.2f} s for such a photo"
    yield document, f"1,000,000 photos * {seconds:.2f} s / 3,600 s = {hours:.0f} hours"
    yield document, f"or {hours / 64:.1f} hours with 64 processes"
    yield document, f"broken, on two CPU cores ({measured['machine']['cpu']})"
    resumed = results("journal")
    seconds, memory_gb = resumed["seconds"], resumed["memory_peak_mib"] * 2**20 / 1e9
    yield (
        document,
        f"a million files are finished takes {seconds:.0f} s after the storage has listed them, "
        f"and {memory_gb:.1f} GB of memory",
    )


if __name__ == "__main__":
    for name, head, rows in speed_tables():
        path = ROOT / name
        path.write_text(text_with_table(path.read_text(), head, rows))
