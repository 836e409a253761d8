"""Sign one file in place: ``sign_file.py COMMAND FILE``. makensis calls it for the uninstaller."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from windows.authenticode import SignatureError, Signer


def main() -> int:
    """Run the script; returns its exit code."""
    command, file = sys.argv[1:]
    try:
        Signer(command).sign(Path(file))
    except (SignatureError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
