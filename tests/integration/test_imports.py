"""What the networks import, and what they leave alone."""

import subprocess
import sys


def test_the_networks_come_without_bitsandbytes():
    program = "import sys, difficmh_core.models.load; print('bitsandbytes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr
