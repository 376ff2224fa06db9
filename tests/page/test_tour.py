"""The stations of a talk: each by its rule, every number from what was measured."""

import httpx
import pytest

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.config.profiles import preset_of
from difficmh_core.errors import ConfigError
from difficmh_core.ui.compress.texts import EXAMPLE_WORDS
from difficmh_core.ui.present import texts
from difficmh_core.ui.present.markup import draw_talk
from difficmh_core.ui.present.serving import app_of, serving
from difficmh_core.ui.present.talk import prepare_talk
from difficmh_core.ui.present.tour import each_photograph, plan_tour
from difficmh_core.ui.runtime.cache import ResultCache
from difficmh_core.ui.server.listening import open_port
from tests.crafted_talk import OTHERS, OURS, box, presented

TITLES = ["A photo in 500 bytes", texts.DRAG, texts.OTHERS, texts.MACHINES, texts.FAILS]
TITLES.append(texts.DIFFUSION)


def tour(*photographs, told=None):
    told = [] if told is None else told
    return {station.title: station for station in plan_tour(photographs, "nano", told.append)}


def test_there_are_six_stations_each_with_one_sentence_of_measured_numbers():
    told = []
    stations = tour(presented(objects=([box("cup")], [])), told=told)
    assert list(stations) == TITLES
    assert told == []
    sentences = [station.sentence for station in stations.values()]
    assert all(sentence.count(". ") == 0 and sentence.endswith(".") for sentence in sentences)
    assert "58\N{MULTIPLICATION SIGN} smaller than its raw pixels, 40" in sentences[0]
    assert "only 22.00 dB" in sentences[1]
    assert "Within 500 bytes, Diff-ICMH is closest to the original by LPIPS" in sentences[2]
    assert "VVC by PSNR" in sentences[2]
    assert "of 1 object that a detector finds in the original, it finds 0" in sentences[3]
    steps = preset_of("nano").steps
    assert f"0.151 without diffusion and 0.150 after {steps} step" in sentences[5]
    assert texts.CHANGES[0] in sentences[5]


@pytest.mark.parametrize(("without", "way"), [(0.3, -1), (0.1, 1), (0.149, 0)])
def test_what_diffusion_adds_is_said_as_it_was_measured(without, way):
    others = OTHERS | {"content": OTHERS["content"] | {"lpips_alex": without}}
    assert texts.CHANGES[way] in tour(presented(others=others))[texts.DIFFUSION].sentence


def test_another_codec_is_named_where_it_is_closest_by_both():
    others = OTHERS | {"vvc": {"psnr_db": 30.0, "lpips_alex": 0.01}}
    sentence = tour(presented(others=others))[texts.OTHERS].sentence
    assert sentence.startswith("Within 500 bytes, VVC is closest to the original, both by")


def test_a_face_is_no_first_photograph_but_where_it_fails():
    face = presented("face", ours=OURS | {"lpips_alex": 0.01}, objects=([box("person")], []))
    stations = tour(face, presented("hill"))
    assert stations[TITLES[0]].presented.photo.name == "hill"
    assert stations[texts.FAILS].presented is face
    place = stations[texts.FAILS].place
    assert (place.x_share, place.y_share) == (30 / 120, 22 / 80)


def test_lost_letters_come_before_faces():
    lines = ([box("STOP HERE", top=20, bottom=40)], [box("SLOP HERE", top=20, bottom=40)])
    letters = presented("sign", text=lines)
    face = presented("face", objects=([box("person")], []))
    station = tour(face, letters)[texts.FAILS]
    assert station.presented is letters
    assert "Of 8 letters that can be read in the original, 1 are wrong" in station.sentence
    assert station.place is not None


def test_a_station_without_its_measure_is_left_out_and_told():
    told = []
    values = {"psnr_db": 22.0}
    others = {key: {"psnr_db": 20.0} for key in OTHERS}
    stations = tour(presented(ours=values, others=others, objects=None), told=told)
    assert list(stations) == [*TITLES[:2], texts.FAILS]
    assert [line.partition(" is left out")[0] for line in told] == [
        f"The station {title!r}" for title in (texts.OTHERS, texts.MACHINES, texts.DIFFUSION)
    ]


def test_photographs_are_named_as_on_the_page_and_told_in_numbers():
    photographs = list(each_photograph([presented("letters"), presented("my_hill")]))
    assert [station.title for station in photographs] == [EXAMPLE_WORDS["letters"], "My hill"]
    assert photographs[0].sentence.startswith("500 bytes, 58")


@pytest.fixture
def talk():
    evil = presented('<img src="x" onerror="alert(1)">', objects=([box("cup")], [box("cup")]))
    photographs = [evil, presented("hill")]
    return draw_talk(plan_tour(photographs, "nano", print), list(each_photograph(photographs)))


@pytest.fixture
def client(talk):
    with open_port("127.0.0.1", None) as opened, serving(app_of(talk), opened):
        url = f"http://127.0.0.1:{opened.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=20) as client:
            yield client


def test_the_page_asks_no_other_host_and_runs_no_word_of_others(talk, client):
    answer = client.get("/")
    assert "<img src=x" not in answer.text.lower()
    assert "onerror=&quot;" in answer.text
    assert "://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    for name, png in talk.pictures.items():
        assert f"pictures/{name}" in answer.text
        assert client.get(f"/pictures/{name}").content == png


def test_nothing_else_is_served_and_other_sites_are_refused(client):
    for path in ("/pictures/none.png", "/pictures/../present.js", "/gradio_api/info"):
        assert client.get(path).status_code == 404
    assert client.post("/").status_code == 405
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/", headers=foreign).status_code == 403


@pytest.mark.slow
def test_the_second_start_computes_nothing(codec, photos, tmp_path, monkeypatch):
    def prepare():
        told, kept = [], ResultCache(tmp_path)  # another process has an empty memory
        talk = prepare_talk(
            codec, [photos["wide"]], results=kept, weights_dir=cache_folder(), tell=told.append
        )
        return talk, told

    first, _ = prepare()
    for name in ("tag", "encode", "decode"):
        monkeypatch.setattr(codec, name, lambda *_args, **_settings: pytest.fail("asked"))
    again, told = prepare()
    assert again == first or (again.page, again.pictures) == (first.page, first.pictures)
    assert told[0] == "Photo 1 of 1: wide.jpg"
    assert not any("was missing" in line for line in told)


def test_without_photographs_there_is_no_talk(codec, tmp_path):
    with pytest.raises(ConfigError, match="no example photo"):
        prepare_talk(codec, [], results=ResultCache(), weights_dir=tmp_path, tell=print)
