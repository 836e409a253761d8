"""Damaged and malicious files: a sentence or an entry in ``lost``, and the project untouched."""

from __future__ import annotations

import base64
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from format_samples import sample

from core.errors import InputError
from core.formats import coco, cvat, eiseg, foreign, labelme, registry, yolo
from core.formats.detect import IMAGES_ONLY, detect_format
from core.project import Project

READ_AND_WRITTEN = [one.key for one in registry.WRITABLE if one.read is not None]
_NASTY = (b"-1", b"NaN", b"1e999", b"999999999999", b'"x"', b"null", b"{}", b"../../x")


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


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(0, len(data) + 1))
    kind = int(rng.integers(0, 4))
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes(rng.integers(0, 256, 3).astype(np.uint8)) + data[place + 3 :]
    if kind == 2:
        return data[:place] + data[place : place + 200] * 3 + data[place + 200 :]
    digits = [n for n, byte in enumerate(data) if 48 <= byte <= 57]
    if not digits:
        return data[place:]
    place = int(rng.choice(digits))
    nasty = _NASTY[int(rng.integers(0, len(_NASTY)))]
    return data[:place] + nasty + data[place + 1 :]


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
            outcomes.add("in part" if result.lost else "read")
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
    for module in (foreign, cvat, yolo):
        monkeypatch.setattr(module, "MAX_FILE_BYTES", 100)
    for key in ("coco", "cvat", "yolo"):
        try:
            texts = [str(problem) for problem in registry.read(key, tmp_path / key).lost]
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
