"""Studies: their plans, their measures, the map of uncertainty, plots and the report."""

import csv
import io
import json
import re
import shlex
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from difficmh_core.cli.parser import build_parser, settings_of
from difficmh_core.config.decoding import DecodeSettings, SamplerName, controls_of
from difficmh_core.errors import ConfigError
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.study.experiments import (
    Finished,
    StudyWish,
    Subject,
    plan,
    run_trial,
    uncertainty,
)
from difficmh_core.ui.study.handlers import _csv_of
from difficmh_core.ui.study.plots import (
    LEFT,
    LETTER_WIDTH,
    LINE_HEIGHT,
    WIDTH,
    _draw_crosses,
    _marks,
    _meet,
    draw_curves,
)
from difficmh_core.ui.study.report import commands_of, draw_card, report_of

SETTINGS = DecodeSettings(steps=2, guidance_scale=2.0, sampler=SamplerName.DDIM)


@pytest.fixture(scope="module")
def runtime(runtime_in, tmp_path_factory):
    return runtime_in(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def service(runtime) -> CodecService:
    return runtime.service


@pytest.fixture(scope="module")
def subject(runtime, service, photos) -> Subject:
    photo = runtime.receive(photos["wide"])
    image = runtime.uploads.load(photo)
    request = CodingRequest(quality=50.0, target_bytes=None, send_tags=True, tags=())
    encoded = service.encode(photo, image, request, service.tag(photo, image))
    return Subject(photo=photo, image=image, encoded=encoded, settings=SETTINGS)


def finish(service, subject, trial) -> Finished:
    *_, last = run_trial(service, subject, trial)
    return last


def test_a_grid_has_one_trial_for_each_pair(subject):
    wish = StudyWish(experiment="grid", guidances=(1.0, 3.0), steps=(1, 2, 4))
    trials = plan(subject, wish, has_rates=True)
    pairs = {(trial.settings.guidance_scale, trial.settings.steps) for trial in trials}
    assert pairs == {(guidance, steps) for guidance in (1.0, 3.0) for steps in (1, 2, 4)}
    assert len({trial.key for trial in trials}) == len(trials)


def test_what_makes_no_sense_is_refused(subject):
    with pytest.raises(ConfigError, match="no question"):
        plan(subject, StudyWish(experiment="taste"), has_rates=True)
    with pytest.raises(ConfigError, match="one rate"):
        plan(subject, StudyWish(experiment="sweep"), has_rates=False)
    with pytest.raises(ConfigError, match="at least one value"):
        plan(subject, StudyWish(experiment="grid", steps=()), has_rates=True)


def test_a_trial_at_the_files_own_quality_is_the_file(service, subject, codec):
    on, off = plan(subject, StudyWish(experiment="tags"), has_rates=True)
    finished = finish(service, subject, on)
    assert finished.n_bytes == len(subject.encoded.data)
    expected = codec.decode_image(subject.encoded.data, SETTINGS)
    assert np.array_equal(finished.image, expected)
    assert finished.values["psnr_db"] > 0
    assert finish(service, subject, off).n_bytes < finished.n_bytes


def test_uncertainty_is_the_standard_deviation_over_the_seeds():
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 256, (4, 20, 30, 3)).astype(np.uint8)
    stack[:, :, :10] = stack[0, :, :10]  # here the seeds agree
    mean, spread, peak = uncertainty([Image.fromarray(values) for values in stack])

    assert np.array_equal(
        np.asarray(mean), (stack.astype(np.float32).mean(axis=0) + 0.5).astype(np.uint8)
    )
    assert not np.asarray(spread)[:, :10].any()
    assert np.asarray(spread)[:, 10:].any(axis=-1).all()
    deviation = stack.astype(np.float32).std(axis=0, ddof=1).mean(axis=-1)
    assert peak == pytest.approx(np.percentile(deviation, 99.5), rel=1e-4)


def test_curves_show_ours_and_the_published_points():
    points = [(0.03, {"lpips_alex": 0.5, "psnr_db": 20.0}), (0.06, {"lpips_alex": 0.4})]
    drawn = draw_curves(points)
    assert drawn.count("<svg") == 3
    assert "StableCodec" in drawn
    assert "0.0600 bpp, 0.400" in drawn


def test_marks_are_round_and_names_lie_apart():
    assert _marks([0.0217, 0.113]) == [0.02, 0.04, 0.06, 0.08, 0.1, 0.12]
    assert len(_marks([0.25])) > 1

    for x, y in ((200.0, 100.0), (60.0, 100.0), (415.0, 250.0)):
        others = [((0.05, 0.2), codec) for codec in ("StableCodec", "DiffEIC", "MS-ILLM")]
        drawn = _draw_crosses(others, lambda point, place=(x, y): place)
        names = re.findall(r'<text x="([\d.]+)" y="([\d.]+)">([^<]+)', drawn)
        boxes = [
            (
                float(left),
                float(base) - LINE_HEIGHT,
                float(left) + LETTER_WIDTH * len(name),
                float(base),
            )
            for left, base, name in names
        ]
        assert len(boxes) == 3
        assert all(left > LEFT and right < WIDTH for left, _, right, _ in boxes)
        assert not any(_meet(one, other) for one, other in combinations(boxes, 2))


def test_the_report_names_what_reproduces_the_picture(service, subject, codec, tmp_path):
    settings = replace(SETTINGS, seed=7, guidance_interval=(0.1, 0.9), realism=0.5)
    subject = replace(subject, settings=settings)
    (trial, _) = plan(subject, StudyWish(experiment="tags"), has_rates=True)
    finished = finish(service, subject, trial)
    report = report_of(codec, subject, finished, [finished.row()])

    assert report["model"]["fingerprint"] == codec.fingerprint.hex()
    assert report["measures"]["psnr_db"] == finished.values["psnr_db"]
    encode, decode = (
        build_parser().parse_args(shlex.split(command)[3:])
        for command in commands_of(codec, subject)
    )
    assert round(encode.quality / 100 * 255) == subject.encoded.stream.quality_level
    assert set(encode.tags.split(",")) == {tag.name for tag in subject.encoded.tags}
    assert settings_of(decode, codec.config.profile) == settings
    assert json.loads(json.dumps(report))["settings"]["sampler"] == "ddim"
    assert draw_card(report, subject, finished).width == 1280


def test_the_table_is_a_csv_that_others_read(service, subject):
    trials = plan(subject, StudyWish(experiment="tags"), has_rates=True)
    rows = [finish(service, subject, trial).row() for trial in trials]
    assert controls_of(SETTINGS).items() <= rows[0].items()
    read = list(csv.DictReader(io.StringIO(_csv_of(rows).decode())))
    assert [row["label"] for row in read] == ["Tags on", "Tags off"]
    assert float(read[0]["psnr_db"]) == pytest.approx(rows[0]["psnr_db"])
