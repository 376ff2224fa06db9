"""The codecs beside ours: files that decode, sizes that grow, limits and failures in words."""

import io
import stat
import sys

import numpy as np
import pytest
from PIL import Image

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.baselines.pillow_codecs import PILLOW_CODECS
from difficmh_core.baselines.programs import run_program
from difficmh_core.baselines.vvc import FfmpegVvenc, Vtm, find_vvc
from difficmh_core.errors import BackendUnavailableError, ImageError, ProgramError
from difficmh_core.evaluation.codecs import AbsentCodec, find_codecs
from difficmh_core.image_io import to_tensor
from difficmh_core.quality.distortion import psnr_db
from difficmh_core.weights.cache import is_cached
from difficmh_core.weights.cards import VVENC_FFMPEG


def quality_of(picture, decoded):
    assert decoded.size == picture.size
    assert decoded.mode == "RGB"
    return psnr_db(to_tensor(picture), to_tensor(decoded)).item()


@pytest.mark.parametrize("make", PILLOW_CODECS.values(), ids=PILLOW_CODECS)
def test_a_better_setting_makes_a_larger_file_and_a_better_picture(make, picture):
    codec = make()
    sizes, qualities = [], []
    for quality in (codec.qualities[20], codec.qualities[60], codec.qualities[-1]):
        data = codec.encode(picture, quality)
        assert data == codec.encode(picture, quality)
        sizes.append(len(data))
        qualities.append(quality_of(picture, codec.decode(data)))
    assert sizes == sorted(set(sizes))
    assert qualities == sorted(set(qualities))
    assert qualities[-1] > 30
    assert codec.version


@pytest.mark.parametrize("make", PILLOW_CODECS.values(), ids=PILLOW_CODECS)
@pytest.mark.parametrize("mode", ["grey", "3 x 3 px"])
def test_odd_pictures_are_coded(make, mode):
    size = (3, 3) if mode == "3 x 3 px" else (40, 31)
    odd, codec = Image.new("RGB", size, (90, 90, 90)), make()
    assert quality_of(odd, codec.decode(codec.encode(odd, codec.qualities[-1]))) > 30


@pytest.mark.parametrize("make", PILLOW_CODECS.values(), ids=PILLOW_CODECS)
def test_the_best_file_within_the_bytes_is_found(make, picture):
    codec = make()
    sizes = [len(codec.encode(picture, quality)) for quality in codec.qualities]
    for n_bytes in (sizes[0], 1500, sizes[-1] + 10):
        coded = codec.code(picture, n_bytes)
        assert coded.fits
        assert len(coded.data) <= n_bytes
        assert len(coded.data) == len(codec.encode(picture, int(coded.setting)))
        # No other setting that fits gives a clearly larger file: sizes may waver a little.
        assert len(coded.data) >= 0.93 * max(size for size in sizes if size <= n_bytes)
    smallest = codec.code(picture, 10)
    assert not smallest.fits
    assert len(smallest.data) == sizes[0]


def test_a_picture_beyond_the_format_is_refused():
    with pytest.raises(ImageError, match="at most 16383 px a side, this one has 16384 x 1"):
        PILLOW_CODECS["webp"]().code(Image.new("RGB", (16384, 1)), 1000)


def test_damaged_files_are_refused_in_words(picture):
    codec = PILLOW_CODECS["jpeg"]()
    with pytest.raises(ProgramError, match=r"JPEG .* cannot decode its file"):
        codec.decode(codec.encode(picture, 50)[:40])


def test_programs_fail_in_words(tmp_path):
    def run(code, **options):
        return run_program([sys.executable, "-c", code], folder=tmp_path, **options)

    assert run("print('well')") == "well\n"
    with pytest.raises(ProgramError, match=r"failed with exit code 3: no such thing"):
        run("import sys; sys.stderr.write('no such thing'); sys.exit(3)")
    with pytest.raises(ProgramError, match=r"did not end within 0\.2 s and was stopped"):
        run("import time; time.sleep(9)", limit_s=0.2)
    with pytest.raises(ProgramError, match="cannot be started"):
        run_program([tmp_path / "absent"], folder=tmp_path)


@pytest.fixture
def vvenc():
    if not is_cached(VVENC_FFMPEG, cache_folder()):
        pytest.skip("VVenC is not in the cache; run `python -m difficmh_core fetch baselines`")
    found = find_vvc(cache_folder())
    assert isinstance(found, FfmpegVvenc)
    return found


def test_vvc_codes_a_picture_of_odd_size(vvenc, picture):
    sizes, qualities = [], []
    for qp in (45, 25):
        data = vvenc.encode(picture, qp)
        sizes.append(len(data))
        qualities.append(quality_of(picture, vvenc.decode(data)))
    assert sizes[0] < sizes[1]
    assert 18 < qualities[0] < qualities[1]
    assert qualities[1] > 27
    tiny = Image.new("RGB", (3, 3), (90, 90, 90))
    assert quality_of(tiny, vvenc.decode(vvenc.encode(tiny, 30))) > 30
    assert vvenc.name == "VVC (VVenC, preset fast)"


def test_vvc_keeps_the_mean_color(vvenc, picture):
    """Ffmpeg's fast conversion makes every picture 2 of 255 darker."""
    decoded = vvenc.decode(vvenc.encode(picture, 22))
    shift = to_tensor(decoded).mean(dim=(2, 3)) - to_tensor(picture).mean(dim=(2, 3))
    assert 255 * shift.abs().max() < 0.7
    assert "exact RGB" in vvenc.version


def test_vvc_says_why_it_cannot_take_a_picture(vvenc):
    with pytest.raises(ProgramError, match="failed with exit code"):
        FfmpegVvenc(vvenc._ffmpeg, "fastest of all").encode(Image.new("RGB", (32, 32)), 30)
    with pytest.raises(ProgramError):
        vvenc.decode(b"\0no video at all")


# VTM itself is nowhere packaged. In its place, a program that takes the same options and stores
# the planes as they are shows that ours speaks to it rightly, and gets its colors back.
STAND_IN = """#!{python}
import sys
words = sys.argv[1:]
if words == ["--help"]:
    print("VVCSoftware: VTM Encoder Version 23.4")
    sys.exit()
value = dict(zip(words, words[1:]))
if "-q" in value:
    planes = open(value["-i"], "rb").read()
    assert len(planes) == 3 * int(value["-wdt"]) * int(value["-hgt"])
    assert value["-c"].endswith("encoder_intra_vtm.cfg") and value["-f"] == "1"
    assert "--InputChromaFormat=444" in words and "--InputBitDepth=8" in words
    open(value["-b"], "wb").write(planes)
else:
    assert value["-d"] == "8"
    open(value["-o"], "wb").write(open(value["-b"], "rb").read())
"""


@pytest.fixture
def vtm_folder(tmp_path):
    for name in ("bin", "cfg"):
        (tmp_path / name).mkdir()
    (tmp_path / "cfg" / "encoder_intra_vtm.cfg").touch()
    for name in ("EncoderAppStatic", "DecoderAppStatic"):
        program = tmp_path / "bin" / name
        program.write_text(STAND_IN.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def test_vtm_gets_planes_and_gives_them_back(vtm_folder, picture):
    codec = find_vvc(vtm_folder, vtm=vtm_folder)
    assert isinstance(codec, Vtm)
    assert (codec.name, codec.version) == ("VVC (VTM, all intra)", "23.4")
    decoded = codec.decode(codec.encode(picture, 30))
    assert quality_of(picture, decoded) > 45  # rounding of the colors alone
    assert np.abs(np.asarray(decoded).astype(int) - np.asarray(picture)).max() <= 3


def test_an_absent_vvc_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BackendUnavailableError, match="holds no built VTM"):
        find_vvc(tmp_path, vtm=tmp_path)
    found = find_codecs(["jpeg", "vvc"], {}, tmp_path)
    assert not isinstance(found["jpeg"], AbsentCodec)
    assert isinstance(found["vvc"], AbsentCodec)
    assert "fetch baselines" in found["vvc"].reason or "VTM" in found["vvc"].reason


def test_jpeg_is_what_its_name_says(picture):
    with Image.open(io.BytesIO(PILLOW_CODECS["jpeg"]().encode(picture, 50))) as image:
        assert image.format == "JPEG"
        assert image.info.get("progressive")
