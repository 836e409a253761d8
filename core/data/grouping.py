"""Which images show the same part: told by their names, and by looking alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint8]

_NUMBER: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"[^\W\d_]+")
#: Words that say which picture of a part it is.
_SIDES: Final = frozenset(
    {"left", "right", "top", "bottom", "front", "back", "upper", "lower", "inner", "outer"}
)
#: Words before a number that counts pictures of one part.
_VARIANTS: Final = _SIDES | {
    *("exp", "exposure", "light", "lighting", "view", "cam", "camera", "frame", "shot", "tile"),
    *("crop", "patch", "angle", "side", "pos", "position", "channel", "ch", "band", "roi", "aug"),
    *("rot", "step"),
}
#: Words before a number that names a part.
_PARTS: Final = frozenset(
    {
        *("part", "num", "no", "nr", "id", "sn", "serial", "piece", "sample", "item", "obj"),
        *("object", "product", "unit", "board", "pcb", "wafer", "panel", "blade", "sheet"),
        *("plate", "scene", "video", "clip", "seq", "sequence"),
    }
)
_MOST_FIELDS: Final = 6
#: Fewer groups than these, or one that holds a larger share of the images, leave nothing to divide:
#: such a number counts days or lots, not parts.
_FEWEST_GROUPS: Final = 4
_LARGEST_GROUP: Final = 1 / 3
#: Of the images, where no word says what the number is.
_LEAST_GROUPED: Final = 0.5

#: Bits of 256 that may differ between images that look alike.
_MOST_BITS: Final = 20
#: And as a share of what differs between two images of the set: pictures of one camera that never
#: moves look all alike, and only much closer ones are the same.
_CLOSER: Final = 1 / 4
#: Below, the hash does not tell the images of a set apart.
_TELLS_APART: Final = 16
_SAMPLED: Final = 200
_ROWS_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class _Name:
    """A path without its suffix, its numbers as (start, end), and the words before each."""

    stem: str
    numbers: tuple[tuple[int, int], ...]
    words: tuple[str, ...]

    @classmethod
    def of(cls, path: str) -> _Name:
        folder, slash, file = path.replace("\\", "/").rpartition("/")
        stem = folder + slash + (file.rpartition(".")[0] or file)
        start = len(folder + slash)
        numbers = tuple(
            (start + one.start(), start + one.end()) for one in _NUMBER.finditer(stem[start:])
        )[:_MOST_FIELDS]
        words = []
        for first, _ in numbers:
            before = _WORD.findall(stem[start:first])
            words.append(before[-1].casefold() if before else "")
            start = first
        return cls(stem, numbers, tuple(words))

    def through(self, field: int) -> str | None:
        """Return the name up to the end of a number; None where another picture is not meant."""
        if field >= len(self.numbers) or self.words[field] in _VARIANTS:
            return None
        return self.stem[: self.numbers[field][1]]

    def alone(self, field: int) -> str | None:
        """Return a number with its word, whatever stands around it in the file's name."""
        if field >= len(self.numbers):
            return None
        word, earlier = self.words[field], set(self.words[:field])
        if word in _SIDES:
            word = ""
        elif word in _VARIANTS or not (word in _PARTS or earlier & _VARIANTS):
            return None
        folder = self.stem.rpartition("/")[0]
        first, last = self.numbers[field]
        return f"{folder}/{word} {self.stem[first:last]}".lstrip("/ ")


def groups_by_name(paths: Sequence[str]) -> dict[str, str]:
    """Tell by their names which images show the same part.

    ``part_012_exposure_1.png`` and ``part_012_exposure_2.png`` do, and so do ``exp1_num_7.png`` and
    ``exp2_num_7.png``: a number repeats while another one counts. Where no number makes many small
    groups, nothing is grouped.

    Args:
        paths: of the images, as any system writes them.

    Returns:
        The name of the group of each path that has one, by path.
    """
    names = [_Name.of(path) for path in paths]
    best: tuple[tuple[bool, int, int], dict[str, str]] | None = None
    for field in range(max((len(name.numbers) for name in names), default=0)):
        for rank, read in enumerate((_Name.through, _Name.alone)):
            keys = [read(name, field) for name in names]
            sizes = Counter(key for key in keys if key is not None)
            is_part = any(len(name.words) > field and name.words[field] in _PARTS for name in names)
            if not _is_plausible(sizes, len(names), is_part=is_part):
                continue
            found = {
                path: key
                for path, key in zip(paths, keys, strict=True)
                if key is not None and sizes[key] > 1
            }
            score = (not is_part, rank, max(sizes.values()))
            if best is None or score < best[0]:
                best = score, found
    return {} if best is None else best[1]


def _is_plausible(sizes: Mapping[str, int], images: int, *, is_part: bool) -> bool:
    grouped = sum(size for size in sizes.values() if size > 1)
    alone = images - sum(sizes.values())
    return (
        grouped > 0
        and len(sizes) + alone >= _FEWEST_GROUPS
        and max(sizes.values()) <= _LARGEST_GROUP * images
        and (is_part or grouped >= _LEAST_GROUPED * images)
    )


def alike_pairs(
    hashes: Hashes, new: Sequence[int], *, check: Callable[[], None] = lambda: None
) -> list[tuple[int, int]]:
    """Return which of the ``new`` images look like which others of a set.

    Args:
        hashes: uint8 (N, bytes), of ``core.images.perceptual_hash``.
        new: places of those that are compared with all.
        check: called again and again; may raise to stop.

    Returns:
        Pairs of places, each once, the smaller first.
    """
    if len(hashes) < 2 or not len(new):
        return []
    words = np.ascontiguousarray(hashes).view(np.uint64)
    most = min(_MOST_BITS, _CLOSER * _usual_distance(words))
    if most < _CLOSER * _TELLS_APART:
        return []
    pairs = set()
    for rows, bits in _distances(words, np.asarray(new), check):
        for row, other in zip(*np.nonzero(bits <= most), strict=True):
            first, second = sorted((int(rows[row]), int(other)))
            if first != second:
                pairs.add((first, second))
    return sorted(pairs)


def _usual_distance(words: npt.NDArray[np.uint64]) -> float:
    """Return the median of the bits that two images of the set differ in."""
    places = np.unique(np.linspace(0, len(words) - 1, min(_SAMPLED, len(words))).astype(int))
    sample = words[places]
    bits = np.concatenate(
        [part for _, part in _distances(sample, np.arange(len(sample)), lambda: None)]
    )
    return float(np.median(bits[~np.eye(len(sample), dtype=bool)]))


def _distances(
    words: npt.NDArray[np.uint64], rows: npt.NDArray[np.int64], check: Callable[[], None]
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield some of the rows, and the bits in which they differ from all: (rows, N)."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        check()
        some = rows[start : start + _ROWS_AT_ONCE]
        differing = np.bitwise_count(words[some][:, None] ^ words[None])
        yield some, differing.sum(axis=2, dtype=np.int64)


def joined_groups(
    count: int, keys: Iterable[tuple[int, str]], pairs: Sequence[tuple[int, int]]
) -> list[int]:
    """Join what has the same key and what is a pair; return the number of each one's group.

    Pairs that would join more than a third of all to one group are left out: they do not tell the
    images apart.

    Args:
        count: how many there are.
        keys: place and key; a place may have several.
        pairs: of places.
    """
    first: dict[str, int] = {}
    by_key = [(first.setdefault(key, place), place) for place, key in keys]
    alike = _components(count, pairs)
    sizes = np.bincount(alike, minlength=1)
    most = max(2, int(_LARGEST_GROUP * count))
    kept = [pair for pair in pairs if sizes[alike[pair[0]]] <= most]
    return [int(group) for group in _components(count, [*by_key, *kept])]


def _components(count: int, pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.int32]:
    from scipy.sparse import coo_array  # takes long, and the window's start needs none of it
    from scipy.sparse.csgraph import connected_components

    edges = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(edges.shape[1], bool), (edges[0], edges[1])), shape=(count, count))
    groups: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return groups
