from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from data_folders import make_folder, make_image, make_mask
from PIL import Image

from core.data import validation
from core.data.dataset_statistics import ImageFacts, collect_statistics
from core.data.validation import Finding, validate_folder
from core.datasets import Item
from core.images import io as images
from core.system.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def codes(folder: Path) -> dict[str, int]:
    return validate_folder(folder).counts()


def find(folder: Path, code: str) -> Finding:
    (finding,) = [f for f in validate_folder(folder).findings if f.code == code]
    return finding


def test_a_sound_folder_has_no_findings_and_exact_statistics(folder: Path) -> None:
    report = validate_folder(folder)
    assert report.findings == ()
    assert report.is_valid
    statistics = report.statistics
    masks = [make_mask(index) for index in range(16)]
    for subset, part in (("train", masks[:6]), ("val", masks[6:11]), ("test", masks[11:])):
        for index in range(3):
            pixels = sum(int((mask == index).sum()) for mask in part)
            assert statistics.class_pixels[subset][index] == pixels
            shown = sum(bool((mask == index).any()) for mask in part)
            assert statistics.class_images[subset][index] == shown
    assert statistics.ignored_pixels == {"train": 24, "val": 20, "test": 20}
    assert statistics.images == {"train": 6, "val": 5, "test": 5}
    assert sum(statistics.total_pixels) + 16 * 4 == 16 * 24 * 32
    assert statistics.sizes == (((32, 24), 16),)
    assert statistics.median_size == (32, 24)
    assert statistics.train_images == 6


def test_everything_is_found_at_once(folder: Path) -> None:
    annotations, pictures = folder / "Annotations", folder / "JPEGImages"
    (pictures / "图 0.png").unlink()
    (annotations / "图 1.png").unlink()
    images.write_mask(annotations / "图 2.png", make_mask(2)[:, :-2])
    bad = make_mask(3)
    bad[5, :7] = 9
    bad[6, :2] = 200
    images.write_mask(annotations / "图 3.png", bad)
    colored = np.stack([make_mask(6), make_mask(6), 9 - make_mask(6)], axis=-1)
    Image.fromarray(colored).save(annotations / "图 6.png")
    (pictures / "图 7.png").write_bytes(b"no")
    (annotations / "图 8.png").write_bytes(b"no")
    images.write_mask(annotations / "图 9.png", np.full((24, 32), 255, np.uint8))
    with (folder / "test_list.txt").open("a", encoding="utf-8") as file:
        file.write("one\na b c\n")
    report = validate_folder(folder)
    assert not report.is_valid
    counts = report.counts()
    expected = {
        "missing_file": 2,
        "size_mismatch": 1,
        "value_out_of_range": 2,
        "three_channel_mask": 1,
        "unreadable_image": 1,
        "unreadable_mask": 1,
        "all_ignored": 1,
        "bad_line": 2,
    }
    assert {code: counts.get(code) for code in expected} == expected
    values = {f.count: str(f.message) for f in report.findings if f.code == "value_out_of_range"}
    assert "value 9 on 7 pixels" in values[7]
    assert "value 200 on 2 pixels" in values[2]
    missing = {f.file for f in report.findings if f.code == "missing_file"}
    assert missing == {pictures / "图 0.png", annotations / "图 1.png"}
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert report.statistics.images == {"train": 2, "val": 2, "test": 5}


def test_report_is_plain_json(folder: Path) -> None:
    (folder / "JPEGImages" / "图 0.png").unlink()
    data = json.loads(json.dumps(validate_folder(folder).to_json()))
    assert data["valid"] is False
    assert data["counts"] == {"missing_file": 1}
    assert data["findings"][0]["file"].endswith("图 0.png")
    assert data["statistics"]["sizes"] == [{"size": [32, 24], "images": 15}]


def test_the_same_pixels_in_two_subsets(folder: Path) -> None:
    pixels = images.read_image(folder / "JPEGImages" / "图 0.png")
    images.write_image(folder / "JPEGImages" / "图 6.bmp", pixels)  # another format, same image
    text = (
        (folder / "val_list.txt")
        .read_text("utf-8")
        .replace("JPEGImages/图 6.png", "JPEGImages/图 6.bmp")
    )
    (folder / "val_list.txt").write_text(text, "utf-8")
    finding = find(folder, "duplicate_across_splits")
    assert finding.severity == "warning"
    assert finding.count == 2
    assert {"图 0.png", "图 6.bmp"} == {
        Path(finding.message.params[k]).name for k in ("file", "other")
    }


def test_the_same_line_twice(folder: Path) -> None:
    path = folder / "train_list.txt"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[0]]), "utf-8")
    assert find(folder, "duplicate_in_subset").count == 2


def repaint(folder: Path, numbers: range, mapping: dict[int, int]) -> None:
    for number in numbers:
        mask = make_mask(number)
        for old, new in mapping.items():
            mask[make_mask(number) == old] = new
        images.write_mask(folder / "Annotations" / f"图 {number}.png", mask)


def test_classes_that_are_missing_or_only_in_one_subset(folder: Path) -> None:
    repaint(folder, range(6), {1: 0, 2: 0})
    repaint(folder, range(6, 11), {1: 0})
    repaint(folder, range(11, 16), {1: 0, 2: 0})
    report = validate_folder(folder)
    by_code = {finding.code: finding for finding in report.findings}
    assert by_code["class_without_pixels"].message.params["index"] == 1
    assert by_code["class_only_in_one_subset"].message.params["subset"] == "val"
    assert by_code["class_only_in_one_subset"].count == 5
    assert report.is_valid


def test_a_class_that_one_image_shows_cannot_be_split(folder: Path) -> None:
    repaint(folder, range(16), {1: 0})
    repaint(folder, range(1, 16), {2: 0})
    by_code = {finding.code: finding for finding in validate_folder(folder).findings}
    assert "class_only_in_one_subset" not in by_code
    assert by_code["class_in_one_image"].message.params["label"]


def test_a_rare_class(folder: Path) -> None:
    repaint(folder, range(1, 6), {2: 0})
    finding = find(folder, "rare_class")
    assert finding.message.params["label"] == "类 2"
    assert finding.count == 1


def test_what_all_training_images_show_is_not_rare(tmp_path: Path) -> None:
    report = validate_folder(make_folder(tmp_path, train=2, val=2, test=0))
    assert report.statistics.train_images == 2  # “background is rare: 2 images, 99 %” was said
    assert "rare_class" not in report.counts()


def test_objects_drawn_with_255(folder: Path) -> None:
    repaint(folder, range(16), {1: 255, 2: 255})
    finding = find(folder, "object_as_255")
    assert finding.count > 16 * 24 * 20


def test_small_and_missing_subsets(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, train=6, val=2, test=0)
    report = validate_folder(folder)
    assert report.counts() == {"tiny_subset": 1, "missing_list": 1}
    (folder / "train_list.txt").unlink()
    (folder / "val_list.txt").write_text("")
    report = validate_folder(folder)
    assert report.counts() == {"missing_list": 2, "empty_list": 1}
    assert not report.is_valid
    assert report.statistics.median_size == (0, 0)


def test_different_sizes(folder: Path) -> None:
    mask = make_mask(0, height=40, width=60)
    images.write_mask(folder / "Annotations" / "图 0.png", mask)
    images.write_image(folder / "JPEGImages" / "图 0.png", make_image(mask))
    assert find(folder, "many_sizes").severity == "info"
    assert validate_folder(folder).statistics.sizes == (((32, 24), 15), ((60, 40), 1))


@pytest.mark.parametrize(
    ("content", "code"), [(None, "missing_labels"), ("", "bad_labels"), ("a\na\n", "bad_labels")]
)
def test_labels_that_cannot_be_used_do_not_end_the_check(
    folder: Path, content: str | None, code: str
) -> None:
    (folder / "labels.txt").unlink()
    if content is not None:
        (folder / "labels.txt").write_text(content)
    (folder / "JPEGImages" / "图 0.png").unlink()
    assert codes(folder) == {code: 1, "missing_file": 1}


def test_progress_counts_to_the_end_and_can_cancel(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    validate_folder(folder, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 16) for number in range(1, 17)]

    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise StopError

    with pytest.raises(StopError):
        validate_folder(folder, progress=stop)
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="does not exist"):
        validate_folder(folder)


def test_cancelling_leaves_the_rest_unread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    check = validation._check_item

    def slow(root: Path, subset: str, item: Item, classes: int) -> object:
        read.append(item.image)
        time.sleep(0.02)
        return check(root, subset, item, classes)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(validation, "_check_item", slow)
    monkeypatch.setattr(validation.os, "cpu_count", lambda: 2)
    with pytest.raises(KeyboardInterrupt):
        validate_folder(folder, progress=stop)
    assert len(read) < 16


def test_statistics_of_facts() -> None:
    facts = [
        ImageFacts("train", (10, 20), {0: 150, 1: 50}, 0),
        ImageFacts("train", (30, 20), {0: 600}, 0),
        ImageFacts("val", (20, 20), {1: 390, 7: 3}, 7),
    ]
    statistics = collect_statistics(["a", "b"], facts)
    assert statistics.train_pixels == (750, 50)
    assert statistics.total_pixels == (750, 440)
    assert statistics.class_images == {"train": (2, 1), "val": (0, 1)}
    assert statistics.median_size == (20, 20)
    assert statistics.ignored_pixels == {"train": 0, "val": 7}
    assert collect_statistics(["a"], []).train_pixels == (0,)


def test_guessed_encodings_and_names_that_differ_in_case_are_told(folder: Path) -> None:
    labels = (folder / "labels.txt").read_text("utf-8")
    (folder / "labels.txt").write_bytes(labels.encode("gb18030"))
    first = folder / "JPEGImages" / "图 0.png"
    first.rename(first.with_suffix(".PNG"))
    report = validate_folder(folder)
    counts = report.counts()
    assert (counts["assumed_encoding"], counts["other_spelling"]) == (1, 1)
    assert "missing_file" not in counts
    texts = {finding.code: str(finding.message) for finding in report.findings}
    assert "labels.txt is not in UTF-8; it was read as GB18030" in texts["assumed_encoding"]
    assert texts["other_spelling"].startswith("1 file of ")
    assert "图 0.PNG" in texts["other_spelling"]


def test_the_lists_of_paddleseg_are_lists(folder: Path) -> None:
    before = validate_folder(folder)
    for subset in ("train", "val", "test"):
        (folder / f"{subset}_list.txt").rename(folder / f"{subset}.txt")
    assert validate_folder(folder).counts() == before.counts()
    (folder / "train.txt").write_text("JPEGImages/a.png\n")  # YOLO's
    assert validate_folder(folder).counts()["missing_list"] >= 1
