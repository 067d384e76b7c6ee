"""``python -m surefill`` is ``surefill``."""

from __future__ import annotations

import sys

from surefill.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
