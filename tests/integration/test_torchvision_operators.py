"""torchvision can be imported beside whatever build of torch is installed."""

import subprocess
import sys


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_torchvision_can_be_imported_after_it():
    done = run(
        "from difficmh_core import torchvision_operators\n"
        "import torchvision\n"
        "print(len(torchvision.models._meta._IMAGENET_CATEGORIES))"
    )
    assert done.stdout == "1000\n", done.stderr


def test_declaring_twice_does_nothing():
    done = run(
        "from difficmh_core._support.torchvision_operators import declare_missing_operators\n"
        "declare_missing_operators()\n"
        "declare_missing_operators()\n"
        "import torchvision"
    )
    assert done.returncode == 0, done.stderr
