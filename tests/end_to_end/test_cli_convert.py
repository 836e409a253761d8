"""``convert``: from and to every format, by exit codes and sentences."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cli_data import COUNTS, LABELS, make_data
from PIL import Image

from core import cli
from core.data.formats import registry
from core.project import Project

TARGETS = [one.key for one in registry.WRITABLE]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("convert") / "数据 集")


def run(capsys, *arguments):
    code = cli.run([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def masks(result):
    return {item.image_path.stem.split("_left")[0]: item.mask() for item in result.items}


@pytest.mark.parametrize("key", TARGETS)
def test_there_and_back(data, tmp_path, capsys, key):
    code, out, err = run(capsys, "convert", data, tmp_path / "出 1", "--to", key, "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert (report["from"], report["to"], report["labels"]) == ("seg", key, list(LABELS))
    assert report["lost"] == [] or key in ("yolo", "coco-polygons")
    source = "coco" if key == "coco-polygons" else key
    command = ["convert", tmp_path / "出 1", tmp_path / "back", "--to", "seg", "--from", source]
    code, out, _ = run(capsys, *command)
    assert (code, out.strip()) == (0, f"{source} → seg: {tmp_path / 'back'}")
    before, after = registry.read("seg", data), registry.read("seg", tmp_path / "back")
    assert len(after.items) == sum(COUNTS.values())
    found = masks(after)
    for name, mask in masks(before).items():
        if key == "yolo":
            mask[mask == 255] = 0
        different = found[name] != mask
        assert not different.any() if key != "coco-polygons" else different.mean() < 0.05


def test_the_source_is_recognised_also_a_project(data, tmp_path, capsys):
    code, _, _ = run(capsys, "convert", data, tmp_path / "coco", "--to", "coco")
    assert code == 0
    file = tmp_path / "coco" / "annotations" / "instances_val.json"
    code, out, _ = run(capsys, "convert", file, tmp_path / "voc", "--to", "voc")
    assert (code, out.split(":")[0]) == (0, "coco → voc")
    assert len(list((tmp_path / "voc" / "SegmentationClass").iterdir())) == COUNTS["val"]
    with Project.create(tmp_path / "项 目") as project:
        project.import_data_folder(data)
    command = ["convert", tmp_path / "项 目", tmp_path / "cvat", "--to", "cvat"]
    code, out, _ = run(capsys, *command)
    assert (code, out.split(":")[0]) == (0, "project → cvat")
    assert len(registry.read("cvat", tmp_path / "cvat").items) == sum(COUNTS.values())


def test_bad_input_is_one_sentence_and_leaves_nothing(data, tmp_path, capsys):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    new = tmp_path / "new"
    empty = tmp_path / "空"
    empty.mkdir()
    for arguments, words in (
        ((data, full, "--to", "coco"), "is not empty"),
        ((data, new, "--to", "tiff"), "no format tiff here"),
        ((data, new, "--to", "coco", "--from", "cvat"), "no XML file"),
        ((data, new, "--to", "coco", "--from", "zip"), "no format zip here"),
        ((empty, new, "--to", "coco"), "no annotations in a known format"),
        ((tmp_path / "gone", new, "--to", "coco"), "cannot be read"),
        ((data, new), "--to"),
    ):
        code, out, err = run(capsys, "convert", *arguments)
        assert (code, out) == (2, "")
        assert words in err
        assert err.count("\n") == 1
    assert not new.exists()
    assert [path.name for path in full.iterdir()] == ["mine.txt"]


def test_what_is_lost_is_listed(data, tmp_path, capsys):
    code, _, err = run(capsys, "convert", data, tmp_path / "yolo", "--to", "yolo")
    assert code == 0
    count = sum(COUNTS.values())
    assert err.startswith(f"warning: {count} masks have ignored pixels")
    run(capsys, "convert", data, tmp_path / "coco", "--to", "coco")
    file = tmp_path / "coco" / "annotations" / "instances_train.json"
    content = json.loads(file.read_text("utf-8"))
    for entry in content["annotations"]:
        entry["category_id"] = 77 if entry["id"] % 2 else entry["category_id"]
    for number in range(12):
        content["images"].append({"id": 900 + number, "file_name": f"{number}.png"})
    file.write_text(json.dumps(content), encoding="utf-8")
    code, _, err = run(capsys, "convert", file, tmp_path / "seg", "--to", "seg")
    assert code == 0
    lines = err.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "warning: 3 more; --json has all"
    result = registry.read("seg", tmp_path / "seg")
    assert np.isin(result.items[0].mask(), (0, 1, 2, 255)).all()


def test_crowds_are_ignored_or_of_their_class(data, tmp_path, capsys):
    run(capsys, "convert", data, tmp_path / "coco", "--to", "coco")
    file = tmp_path / "coco" / "annotations" / "instances_val.json"
    content = json.loads(file.read_text("utf-8"))
    for entry in content["annotations"]:
        entry["iscrowd"] = 1
    file.write_text(json.dumps(content), encoding="utf-8")
    values = {}
    for choice in ((), ("--crowd", "ignore"), ("--crowd", "class")):
        target = tmp_path / f"群 {choice[-1:]}"
        code, _, err = run(capsys, "convert", file, target, "--to", "seg", *choice)
        assert (code, err) == (0, "")
        found = [item.mask() for item in registry.read("seg", target).items]
        values[choice[-1:]] = {int(value) for mask in found for value in np.unique(mask)}
    assert values[()] == values["ignore",] == {0, 255}
    assert values["class",] >= {0, 1}
    for source, option in ((data, "class"), (file, "both")):
        command = ["convert", source, tmp_path / "no", "--to", "seg", "--crowd", option]
        code, _, err = run(capsys, *command)
        assert code == 2
        assert "--crowd" in err
        assert err.count("\n") == 1


def test_a_file_in_the_way_and_names_of_two_lines_are_one_sentence(data, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    target = tmp_path / "file" / "out"
    code, _, err = run(capsys, "convert", data, target, "--to", "coco")
    assert (code, err.count("\n"), (tmp_path / "file").read_text()) == (2, 1, "mine")
    run(capsys, "convert", data, tmp_path / "labelme", "--to", "labelme")
    first = next((tmp_path / "labelme").rglob("*.json"))
    first.write_text(json.dumps({"imagePath": "a\nb.png", "shapes": []}))
    command = ["convert", tmp_path / "labelme", tmp_path / "seg", "--to", "seg"]
    code, _, err = run(capsys, *command)
    assert code == 0
    told = err.splitlines()
    assert [line.startswith("warning: ") for line in told] == [True] * 3  # each on one line
    assert "a b.png" in told[0]
    assert "1 image has no annotation" in told[1]


def test_colours_are_asked_for_and_named_by_a_file(tmp_path, capsys):
    source = tmp_path / "彩 色"
    pixels = np.zeros((8, 9, 3), np.uint8)
    pixels[2:5, 3:7] = (255, 0, 0)
    for name, content in (("images", np.full_like(pixels, 9)), ("masks", pixels)):
        (source / name).mkdir(parents=True)
        Image.fromarray(content).save(source / name / "a.png")
    command = ["convert", source, tmp_path / "out", "--to", "seg"]
    code, out, err = run(capsys, *command)
    assert (code, out) == (2, "")
    assert "255,0,0 (16.7 %)" in " ".join(err.split())
    assert not (tmp_path / "out").exists()
    table = tmp_path / "my colours.txt"
    table.write_text("background:0,0,0\nscratch:255,0,0\n")
    code, out, _ = run(capsys, *command, "--colors", table, "--json")
    assert (code, json.loads(out)["labels"]) == (0, ["background", "scratch"])
    (item,) = registry.read("seg", tmp_path / "out").items
    np.testing.assert_array_equal(item.mask(), pixels[..., 0] > 0)
    run(capsys, "convert", tmp_path / "out", tmp_path / "me", "--to", "labelme")
    command = ["convert", tmp_path / "me", tmp_path / "no", "--to", "voc", "--colors", table]
    code, _, err = run(capsys, *command)
    assert code == 2
    assert "--colors" in err
