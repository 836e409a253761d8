"""``predict --judge``: masks, tables and outcomes of images and videos, without the engine."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from line_models import parts_picture, write_line_model

from core import cli
from core.images.io import read_mask, write_image


@pytest.fixture
def export(tmp_path):
    write_line_model(
        tmp_path / "export",
        rules=("any Crack longer than 10 px -> reject", "any Dark -> warn"),
        settings={"minimum_area": {"*": "4 px2"}},
    )
    return tmp_path / "export"


def pictures(folder):
    folder.mkdir()
    write_image(folder / "b2.png", parts_picture())
    write_image(folder / "b10.png", np.full((60, 80, 3), 190, np.uint8))
    return folder


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = cli.run(["predict", *(str(one) for one in arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def rows(file) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_masks_tables_and_outcomes(tmp_path, export, capsys):
    images, out = pictures(tmp_path / "图像"), tmp_path / "out"
    code, text, _ = run(capsys, "--model-dir", export, "--out", out, "--judge", "--json", images)
    assert code == 0
    told = json.loads(text.splitlines()[-1])
    assert [one["outcome"] for one in told["judged"]] == ["reject", "accept"]
    assert told["counts"]["reject"] == told["counts"]["accept"] == 1
    assert told["files"] == [str(out / "b2.png"), str(out / "b10.png")]
    assert np.unique(read_mask(out / "b2.png")).tolist() == [0, 1, 2]
    assert {one.name for one in out.iterdir()} == {
        *("b2.png", "b10.png", "b2_overlay.jpg", "b10_overlay.jpg"),
        *("results.csv", "objects.csv", "results.json"),
    }
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert results["settings"]["rules"][0] == "any Crack longer than 10 px -> reject"
    assert results["images"][0]["mask"] == "b2.png"
    assert [one["outcome"] for one in rows(out / "results.csv")] == ["reject", "accept"]
    found = rows(out / "objects.csv")
    assert [one["name"] for one in found] == ["Crack", "Dark"]
    assert float(found[0]["length_px"]) == 30


def test_lines_for_people_and_rules_of_a_file(tmp_path, export, capsys):
    images, out = pictures(tmp_path / "images"), tmp_path / "out"
    rules = tmp_path / "rules.txt"
    rules.write_text("# ours\n\nany Crack longer than 2 mm -> inconclusive\n", encoding="utf-8")
    code, text, _ = run(
        capsys,
        *("--model-dir", export, "--out", out, "--no-overlay", "--rules", rules),
        *("--pixel-size", 0.1, images),
    )
    assert code == 0
    first, second, counts = text.splitlines()
    assert first.endswith("b2.png: inconclusive – Crack of 3 mm is longer than 2 mm")
    assert second.endswith("b10.png: accept")
    assert counts == "1 accept, 1 inconclusive"
    assert not list(out.glob("*_overlay.jpg"))
    assert rows(out / "objects.csv")[0]["length_mm"] == "3.0"


def test_videos_are_judged_frame_by_frame(tmp_path, export, capsys):
    video = tmp_path / "线.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10, (80, 60))
    for number in range(5):
        even = np.full((60, 80, 3), 190, np.uint8)
        writer.write(parts_picture() if number % 2 == 0 else even)
    writer.release()
    out = tmp_path / "out"
    asked = ("--model-dir", export, "--out", out, "--judge", "--every", 2, "--json", video)
    code, text, _ = run(capsys, *asked)
    assert code == 0
    told = json.loads(text.splitlines()[-1])
    assert [one["outcome"] for one in told["judged"]] == ["reject"] * 3
    assert sorted(one.name for one in out.glob("*.png")) == [
        f"线_{number:06}.png" for number in (0, 2, 4)
    ]
    (out / "results.json").unlink()
    code, _, said = run(capsys, *asked)
    assert code == 2
    assert "already exists" in said
    code, _, said = run(capsys, "--model-dir", export, "--out", tmp_path / "other", video)
    assert code == 2
    assert "is a video: exported models take videos, with --judge" in said


def test_one_broken_image_does_not_stop_the_others(tmp_path, export, capsys):
    images, out = pictures(tmp_path / "images"), tmp_path / "out"
    (images / "b3.png").write_bytes(b"no image")
    code, text, said = run(capsys, "--model-dir", export, "--out", out, "--judge", "--json", images)
    assert code == 2
    told = json.loads(text.splitlines()[-1])
    assert told["counts"]["error"] == 1
    assert told["failed"][0]["image"].endswith("b3.png")
    assert [one["outcome"] for one in rows(out / "results.csv")] == ["reject", "error", "accept"]
    assert "1 image could not be judged" in said
    assert said.count("b3.png") == 1


def test_nothing_is_written_over_unasked(tmp_path, export, capsys):
    images, out = pictures(tmp_path / "images"), tmp_path / "out"
    asked = ("--model-dir", export, "--out", out, "--judge", images)
    assert run(capsys, *asked)[0] == 0
    before = (out / "results.json").stat().st_mtime_ns
    code, _, said = run(capsys, *asked)
    assert (code, "already exists" in said) == (2, True)
    assert (out / "results.json").stat().st_mtime_ns == before
    assert run(capsys, *asked, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--pixel-size", "-1"), "pixel_size_mm is -1.0: give a number above 0"),
        (("--rules", "RULES"), "names Scratch at character 5, which is none of the classes"),
        (("--judge", "--thresholds"), "has no thresholds of its own"),
    ],
)
def test_wrong_options_end_with_a_sentence(tmp_path, export, capsys, options, problem):
    (tmp_path / "rules.txt").write_text("any Scratch -> reject", encoding="utf-8")
    given = [str(tmp_path / "rules.txt") if one == "RULES" else one for one in options]
    images = pictures(tmp_path / "images")
    code, _, said = run(capsys, "--model-dir", export, "--out", tmp_path / "out", *given, images)
    assert code == 2
    assert problem in said


def test_a_model_folder_is_no_export(tmp_path, capsys):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.pdparams").write_bytes(b"")
    images = pictures(tmp_path / "images")
    code, _, said = run(
        capsys, "--model-dir", tmp_path / "model", "--out", tmp_path / "out", "--judge", images
    )
    assert code == 2
    assert "export it first" in said


def test_the_engine_is_not_needed(tmp_path, export):
    images = pictures(tmp_path / "images")
    script = (
        "import sys\nfrom core import cli\n"
        f"code = cli.run(['predict', '--model-dir', {str(export)!r}, '--judge', '--out', "
        f"{str(tmp_path / 'out')!r}, {str(images)!r}])\n"
        "assert 'paddle' not in sys.modules and code == 0, code\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
