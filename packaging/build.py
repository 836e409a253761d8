"""Build the products: an archive, a Debian package, a Windows installer.

``python packaging/build.py --help`` says what there is.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "packaging"), str(ROOT)]

from product.command import main  # noqa: E402

if __name__ == "__main__":
    main()
