"""Entry point of ``python -m difficmh_core``."""

import sys

from difficmh_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
