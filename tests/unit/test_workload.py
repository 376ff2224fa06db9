"""Forecasts: how much is done, and how long the rest will take."""

import pytest

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.config.profiles import preset_of
from difficmh_core.config.stages import TWO_CORES, Stage, decoding_load, encoding_load
from difficmh_core.ui.runtime.pace import LearnedPace, Working
from difficmh_core.workload import Forecast, Progress


@pytest.mark.parametrize("slower", [0.2, 1.0, 9.0])
def test_after_a_quarter_of_the_time_the_estimate_is_right_within_a_third(slower):
    load = encoding_load(12_000_000, is_tagged=True)
    forecast, seconds = Forecast(load), 0.0
    total = slower * forecast.total_s
    for stage, amount in load.items():
        for part in range(1, 101):
            seconds += slower * amount * TWO_CORES[stage] / 100
            forecast.note(Progress(stage=stage, share=part / 100), seconds)
            if seconds > total / 4:
                assert forecast.left_s == pytest.approx(total - seconds, rel=1 / 3, abs=1)
    assert forecast.share == pytest.approx(1)
    assert forecast.left_s == pytest.approx(0, abs=1e-6)


def test_a_load_counts_what_is_done_often():
    plain = encoding_load(1_000_000, is_tagged=False)
    searched = encoding_load(1_000_000, is_tagged=False, is_searched=True)
    assert searched[Stage.CODING] > 8 * plain[Stage.CODING]
    assert plain[Stage.TAGGING] == 0
    paper = preset_of("nano", "paper")
    guided, plain = (decoding_load(1, 1_000_000, paper, has_tags=tags) for tags in (True, False))
    assert guided[Stage.DENOISING] == 2 * plain[Stage.DENOISING] == 2 * paper.steps
    settings = DecodeSettings(**{**paper.as_dict(), "realism": 0.0})
    assert decoding_load(1, 1, settings, has_tags=True)[Stage.DENOISING] == 0


def test_estimates_learn_from_what_work_took(monkeypatch):
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr("difficmh_core.ui.runtime.pace.time.monotonic", lambda: float(next(clock)))
    pace, load = LearnedPace(), {Stage.READING: 10.0}

    def work():
        yield Progress(stage=Stage.READING, share=0.5)
        yield Progress(stage=Stage.READING, share=1.0)
        return "done"

    results, told = [], []

    def run():
        results.append((yield from pace.run(work(), load)))

    told.extend(run())
    assert results == ["done"]
    assert [state.share for state in told] == [0, 0.5, 1]
    assert all(isinstance(state, Working) for state in told)
    assert pace.estimate_s(load) == 200
    # What was not measured is as much slower as what was.
    assert pace.estimate_s({Stage.PICTURE: 1.0}) == pytest.approx(
        TWO_CORES[Stage.PICTURE] * 20 / TWO_CORES[Stage.READING]
    )


def test_work_that_is_left_ends(monkeypatch):
    ended = []

    def work():
        try:
            yield Progress(stage=Stage.READING, share=0.5)
            yield Progress(stage=Stage.READING, share=1.0)
        finally:
            ended.append(True)
        return None

    monkeypatch.setattr("difficmh_core.ui.runtime.pace.TOLD_S", 0.0)
    states = LearnedPace().run(work(), {Stage.READING: 100.0})
    next(states)
    next(states)
    states.close()
    assert ended == [True]
