from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from data_folders import make_folder, make_image, make_mask
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.formats import ConversionReport
from core.data.splitting import split_folder, split_items, write_split
from core.datasets import Item, open_data_folder
from core.images import io as images
from core.system.errors import InputError

NAMES = [f"tile_{index:03d}.png" for index in range(100)]


def count(split: dict[str, str]) -> dict[str, int]:
    return dict(Counter(split.values()))


def test_shares() -> None:
    assert count(split_items(NAMES, val=0.2, test=0.1)) == {"train": 70, "val": 20, "test": 10}
    assert count(split_items(NAMES, val=0.15, test=0)) == {"train": 85, "val": 15}


@pytest.mark.parametrize(
    ("images_", "wanted"),
    [
        (1, {"train": 1}),
        (2, {"train": 1, "val": 1}),
        (3, {"train": 1, "val": 1, "test": 1}),
        (4, {"train": 2, "val": 1, "test": 1}),
    ],
)
def test_few_images_reach_every_subset(images_: int, wanted: dict[str, int]) -> None:
    """Three images must not all end up in training."""
    assert count(split_items(NAMES[:images_], val=0.15, test=0.15)) == wanted


def test_only_the_seed_decides_not_the_order_of_listing() -> None:
    shuffled = random.Random(3).sample(NAMES, len(NAMES))
    split = split_items(NAMES, val=0.2, test=0.2, seed=5)
    assert split_items(shuffled, val=0.2, test=0.2, seed=5) == split
    assert split_items(NAMES, val=0.2, test=0.2, seed=6) != split


@pytest.mark.parametrize("pattern", [r"part(\d+)_", r"part\d+_"])
def test_groups_stay_together(pattern: str) -> None:
    names = [f"part{part}_exposure{e}.png" for part in range(20) for e in range(part % 4 + 1)]
    names += ["single.png", "alone.png"]
    split = split_items(names, val=0.2, test=0.2, group=pattern, seed=1)
    for part in range(20):
        assert len({split[name] for name in names if name.startswith(f"part{part}_")}) == 1
    sizes = count(split)
    assert abs(sizes["val"] - 0.2 * len(names)) <= 3
    assert abs(sizes["test"] - 0.2 * len(names)) <= 3


def test_a_group_that_takes_no_part_counts_as_the_whole_match() -> None:
    split = split_items(["xa1", "xb1", "xa2", "xb2"], val=0.5, test=0, group=r"x(?:(z)|a|b)")
    assert split["xa1"] == split["xa2"] != split["xb1"] == split["xb2"]


def test_rare_classes_reach_every_subset() -> None:
    rng = np.random.default_rng(0)
    classes = {name: {0} for name in NAMES}
    for index, amount in enumerate((3, 4, 6, 30), 1):
        for name in rng.choice(NAMES, amount, replace=False):
            classes[name].add(index)
    for seed in range(10):
        split = split_items(NAMES, val=0.15, test=0.15, seed=seed, classes=classes)
        for index in range(1, 5):
            shown = {split[name] for name in NAMES if index in classes[name]}
            assert shown == {"train", "val", "test"}
        assert count(split) == {"train": 70, "val": 15, "test": 15}


def test_the_only_image_of_a_class_is_trained_on() -> None:
    classes = {name: {0} for name in NAMES}
    classes["tile_050.png"] = {0, 1}
    for seed in range(10):
        split = split_items(NAMES, val=0.2, test=0.2, seed=seed, classes=classes)
        assert split["tile_050.png"] == "train"


def test_labels_that_come_one_by_one_measure_every_class() -> None:
    kinds = [None, "Break", "Crack", "Crack", "Hole", "Break", "Break", "Crack", None, "Crack"]
    classes = {f"{n:02}": {0, *([kind] if kind else [])} for n, kind in enumerate(kinds)}
    ids = {"Break": 1, "Crack": 2, "Hole": 3}
    classes = {name: {ids.get(one, 0) for one in shown} for name, shown in classes.items()}
    names = list(classes)
    settled = split_items(names[:5], val=0.15, test=0.15, classes=classes)
    for name in names[5:]:
        new = split_items([name], val=0.15, test=0.15, classes=classes, settled=settled)
        assert settled.keys().isdisjoint(new)
        settled |= new
    measured = [name for name, subset in settled.items() if subset == "val"]
    assert {1, 2} <= {one for name in measured for one in classes[name]}
    assert len(measured) == 2  # two of a class teach before one more measures


@settings(deadline=None)  # other programs may be at work
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    val=st.sampled_from([0, 0.1, 0.3]),
    test=st.sampled_from([0, 0.1, 0.4]),
    seed=st.integers(0, 3),
)
def test_any_split_is_complete_and_has_no_empty_subset(
    sizes: list[int], val: float, test: float, seed: int
) -> None:
    names = [f"g{group}_{member}" for group, size in enumerate(sizes) for member in range(size)]
    classes = {name: {sum(map(ord, name)) % 4} for name in names}
    split = split_items(names, val=val, test=test, group=r"g\d+", seed=seed, classes=classes)
    assert set(split) == set(names)
    wanted = [subset for subset, share in (("val", val), ("test", test)) if share]
    wanted = ["train", *wanted][: len(sizes)]
    assert set(split.values()) == set(wanted)
    for group in range(len(sizes)):
        assert len({split[n] for n in names if n.split("_")[0] == f"g{group}"}) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"val": 0.5, "test": 0.5}, "must leave something to train on"),
        ({"val": -0.1, "test": 0}, "must not be negative"),
        ({"val": float("nan"), "test": 0}, "must not be negative"),
        ({"val": 0.1, "test": 0.1, "group": "("}, "is not a regular expression"),
    ],
)
def test_bad_wishes_are_one_sentence(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        split_items(NAMES, **arguments)
    with pytest.raises(InputError, match="no images"):
        split_items([], val=0.1, test=0.1)


def test_a_folder_without_lists(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, train=10, val=0, test=0, lists=False)
    mask = make_mask(99)
    images.write_image(folder / "JPEGImages" / "unlabelled.png", make_image(mask))
    assert split_folder(folder, val=0.2, test=0.2) == {"train": 6, "val": 2, "test": 2}
    opened = open_data_folder(folder)
    listed = [item for items in opened.subsets.values() for item in items]
    assert len(set(listed)) == 10
    assert all(item.image.is_file() and item.mask.is_file() for item in listed)
    text = (folder / "train_list.txt").read_text("utf-8")
    assert str(tmp_path) not in text


def test_lists_are_kept(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    before = (folder / "val_list.txt").read_bytes()
    with pytest.raises(InputError, match=r"train_list\.txt exists already"):
        split_folder(folder, val=0.2, test=0)
    assert (folder / "val_list.txt").read_bytes() == before
    split_folder(folder, val=0.25, test=0, overwrite=True)
    assert (folder / "val_list.txt.bak").read_bytes() == before
    assert not (folder / "test_list.txt").exists()
    assert (folder / "test_list.txt.bak").exists()
    second = (folder / "val_list.txt").read_bytes()
    split_folder(folder, val=0.25, test=0, overwrite=True, seed=1)
    assert (folder / "val_list.txt.bak").read_bytes() == before
    assert (folder / "val_list.txt.bak2").read_bytes() == second
    assert {k: len(v) for k, v in open_data_folder(folder).subsets.items()} == {
        "train": 12,
        "val": 4,
    }


def test_paths_outside_the_folder_stay_absolute(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    items = open_data_folder(folder).subsets["train"]
    target = tmp_path / "lists"
    target.mkdir()
    write_split(target, dict.fromkeys(items, "val"))
    assert (target / "val_list.txt").read_text("utf-8").startswith(str(folder))
    (target / "labels.txt").write_text("a\n")
    assert set(open_data_folder(target).subsets["val"]) == set(items)


def test_hidden_files_and_names_that_no_list_holds_are_left_out(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, train=6, val=0, test=0, lists=False)
    for place in ("JPEGImages", "Annotations"):
        first = folder / place / "图 0.png"
        data = first.read_bytes()
        for name in (b"\xd6\xd0.png", b"a\tb.png"):
            Path(os.fsdecode(os.fsencode(folder / place) + b"/" + name)).write_bytes(data)
        (folder / place / "._图 0.png").write_bytes(b"\0\5\26\7")
        (folder / place / ".ipynb_checkpoints").mkdir()
        (folder / place / ".ipynb_checkpoints" / "图 0-checkpoint.png").write_bytes(data)
    report = ConversionReport()
    counts = split_folder(folder, val=0.2, test=0.2, report=report)
    assert sum(counts.values()) == 6
    lost = " ".join(map(str, report.messages))
    assert "1 name is not UTF-8" in lost
    assert "1 name holds a tab" in lost
    assert len(report.messages) == 2


def test_a_list_that_cannot_be_written_leaves_no_other(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, train=2, val=0, test=0, lists=False)
    good = Item(folder / "JPEGImages" / "图 0.png", folder / "Annotations" / "图 0.png")
    bad = Item(folder / "JPEGImages" / "a\tb.png", folder / "Annotations" / "a\tb.png")
    with pytest.raises(InputError, match="holds a tab"):
        write_split(folder, {good: "train", bad: "val"})
    assert not list(folder.glob("*_list.txt"))


def test_a_folder_with_paddlesegs_lists_is_split_anew(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, train=8, val=0, test=0)
    (folder / "train_list.txt").rename(folder / "train.txt")
    assert set(open_data_folder(folder).subsets) == {"train"}
    split_folder(folder, val=0.25, test=0)
    assert {k: len(v) for k, v in open_data_folder(folder).subsets.items()} == {
        "train": 6,
        "val": 2,
    }
