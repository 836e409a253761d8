"""Damaged and malicious files: a sentence or an entry in ``lost``, and the project untouched."""

from __future__ import annotations

import base64
import json
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from damaged_files import damage
from format_samples import sample

from core.data.formats import coco, cvat, eiseg, labelme, parsing, registry, yolo
from core.data.formats.detection import IMAGES_ONLY, detect_format
from core.project import Project
from core.system.errors import InputError

READ_AND_WRITTEN = [one.key for one in registry.WRITABLE if one.read is not None]


def annotation_files(folder: Path) -> list[Path]:
    """Everything that is no image of the data set."""
    places = ("images", "JPEGImages", "leftImg8bit")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not set(path.relative_to(folder).parts) & set(places)
        and not (path.parent == folder and path.suffix == ".png")
    )


@pytest.mark.parametrize("key", READ_AND_WRITTEN)
def test_random_damage_never_escapes_as_anything_but_a_sentence(tmp_path, key):
    rng = np.random.default_rng(len(key))
    folder = tmp_path / "损坏 out"
    registry.write(key, sample(tmp_path / "in"), folder)
    outcomes = set()
    for path in annotation_files(folder):
        whole = path.read_bytes()
        for _ in range(12):
            path.write_bytes(damage(whole, rng))
            try:
                detect_format(folder)
                result = registry.read(key, folder)
            except InputError:
                outcomes.add("refused")
                continue
            outcomes.add("in part" if result.report.messages else "read")
            for item in result.items:
                try:
                    mask = item.mask() if item.mask is not None else None
                except InputError:
                    outcomes.add("no mask")
                    continue
                assert mask is None or mask.dtype == np.uint8
        path.write_bytes(whole)
    assert len(outcomes) > 1


def test_a_failed_import_leaves_the_project_as_it_was(tmp_path):
    registry.write("coco", sample(tmp_path / "in"), tmp_path / "coco")
    path = tmp_path / "coco/annotations/instances_train.json"
    with Project.create(tmp_path / "项 目", labels=["background", "a"]) as project:
        result = registry.read("coco", tmp_path / "coco")
        labels = project.labels()
        path.write_text(path.read_text("utf-8")[:-100], encoding="utf-8")
        for name in ("val", "test"):
            path.with_name(f"instances_{name}.json").unlink()
        with pytest.raises(InputError, match="cut short"):
            registry.read("coco", tmp_path / "coco")
        assert (project.labels(), project.counts().total) == (labels, 0)
        for image in (tmp_path / "coco/images").iterdir():  # gone between preview and import
            image.unlink()
        report = project.import_result(result)
        assert len(report.lost) == 4
        assert project.counts().total == 0


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"labelIdx": 1, "points": [['])
def test_deep_nesting_is_one_sentence(tmp_path, opening):
    path = tmp_path / "深 a.json"
    path.write_text(opening * 200_000)
    for read in (coco.read, labelme.read):
        with pytest.raises(InputError, match="no valid JSON"):
            read(path)
    (tmp_path / "label").mkdir()
    path.rename(tmp_path / "label" / "a.json")
    with pytest.raises(InputError, match="no valid JSON"):
        eiseg.read(tmp_path)


def test_files_beyond_the_limit_are_not_read(tmp_path, monkeypatch):
    registry.write("coco", sample(tmp_path / "in"), tmp_path / "coco")
    registry.write("cvat", sample(tmp_path / "in"), tmp_path / "cvat")
    registry.write("yolo", sample(tmp_path / "in"), tmp_path / "yolo")
    for module in (parsing, cvat, yolo):
        monkeypatch.setattr(module, "MAX_FILE_BYTES", 100)
    for key in ("coco", "cvat", "yolo"):
        try:
            texts = [str(problem) for problem in registry.read(key, tmp_path / key).report.messages]
        except InputError as error:
            texts = [str(error)]
        assert any("is larger than" in text for text in texts), key


def test_archives_are_named_as_such(tmp_path):
    path = tmp_path / "任务.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("annotations.xml", b"0" * 10_000_000)
    with pytest.raises(InputError, match="unpack it"):
        detect_format(path)
    with pytest.raises(InputError, match="no annotation file"):
        other = tmp_path / "a.txt"
        other.write_text("x")
        detect_format(other)


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that claim to be a picture of any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [25_000, 400_000])
def test_images_that_claim_a_monstrous_size(tmp_path, side):
    data = {
        "imagePath": "a.png",
        "imageData": base64.b64encode(huge_png(side, side)).decode(),
        "shapes": [{"label": "a", "points": [[0, 0], [1, 0], [1, 1]]}],
    }
    (tmp_path / "a.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"million pixels|no image"):
        labelme.read(tmp_path, extract_to=tmp_path / "out")
    flat = tmp_path / "yolo"
    flat.mkdir()
    (flat / "a.png").write_bytes(huge_png(side, side))
    (flat / "a.txt").write_text("0 0 0 1 0 1 1")
    with pytest.raises(InputError, match=r"million pixels|unreadable"):
        yolo.read(flat).items[0].mask()


@pytest.mark.parametrize("key", READ_AND_WRITTEN)
def test_links_in_a_circle_end(tmp_path, key):
    registry.write(key, sample(tmp_path / "in"), tmp_path / "out")
    (tmp_path / "out" / "again").symlink_to(tmp_path / "out", target_is_directory=True)
    (tmp_path / "out" / "self.json").symlink_to("self.json")
    assert detect_format(tmp_path / "out") not in (IMAGES_ONLY, "")
    assert len(registry.read(key, tmp_path / "out").items) == 4


@pytest.mark.parametrize("key", READ_AND_WRITTEN)
def test_empty_and_missing_folders_are_one_sentence(tmp_path, key):
    (tmp_path / "空 empty").mkdir()
    for folder in (tmp_path / "空 empty", tmp_path / "missing"):
        with pytest.raises(InputError) as caught:
            registry.read(key, folder)
        assert str(caught.value).count("\n") == 0


def test_numbers_beyond_floats_and_names_beyond_file_names(tmp_path):
    registry.write("coco", sample(tmp_path / "in"), tmp_path / "coco")
    path = tmp_path / "coco/annotations/instances_train.json"
    data = json.loads(path.read_text("utf-8"))
    data["annotations"][0]["segmentation"] = [[10**400] * 6]
    path.write_text(json.dumps(data))
    result = registry.read("coco", tmp_path / "coco")
    assert [str(problem) for problem in result.report.messages if "damaged" in str(problem)]
    registry.write("labelme", sample(tmp_path / "in"), tmp_path / "labelme")
    path = next((tmp_path / "labelme").rglob("*.json"))
    path.write_text(json.dumps({"imagePath": "a" * 300 + ".png", "shapes": []}))
    result = registry.read("labelme", tmp_path / "labelme")
    told = [str(problem) for problem in result.report.messages]
    assert ["does not exist" in text for text in told] == [True, False]
    assert "1 image has no annotation" in told[1]
    assert [item.mask is None for item in result.items] == [False, False, False, True]


def test_a_monstrous_class_number_makes_no_list_of_that_length(tmp_path):
    registry.write("yolo", sample(tmp_path / "in"), tmp_path / "yolo")
    (tmp_path / "yolo/data.yaml").unlink()
    path = next(path for path in (tmp_path / "yolo/labels").rglob("*.txt") if path.stat().st_size)
    path.write_text("999999999999 0 0 1 0 1 1\n")
    result = registry.read("yolo", tmp_path / "yolo")
    assert result.labels == ["background", "0", "1"]
    assert [item.mask is None for item in result.items] == [False, False, False, True]
    assert any("there can be at most 254" in str(problem) for problem in result.report.messages)


def test_class_names_stay_on_one_line_and_are_valid_text(tmp_path):
    registry.write("coco", sample(tmp_path / "in"), tmp_path / "coco")
    for path in (tmp_path / "coco/annotations").iterdir():
        data = json.loads(path.read_text("utf-8"))
        data["categories"][0]["name"], data["categories"][1]["name"] = "a\nb", "\ud800"
        path.write_text(json.dumps(data))
    result = registry.read("coco", tmp_path / "coco")
    registry.write("seg", result, tmp_path / "seg")
    back = registry.read("seg", tmp_path / "seg")
    assert back.labels == result.labels
    assert {"a b", "?"} <= set(back.labels)
    masks = {item.image_path.name: item.mask() for item in back.items}
    for item in result.items:
        np.testing.assert_array_equal(masks[item.image_path.name], item.mask())


@pytest.mark.parametrize("key", ["voc", "masks", "cityscapes"])
@pytest.mark.parametrize(
    ("names", "problem"),
    [("a\na\nb\n", "names the class a twice"), ("x{}\n" * 300, "at most 255"), ("\n", "is empty")],
)
def test_class_lists_that_cannot_be_meant(tmp_path, key, names, problem):
    registry.write(key, sample(tmp_path / "in"), tmp_path / "out")
    (tmp_path / "out/labels.txt").write_text(names.format(*range(300)))
    with pytest.raises(InputError, match=problem):
        registry.read(key, tmp_path / "out")


def test_equal_names_in_eisegs_list_are_one_class(tmp_path):
    registry.write("eiseg", sample(tmp_path / "in"), tmp_path / "out")
    path = tmp_path / "out/label" / eiseg.LABEL_LIST
    path.write_text("0 background 0 0 0\n1 a 1 2 3\n2 a 4 5 6\n")
    result = registry.read("eiseg", tmp_path / "out")
    assert (result.labels, result.colors[1]) == (["background", "a"], (1, 2, 3))
    assert max(int(mask[mask < 255].max()) for mask in (i.mask() for i in result.items)) == 1


@pytest.mark.parametrize("key", ["masks", "voc", "seg", "cityscapes", "eiseg"])
def test_masks_of_another_size_are_refused_before_they_are_decoded(tmp_path, key):
    registry.write(key, sample(tmp_path / "in"), tmp_path / "out")
    images = {item.image_path for item in registry.read(key, tmp_path / "out").items}
    for path in (tmp_path / "out").rglob("*.png"):
        if path not in images:
            path.write_bytes(huge_png(20_000, 20_000))  # decoding it fails with other words
    result = registry.read(key, tmp_path / "out")
    for item in result.items:
        with pytest.raises(InputError, match=r"20000.*×|×.*20000"):
            item.mask()


def test_a_mask_shape_larger_than_its_image_is_damaged(tmp_path):
    registry.write("labelme", sample(tmp_path / "in"), tmp_path / "out")
    path = next((tmp_path / "out").rglob("*.json"))
    data = json.loads(path.read_text("utf-8"))
    stencil = base64.b64encode(huge_png(20_000, 20_000)).decode()
    shape = {"label": "a", "shape_type": "mask", "points": [[0, 0], [9, 9]], "mask": stencil}
    path.write_text(json.dumps(data | {"shapes": [shape]}), encoding="utf-8")
    item = next(
        i
        for i in registry.read("labelme", tmp_path / "out").items
        if i.image_path.stem == path.stem
    )
    with pytest.raises(InputError, match="mask shape"):
        item.mask()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("key", ["coco", "labelme", "eiseg"])
def test_other_encodings_are_recognised(tmp_path, key, encoding):
    registry.write(key, sample(tmp_path / "in"), tmp_path / "出 out")
    for path in [*(tmp_path / "出 out").rglob("*.json"), *(tmp_path / "出 out").rglob("*.txt")]:
        text = path.read_text("utf-8")
        path.unlink() if path.name == eiseg.LABEL_LIST else path.write_text(text, encoding=encoding)
    assert detect_format(tmp_path / "出 out") == key
    assert len(registry.read(key, tmp_path / "出 out").items) == 4


@pytest.mark.parametrize(
    "value", ["!!int ''", "!!bool x", "!!timestamp x", "1" + ":1" * 200 + ".5"]
)
def test_yaml_values_that_break_their_type_are_one_sentence(tmp_path, value):
    registry.write("yolo", sample(tmp_path / "in"), tmp_path / "yolo")
    (tmp_path / "yolo/data.yaml").write_text(f"names: {value}\n")
    with pytest.raises(InputError, match="not YAML of plain values"):
        registry.read("yolo", tmp_path / "yolo")


def test_names_in_lists_that_no_file_can_have(tmp_path):
    registry.write("seg", sample(tmp_path / "in"), tmp_path / "seg")
    path = tmp_path / "seg/train_list.txt"
    name = "长" * 300
    path.write_text(f"{name}.png\t{name}.png\n{path.read_text('utf-8')}", encoding="utf-8")
    result = registry.read("seg", tmp_path / "seg")
    assert (len(result.items), ["does not exist" in str(p) for p in result.report.messages]) == (
        4,
        [True],
    )


def test_elements_that_do_not_matter_are_not_kept(tmp_path):
    registry.write("cvat", sample(tmp_path / "in"), tmp_path / "cvat")
    path = next((tmp_path / "cvat").rglob("*.xml"))
    text = path.read_text("utf-8")
    path.write_text(text.replace("<image ", f"{'<a/>' * 20_000}<image ", 1), encoding="utf-8")
    tracemalloc.start()
    result = registry.read("cvat", tmp_path / "cvat")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(result.items) == 4
    assert peak < 2**20  # twice as much with all elements
