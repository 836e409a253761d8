"""Files that are small to store and large to read, and XML in China's encodings."""

from __future__ import annotations

import base64
import io
import json
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from format_samples import LABELS, assert_same, label_maps, sample
from PIL import Image

from core.data.formats import coco, cvat, labelme, parsing, registry, yolo
from core.data.formats.detection import detect_format
from core.system.errors import InputError

ANNOTATIONS = "annotations.xml"


@pytest.mark.parametrize("encoding", ["gbk", "gb2312", "GB18030", "utf-16"])
def test_cvat_files_in_other_encodings(tmp_path, encoding):
    folder = tmp_path / "编 码"
    registry.write("cvat", sample(tmp_path / "in"), folder)
    path = folder / ANNOTATIONS
    text = path.read_text("utf-8")
    body = text[text.index("?>") + 2 :] if text.startswith("<?xml") else text
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    path.write_bytes((head + body).encode(encoding))
    assert detect_format(folder) == "cvat"
    result = registry.read("cvat", folder)
    assert result.labels == LABELS
    assert_same(result, label_maps())


@pytest.mark.parametrize("encoding", ["x-nonsense", "gbk"])
def test_cvat_files_that_are_not_in_their_encoding(tmp_path, encoding):
    path = tmp_path / ANNOTATIONS
    body = '<annotations><image name="\xff\xff"/></annotations>'
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>{body}'.encode("latin-1"))
    with pytest.raises(InputError, match="no valid XML"):
        cvat.read(path)


def test_an_image_with_endless_shapes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cvat, "_MAX_SHAPES", 100)
    path = tmp_path / ANNOTATIONS
    shapes = "<box/>" * 101
    path.write_text(f'<annotations><image name="a.png">{shapes}</image></annotations>')
    with pytest.raises(InputError, match="more shapes than can be drawn"):
        cvat.read(path)
    path.write_text("<annotations>" + '<image name="a.png"><box/></image>' * 150 + "</annotations>")
    with pytest.raises(InputError, match="does not exist"):
        cvat.read(path)


@pytest.mark.parametrize("read", [coco.read, labelme.read])
def test_json_that_the_memory_cannot_hold_is_not_parsed(tmp_path, monkeypatch, read):
    path = tmp_path / "密 a.json"
    path.write_text(json.dumps({"images": [], "shapes": [[]] * 10_000}))
    monkeypatch.setattr(parsing, "_SURELY_FITS", 1000)
    free = SimpleNamespace(available=2**20)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(InputError, match="GiB of memory"):
        read(path)
    monkeypatch.setattr(parsing, "MAX_PARTS", 9_000)
    with pytest.raises(InputError, match="million lists"):
        read(path)
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"no COCO file|which image"):
        read(path)


def test_the_estimate_covers_what_python_takes():
    import tracemalloc

    for one in (
        "[]",
        "{}",
        "[1.5]",
        '{"a":1}',
        '{"a":"bcd"}',
        "12.5",
        '"ab"',
        '[[1.5,2.5],{"b":[]}]',
    ):
        text = f"[{','.join([one] * 20_000)}]"
        tracemalloc.start()
        kept = json.loads(text)
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(kept) == 20_000
        estimate = sum(text.count(char) * size for char, size in parsing._BYTES_IN_MEMORY.items())
        assert taken <= estimate * 1.05, one


def test_a_line_of_endless_numbers_is_no_outline(tmp_path, monkeypatch):
    registry.write("yolo", sample(tmp_path / "in"), tmp_path / "yolo")
    monkeypatch.setattr(yolo, "_MAX_NUMBERS", 8)
    path = next(path for path in (tmp_path / "yolo/labels").rglob("*.txt") if path.stat().st_size)
    path.write_text("0 0 0 1 0 1 1 0 1\n0 0 0 1 0 1 1 0 1 0.5 0.5\n")
    result = registry.read("yolo", tmp_path / "yolo")
    assert len(result.items) == 4
    assert any("(the first is line 2)" in str(problem) for problem in result.report.messages)


def test_yaml_of_a_chinese_windows_is_read(tmp_path):
    registry.write("yolo", sample(tmp_path / "in"), tmp_path / "yolo")
    (tmp_path / "yolo" / "data.yaml").write_bytes("names: [划痕, 凹坑]\n".encode("gbk"))
    assert registry.read("yolo", tmp_path / "yolo").labels == ["background", "划痕", "凹坑"]


def test_keys_in_alphabetical_order_are_labelme(tmp_path):
    picture = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    Image.fromarray(noise).save(picture, "PNG")
    data = {
        "imageData": base64.b64encode(picture.getvalue()).decode(),
        "imagePath": "a.png",
        "shapes": [{"label": "a", "points": [[0, 0], [9, 0], [9, 9]]}],
    }
    (tmp_path / "a.json").write_text(json.dumps(data, sort_keys=True))
    assert (tmp_path / "a.json").stat().st_size > 70_000
    assert detect_format(tmp_path) == "labelme"
