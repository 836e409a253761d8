"""Whether two builds are the same: ``compare.py TREE TREE``; names the first files that differ."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from product.archives import tree_digest


def main() -> int:
    """Compare; returns 1 if the trees differ."""
    one, two = (tree_digest(Path(argument)) for argument in sys.argv[1:3])
    differing = sorted({line.split(" ", 2)[2] for line in set(one) ^ set(two)})
    print(f"{len(one)} files, {len(differing)} differ")
    print(*differing[:20], sep="\n", end="\n" if differing else "")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
