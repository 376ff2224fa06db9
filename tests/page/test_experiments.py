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

from difficmh_core.cli.coding import settings_of
from difficmh_core.cli.main import build_parser
from difficmh_core.config.decoding import DecodeSettings, SamplerName, controls_of
from difficmh_core.config.experiments import ExperimentRequest
from difficmh_core.errors import ConfigError
from difficmh_core.evaluation.experiments import (
    ExperimentResult,
    Variant,
    plan,
    uncertainty,
)
from difficmh_core.evaluation.lines import csv_of
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.study.photograph import StudyInput, run_by_service
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
def given(runtime, service, photos) -> StudyInput:
    photo = runtime.receive(photos["wide"])
    image = runtime.uploads.load(photo)
    request = CodingRequest(quality=50.0, target_bytes=None, send_tags=True, tags=())
    encoded = service.encode(photo, image, request, service.tag(photo, image))
    return StudyInput(photo=photo, image=image, encoded=encoded, settings=SETTINGS)


def planned(request, given, *, has_rates=True) -> list[Variant]:
    return plan(request, given.encoded, given.settings, has_rates=has_rates)


def finish(service, given, variant) -> ExperimentResult:
    *_, last = run_by_service(service, given, variant)
    return last


def test_a_grid_has_one_variant_for_each_pair(given):
    request = ExperimentRequest(experiment="grid", guidances=(1.0, 3.0), steps=(1, 2, 4))
    variants = planned(request, given, has_rates=True)
    pairs = {(variant.settings.guidance_scale, variant.settings.steps) for variant in variants}
    assert pairs == {(guidance, steps) for guidance in (1.0, 3.0) for steps in (1, 2, 4)}
    assert len({variant.key for variant in variants}) == len(variants)


def test_what_makes_no_sense_is_refused(given):
    with pytest.raises(ConfigError, match="no experiment"):
        planned(ExperimentRequest(experiment="taste"), given, has_rates=True)
    with pytest.raises(ConfigError, match="one rate"):
        planned(ExperimentRequest(experiment="sweep"), given, has_rates=False)
    with pytest.raises(ConfigError, match="at least one value"):
        planned(ExperimentRequest(experiment="grid", steps=()), given, has_rates=True)


def test_a_variant_at_the_files_own_quality_is_the_file(service, given, codec):
    on, off = planned(ExperimentRequest(experiment="tags"), given, has_rates=True)
    result = finish(service, given, on)
    assert result.n_bytes == len(given.encoded.data)
    expected = codec.decode_image(given.encoded.data, SETTINGS)
    assert np.array_equal(result.image, expected)
    assert result.values["psnr_db"] > 0
    assert finish(service, given, off).n_bytes < result.n_bytes


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


def test_the_report_names_what_reproduces_the_picture(service, given, codec, tmp_path):
    settings = replace(SETTINGS, seed=7, guidance_interval=(0.1, 0.9), realism=0.5)
    given = replace(given, settings=settings)
    (variant, _) = planned(ExperimentRequest(experiment="tags"), given, has_rates=True)
    result = finish(service, given, variant)
    report = report_of(codec, given, result, [result.row()])

    assert report["model"]["fingerprint"] == codec.fingerprint.hex()
    assert report["measures"]["psnr_db"] == result.values["psnr_db"]
    encode, decode = (
        build_parser().parse_args(shlex.split(command)[3:])
        for command in commands_of(codec, given)
    )
    assert round(encode.quality / 100 * 255) == given.encoded.stream.quality_level
    assert set(encode.tags.split(",")) == {tag.name for tag in given.encoded.tags}
    assert settings_of(decode, codec.config.profile) == settings
    assert json.loads(json.dumps(report))["settings"]["sampler"] == "ddim"
    assert draw_card(report, given, result).width == 1280


def test_the_table_is_a_csv_that_others_read(service, given):
    variants = planned(ExperimentRequest(experiment="tags"), given, has_rates=True)
    rows = [finish(service, given, variant).row() for variant in variants]
    assert controls_of(SETTINGS).items() <= rows[0].items()
    read = list(csv.DictReader(io.StringIO(csv_of(rows))))
    assert [row["label"] for row in read] == ["Tags on", "Tags off"]
    assert float(read[0]["psnr_db"]) == pytest.approx(rows[0]["psnr_db"])
