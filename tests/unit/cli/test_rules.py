"""``rules``: what an export decides by is shown, changed, and tried on labelled images."""

from __future__ import annotations

import json

import numpy as np
import pytest
from line_data import write_labelled
from line_models import parts_picture, write_line_model

from core import cli
from core.images.io import write_image, write_mask
from core.portable.line_predictor import LinePredictor
from core.portable.manifest import damaged_files, read_manifest
from core.project import ImageQuery, Project


@pytest.fixture
def export(tmp_path):
    write_line_model(tmp_path / "export")
    return tmp_path / "export"


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = cli.run(["rules", *(str(one) for one in arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_rules_are_remembered_by_the_export(export, capsys):
    code, text, _ = run(
        capsys,
        *("--export", export, "--pixel-size", 0.1, "--minimum-area", "Crack=0.05mm2"),
        *("--minimum-area", "8px", "--fill-holes", "Dark=4px2", "--inconclusive-below", 0.5),
        *("--rule", "any crack longer than 2mm -> reject", "--rule", "any Dark -> warn"),
    )
    assert code == 0
    assert "any Crack longer than 2 mm -> reject\nany Dark -> warn\n" in text
    assert "minimum area: Crack 0.05 mm2, other classes 8 px2" in text
    manifest = read_manifest(export)
    assert manifest.rules == ("any Crack longer than 2 mm -> reject", "any Dark -> warn")
    assert manifest.pixel_size_mm == 0.1
    assert damaged_files(export, manifest) == []
    judged = LinePredictor(export).judge(parts_picture())
    assert judged.outcome == "reject"
    assert str(judged.reasons[0]) == "Crack of 3 mm is longer than 2 mm"
    # one thing changed leaves the others
    code, text, _ = run(
        capsys, "--export", export, "--minimum-area", "Crack=0", "--inconclusive-below", 0, "--json"
    )
    told = json.loads(text.splitlines()[-1])
    assert told["changed"]
    assert told["minimum_area"] == {"*": "8 px2"}
    assert told["inconclusive_below"] is None
    assert told["rules"] == list(manifest.rules)


def test_without_changes_it_only_tells(export, capsys):
    before = (export / "manifest.json").read_bytes()
    code, text, _ = run(capsys, "--export", export)
    assert (code, text) == (0, "no rules: any object rejects\n")
    code, text, _ = run(capsys, "--export", export, "--rule", "any Dark -> warn", "--try", "--json")
    told = json.loads(text.splitlines()[-1])
    assert (told["changed"], told["rules"]) == (False, ["any Dark -> warn"])
    assert (export / "manifest.json").read_bytes() == before


def test_region_files_are_kept_in_the_export(tmp_path, export, capsys):
    region = np.zeros((60, 80), np.uint8)
    region[:, 40:] = 3
    write_mask(tmp_path / "left out.png", region)
    code, _, _ = run(capsys, "--export", export, "--dont-care", tmp_path / "left out.png")
    assert code == 0
    (tmp_path / "left out.png").unlink()
    manifest = read_manifest(export)
    assert "dont_care.png" in manifest.files
    assert damaged_files(export, manifest) == []
    found = LinePredictor(export).judge(parts_picture())
    assert [one.name for one in found.objects] == ["Crack"]
    assert run(capsys, "--export", export, "--rule", "any Dark -> reject")[0] == 0
    assert LinePredictor(export).judge(parts_picture()).outcome == "accept"
    assert run(capsys, "--export", export, "--whole-image")[0] == 0
    assert LinePredictor(export).judge(parts_picture()).outcome == "reject"
    assert not (export / "dont_care.png").exists()
    assert "dont_care.png" not in read_manifest(export).files


def test_the_effect_on_labelled_images(tmp_path, export, capsys):
    even = np.full((60, 80, 3), 190, np.uint8)
    images = [parts_picture(seed=1), even, even]
    masks = [LinePredictor(export).label_map(one) for one in images]
    masks[2] = masks[0]  # what the model cannot see
    data = write_labelled(tmp_path / "data", images, masks)
    asked = ("--export", export, "--data", data, "--rule", "any Crack longer than 20 px -> reject")
    code, text, _ = run(capsys, *asked, "--json")
    assert code == 0
    effect = json.loads(text.splitlines()[-1])["effect"]
    assert effect["images"] == 3
    assert effect["good"]["accept"] == 1
    assert (effect["defective"]["reject"], effect["defective"]["accept"]) == (1, 1)
    assert [one.endswith("2.png") for one in effect["missed"]] == [True]
    code, text, _ = run(capsys, *asked)
    assert "missed: 1" in text
    assert "false rejects: 0" in text


@pytest.mark.parametrize(
    "labels", [("background", "Crack", "Dark"), ("background", "Dark", "Crack")]
)
def test_the_effect_on_a_project(tmp_path, export, capsys, labels):
    """Its classes may stand in another order than the model's; their names count."""
    even = np.full((60, 80, 3), 190, np.uint8)
    pictures = [parts_picture(seed=1), even, parts_picture(seed=2)]
    files = []
    for number, picture in enumerate(pictures):
        files.append(tmp_path / f"图 {number}.png")
        write_image(files[-1], picture)
    ids = np.array([labels.index(name) for name in ("background", "Crack", "Dark")], np.uint8)
    with Project.create(tmp_path / "项目 1", labels=labels) as project:
        project.add_images(files)
        rows = project.images(ImageQuery())
        project.set_subset([row.id for row in rows], "val")
        for row, picture in zip(rows, pictures, strict=True):
            mask = ids[LinePredictor(export).label_map(picture)]
            mask[mask == labels.index("Dark")] = 0
            project.save_label_map(row.id, mask, state="labelled")
        # The window may have it open meanwhile.
        asked = ("--export", export, "--data", project.folder, "--rule", "any Crack -> reject")
        code, text, err = run(capsys, *asked, "--try", "--json")
    assert code == 0, err
    result = json.loads(text.splitlines()[-1])
    assert result["effect"]["images"] == 3
    assert result["effect"]["good"]["accept"] == 1
    assert result["effect"]["defective"]["reject"] == 2
    assert result["effect"]["missed"] == result["effect"]["false_rejects"] == []
    assert result["changed"] is False
    code, _, err = run(capsys, *asked, "--split", "test")
    assert code == 2
    assert "test" in err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--rule", "any Scratch -> reject"), "none of the classes Crack, Dark"),
        (("--rule", "any Crack longer than 2 mm -> reject"), "size of a pixel is not known"),
        (("--rule", "any Crack -> reject", "--no-rules"), "exclude each other"),
        (("--minimum-area", "Crack=2mm"), "give an area such as 20 px2"),
        (("--minimum-area", "Scratch=2px"), "none of the classes"),
        (("--pixel-size", "-2"), "give a number above 0"),
        (("--regions", "none.png"), "none.png"),
        (("--data", "none"), "is not a folder"),
    ],
)
def test_wrong_options_change_nothing(export, capsys, options, problem):
    before = (export / "manifest.json").read_bytes()
    code, _, said = run(capsys, "--export", export, *options)
    assert code == 2
    assert problem in said
    assert (export / "manifest.json").read_bytes() == before


def test_what_is_no_export_is_refused(tmp_path, capsys):
    code, _, said = run(capsys, "--export", tmp_path)
    assert code == 2
    assert "is no exported model" in said
