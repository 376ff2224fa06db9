"""The page without a server: it says of a file what the commands say, and compares two images."""

import json
import random
import shutil
import subprocess
import zlib
from io import BytesIO

import pytest
from PIL import Image

from difficmh_core.bitstream.coded_latent import CodedLatent
from difficmh_core.bitstream.container import Bitstream
from difficmh_core.bitstream.leb128 import write_leb128
from difficmh_core.cli.output import report_stream
from difficmh_core.config.profiles import PROFILES
from difficmh_core.errors import DiffICMHError
from tests.static_page import GOLDEN, PACKAGED, PAGE, packaged

FILES = {path.stem: path.read_bytes() for path in sorted(GOLDEN.glob("*.dicmh"))}
PART = "all => all.map(bytes => { try { return reportOf('a', readDicmh(new Uint8Array(bytes))); }"
TOLD = f"{PART} catch (error) {{ return `${{error.name}}: ${{error.message}}`; }} }})"


@pytest.fixture(scope="module")
def opened(browser):
    """The page from its file, without a network; nothing may be asked, and nothing fail."""
    context = browser.new_context(offline=True)
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda told: complaints.append(told.text))
    page.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith(("file:", "data:", "blob:"))
            else complaints.append(asked.url)
        ),
    )
    page.goto(PAGE.as_uri())
    yield page
    context.close()
    assert complaints == []


def told_by_python(data: bytes):
    try:
        report = report_stream("a", Bitstream.from_bytes(data))
    except DiffICMHError as error:
        return f"Error: {error}"
    return {"fields": report.fields, "text": report.text}


def with_checksum(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "big")


def assert_same(page, files):
    told = []
    for start in range(0, len(files), 200):
        told += page.evaluate(TOLD, [list(data) for data in files[start : start + 200]])
    for data, browser in zip(files, told, strict=True):
        python = json.loads(json.dumps(told_by_python(data)))
        assert browser == python, data[:40].hex()


def stream(profile="nano", level=100, size=(64, 64), tags=(), payload=b"abc", corrections=b""):
    latent = CodedLatent(payload=payload, corrections=corrections, symbol_check=0x0A0B)
    return Bitstream(
        profile=profile,
        quality_level=level,
        fingerprint=b"\x00\x01\xfe\xff",
        height_px=size[0],
        width_px=size[1],
        tag_ids=tags,
        latent=latent,
    ).to_bytes()


def test_what_it_knows_of_the_package_is_up_to_date():
    assert PACKAGED.read_text(encoding="utf-8") == packaged(), "run python -m tests.static_page"


def test_golden_files_are_told_as_by_the_command(opened):
    assert_same(opened, list(FILES.values()))


def test_every_truncation_is_refused_in_the_same_words(opened):
    assert_same(opened, [data[:n] for data in FILES.values() for n in range(0, len(data), 3)])


def test_flipped_bits_are_refused_in_the_same_words(opened):
    def flipped(data, bit):
        return bytes(
            byte ^ (1 << bit % 8 if at == bit // 8 else 0) for at, byte in enumerate(data)
        )

    small = FILES["small"]
    assert_same(opened, [flipped(small, bit) for bit in range(8 * len(small))])
    assert_same(opened, [flipped(FILES["odd"], bit) for bit in range(0, 8 * 40)])


def test_damage_under_a_right_checksum_is_refused_in_the_same_words(opened):
    rng, crafted = random.Random(0), []
    for data in FILES.values():
        body = data[:-4]
        for _ in range(250):
            at = rng.randrange(len(body))
            byte = bytes([rng.randrange(256)])
            crafted.append(with_checksum(body[:at] + byte + body[at + 1 :]))
        crafted += [with_checksum(body[:n]) for n in range(12, 40)]
    header = FILES["small"][:10]
    for numbers in (  # height, width, tags, payload, corrections
        [0, 64, 0, 0, 0],
        [65536, 1, 0, 0, 0],
        [65535, 65535, 0, 0, 0],
        [8000, 8001, 0, 0, 0],
        [64, 64, 255, 0, 0],
        [64, 64, 0, 2**35 - 1, 0],
        [64, 64, 0, 0, 2**34],
        [64, 64, 0, (1 << 24) + 1, 0],
    ):
        height, width, tags, *lengths = numbers
        middle = write_leb128(height) + write_leb128(width) + bytes([tags])
        middle += b"".join(map(write_leb128, lengths))
        crafted += [with_checksum(header + middle + bytes(n)) for n in (0, 2, 300)]
    crafted += [
        with_checksum(header + bytes([0xC0, 0x00] + [0x80] * n) + bytes(9)) for n in (3, 9)
    ]
    crafted += [b"", b"\xd1", b"\xd1C", b"\xd1CM\x02", b"GIF89a" * 4, bytes(40)]
    assert_same(opened, crafted)


def test_files_of_every_profile_size_and_set_of_tags_are_told_alike(opened):
    rng, made = random.Random(1), []
    for profile in PROFILES.values():
        for level in (0, 1, 4, 127, 128, 255):
            made.append(stream(profile.name, level=level, size=(128, 8 * level + 16)))
        for n in (0, 1, 2, 8, 16, 64):
            tags = tuple(sorted(rng.sample(range(profile.vocabulary_size), n)))
            made.append(stream(profile.name, tags=tags, payload=bytes(n), corrections=bytes(n)))
        made.append(stream(profile.name, tags=(0, profile.vocabulary_size - 1)))
    made += [stream(size=(64, 64), payload=bytes(n)) for n in range(40)]  # ties in the digits
    made += [stream(size=(65535, 900)), stream(size=(1, 65535)), stream(payload=bytes(200_000))]
    assert_same(opened, made)


def test_a_file_is_shown_with_what_was_checked_and_what_was_not(opened):
    opened.set_input_files("#files", GOLDEN / "odd.dicmh")
    opened.wait_for_selector("#info:has-text('552 bytes')")
    assert "tags: tabby, person" in opened.inner_text("#info")
    assert opened.locator("#checks .good").count() == 5
    assert "difficmh verify" in opened.locator("#checks .open").inner_text()
    opened.set_input_files(
        "#files", {"name": "b.dicmh", "mimeType": "", "buffer": FILES["odd"][:-9]}
    )
    opened.wait_for_selector("#message:has-text('but its header announces 552. Copy it again.')")
    assert not opened.is_visible("#file")
    opened.set_input_files("#files", {"name": "c.dicmh", "mimeType": "", "buffer": stream()})
    opened.wait_for_selector("#checks .open:has-text('written by another nano')")
    assert opened.inner_text("#message") == ""


def png(color, size=(90, 60)):
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return {"name": f"{color}.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def test_two_images_are_compared_to_the_pixel(opened):
    opened.set_input_files("#files", png("#102030"))
    opened.wait_for_selector("#message:has-text('Choose a second image'):not(.wrong)")
    opened.set_input_files("#files", png("#102838"))
    viewer = opened.locator("dicmh-viewer")
    viewer.locator(".frame").nth(1).wait_for()
    assert viewer.locator(".stage .label").all_inner_texts() == ["#102030.png", "#102838.png"]
    assert viewer.locator(".frame").first.bounding_box()["height"] > 100, "the style is there"
    assert opened.inner_text("#message") == ""
    viewer.locator("#mode-difference").check(force=True)
    viewer.locator(".scale:has-text('largest 8, mean 8.00')").wait_for()
    opened.set_input_files("#files", png("#ffffff", (91, 60)))
    opened.wait_for_selector("#message.wrong:has-text('The images differ in size')")


def test_what_is_no_image_is_refused_with_a_sentence(opened):
    text = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    opened.set_input_files("#files", text)
    opened.wait_for_selector(
        "#message:has-text('photo.jpg is neither a .dicmh file nor an image')"
    )


def test_dropping_does_the_same_as_choosing(opened):
    drop = """data => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(data)], "small.dicmh"));
      for (const type of ["dragenter", "dragover", "drop"]) {
        document.getElementById("drop").dispatchEvent(
          new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      }
    }"""
    opened.evaluate(drop, list(FILES["small"]))
    opened.wait_for_selector("#info:has-text('66 bytes')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_no_fault_and_nothing_is_cut(opened, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    opened.set_viewport_size({"width": width, "height": 800})
    opened.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    opened.set_input_files("#files", [GOLDEN / "odd.dicmh"])
    opened.set_input_files("#files", [png("#102030"), png("#102838")])
    opened.locator("dicmh-viewer .frame").first.wait_for()
    found = axe.run(opened, options={"preload": False})  # it would ask for the styles' text
    assert found.response["violations"] == []
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


def test_the_reader_runs_outside_a_browser_too(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = tmp_path / "info.js"
    parts = [PACKAGED, PAGE.with_name("dicmh_file.js")]
    script.write_text(
        "\n".join(part.read_text(encoding="utf-8") for part in parts)
        + "\nconst bytes = new Uint8Array(require('fs').readFileSync(process.argv[2]));"
        + "\nconsole.log(reportOf('a', readDicmh(bytes)).text);",
        encoding="utf-8",
    )
    for name, data in FILES.items():
        ran = subprocess.run(
            [node, script, GOLDEN / f"{name}.dicmh"], capture_output=True, text=True, check=True
        )
        assert ran.stdout == f"{told_by_python(data)['text']}\n"
