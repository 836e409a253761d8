"""Which images show the same part, by their names and by what they look like."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from core.data.grouping import alike_pairs, groups_by_name, joined_groups


def sizes(paths: list[str]) -> list[int]:
    return sorted(Counter(groups_by_name(paths).values()).values())


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([f"a b/part_{n:03}_exposure_{e}.png" for n in range(6) for e in range(3)], [3] * 6),
        ([f"exp{e}_num_{n}.jpg" for n in range(300, 312) for e in (1, 2)], [2] * 12),
        ([f"{n:03}_{side}.png" for n in range(9) for side in ("top", "side")], [2] * 9),
        ([f"left_{n:03}.png" for n in range(9)] + [f"right_{n:03}.png" for n in range(9)], [2] * 9),
        ([f"scene{s}_frame_{f:04}.jpg" for s in range(5) for f in range(9)], [9] * 5),
        ([f"零件{n}_{e}.jpg" for n in range(9) for e in range(2)], [2] * 9),
        ([f"C:\\图\\{n}_{e}.jpg" for n in range(9) for e in range(2)], [2] * 9),
    ],
)
def test_a_number_that_repeats_names_a_part(paths, expected):
    assert sizes(paths) == expected
    assert len(groups_by_name(paths)) == len(paths)


@pytest.mark.parametrize(
    "paths",
    [
        [],
        ["one.png"],
        [f"IMG_{n:04}.jpg" for n in range(30)],
        [f"crack/{n:03}.png" for n in range(9)] + [f"good/{n:03}.png" for n in range(9)],
        [f"lot{lot}_{n:04}.png" for lot in (1, 2) for n in range(20)],
        [f"{'crack' if n % 2 else 'ok'}.{n}.png" for n in range(20)],
    ],
)
def test_numbers_that_only_count_group_nothing(paths):
    assert groups_by_name(paths) == {}


def test_images_that_look_alike_are_far_closer_than_others():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 256, (40, 32), dtype=np.uint8)
    hashes[7] = hashes[3]
    hashes[7, :4] ^= 1
    assert alike_pairs(hashes, range(40)) == [(3, 7)]
    assert alike_pairs(hashes, [7]) == [(3, 7)]
    assert alike_pairs(hashes, [8]) == []


def test_pictures_of_one_camera_are_not_all_the_same():
    rng = np.random.default_rng(0)
    hashes = np.tile(rng.integers(0, 256, (1, 32), dtype=np.uint8), (30, 1))
    flips = rng.random((30, 32)) < 0.4
    hashes[flips] ^= 1  # some ten bits apart: closer than the limit for any set
    assert alike_pairs(hashes, range(30)) == []
    hashes[:] = hashes[0]
    assert alike_pairs(hashes, range(30)) == []


def test_keys_and_pairs_join():
    assert joined_groups(6, [(0, "a"), (3, "a")], [(3, 5)]) == [0, 1, 2, 0, 3, 0]
    chain = [(place, place + 1) for place in range(8)]
    assert len(set(joined_groups(10, [], chain))) == 10, "pairs that join nearly all tell nothing"
    assert len(set(joined_groups(10, [(0, "a"), (9, "a")], chain))) == 9
