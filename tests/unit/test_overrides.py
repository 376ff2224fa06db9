"""Settings of training stages, changed from the command line."""

from dataclasses import fields

import pytest

from difficmh_core.errors import ConfigError
from difficmh_core.training.default_settings import PAPER_SETTINGS, default_settings
from difficmh_core.training.overrides import change_settings
from difficmh_core.training.settings import (
    FeatureDistance,
    JointSettings,
    StageName,
    StageSettings,
)


def test_values_of_every_kind_are_changed():
    settings = change_settings(
        default_settings(StageName.JOINT),
        [
            "minutes=2",
            "rate=[2, 4]",
            "trains_codec=false",
            "semantic.block=4",
            "semantic.distance=normalized_l2",
            "picture.lpips=0.25",
        ],
    )
    assert isinstance(settings, JointSettings)
    assert (settings.minutes, settings.rate, settings.trains_codec) == (2, (2, 4), False)
    assert settings.semantic.block == 4
    assert settings.semantic.distance is FeatureDistance.NORMALIZED_L2
    assert settings.picture.lpips == 0.25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("minutes", "NAME=VALUE"),
        ("minuets=3", "has no setting 'minuets'.*minutes"),
        ("minutes.more=3", "has no setting"),
        ("picture.lpisp=1", "PictureWeights has no setting"),
        ("minutes=soon", "not JSON"),
        ("rate=[1, 2, 3]", "another kind"),
        ("batch_size=2.5", "another kind"),
        ("compiled=1", "another kind"),
        ("semantic.distance=manhattan", "cos, normalized_l2"),
        ("minutes=-1", "minutes must be above 0"),
        ("rate=[0, 1]", "above 0"),
    ],
)
def test_changes_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        change_settings(default_settings(StageName.JOINT), [change])


def test_the_paper_trains_one_rate_at_full_size():
    settings = change_settings(PAPER_SETTINGS, ["rate=[8, 8]"])
    assert settings.rate == (8, 8)
    assert settings.crop_px == 512
    assert settings.semantic.weight == 2
    assert settings.batch_tag_dropout == 0.1
    assert not settings.picture.lpips


@pytest.mark.parametrize("stage", StageName)
def test_no_stage_gives_another_meaning_to_a_setting_that_all_share(stage):
    shared = {field.name for field in fields(StageSettings)}
    for kind in type(default_settings(stage)).__mro__:
        if issubclass(kind, StageSettings) and kind is not StageSettings:
            assert not shared & set(kind.__annotations__)
