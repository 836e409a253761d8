"""The commands of ``predict.py``: results, exit codes, one sentence for what is wrong."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from line_models import write_line_model, write_pictures

from core.portable.line_command import run_command


@pytest.fixture
def folder(tmp_path):
    write_line_model(tmp_path / "export", rules=("any Crack longer than 20 px -> warn",))
    return tmp_path


def _even(file):
    file.write_bytes(cv2.imencode(".png", np.full((20, 30, 3), 180, np.uint8))[1].tobytes())
    return file


def _run(folder, *arguments):
    out = str(folder / "out")
    asked = [*map(str, arguments), "--out", out, "--json", "--overwrite"]
    return run_command(folder / "export", asked)


def test_the_worst_image_decides_the_exit_code(folder, capsys):
    write_pictures(folder / "images", 2)
    even = _even(folder / "images" / "even.png")
    assert _run(folder, even) == 0
    assert _run(folder, folder / "images") == 10
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["counts"] == {"accept": 1, "warn": 2, "inconclusive": 0, "reject": 0, "error": 0}
    assert _run(folder, folder / "images", "--rule", "any Dark -> reject") == 12
    unsure = "any Crack longer than 50 px -> reject unsure above 20 px"
    assert _run(folder, folder / "images", "--rule", unsure) == 11
    (folder / "images" / "broken.png").write_bytes(b"nothing")
    assert _run(folder, folder / "images", "--rule", "any Dark -> reject") == 1
    printed = capsys.readouterr()
    assert "broken.png: ERROR" in printed.err and "2 reject, 1 error" in printed.out
    content = json.loads((folder / "out" / "results.json").read_text("utf-8"))
    assert [one["outcome"] for one in content["images"]] == [None, "accept", "reject", "reject"]
    assert content["machine"]["runtime"] == "onnxruntime"
    assert content["settings"]["rules"] == ["any Dark -> reject"]


def test_earlier_results_are_not_replaced_unasked(folder, capsys):
    (file,) = write_pictures(folder / "图 images", 1)
    out = folder / "out put"
    asked = [str(file), "--out", str(out)]
    assert run_command(folder / "export", asked) == 10
    before = {one: one.read_bytes() for one in out.rglob("*") if one.is_file()}
    assert run_command(folder / "export", [*asked, "--rule", "any Dark -> reject"]) == 2
    problem = capsys.readouterr().err
    assert "results.json already exists" in problem and "--overwrite" in problem
    assert {one: one.read_bytes() for one in out.rglob("*") if one.is_file()} == before
    for name in ("results.json", "results.csv", "objects.csv"):
        (out / name).unlink()
    assert run_command(folder / "export", asked) == 2  # masks alone are in the way, too
    assert f"{file.stem}.png already exists" in capsys.readouterr().err
    rejected = [*asked, "--rule", "any Crack -> reject", "--overwrite"]
    assert run_command(folder / "export", rejected) == 12
    assert '"reject": 1' in (out / "results.json").read_text("utf-8")


def test_images_are_never_written_over(folder, capsys):
    (file,) = write_pictures(folder / "out" / "masks", 1)
    before = file.read_bytes()
    assert _run(folder, file.parent) == 2
    assert "one of the images themselves" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_videos_are_judged_frame_by_frame(folder, capsys):
    images = [cv2.imread(str(one)) for one in write_pictures(folder / "images", 3)]
    height, width = images[0].shape[:2]
    file = folder / "视频 1.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 5, (width, height))
    for image in images * 2:
        writer.write(image)
    writer.release()
    assert _run(folder, file, "--every", 2) == 10
    content = json.loads((folder / "out" / "results.json").read_text("utf-8"))
    assert [one["image"] for one in content["images"]] == [
        f"{file}#{number:06}" for number in (0, 2, 4)
    ]
    masks = sorted(one.name for one in (folder / "out" / "masks").iterdir())
    assert masks == [f"视频 1_{number:06}.png" for number in (0, 2, 4)]
    still = _even(folder / "still.png")
    assert _run(folder, still, file) == 10
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["counts"]["warn"] == 6


def test_millimetres_need_the_size_of_a_pixel(folder, capsys):
    (file,) = write_pictures(folder / "images", 1)
    rule = "any Crack longer than 2 mm -> reject"
    assert _run(folder, file, "--rule", rule) == 2
    assert "the size of a pixel is not known" in capsys.readouterr().err
    assert _run(folder, file, "--rule", rule, "--pixel-size-mm", 0.1) == 12
    assert _run(folder, file, "--rule", rule, "--pixel-size-mm", 0.01) == 0
    assert _run(folder, file, "--pixel-size-mm", -1) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["none.png"], "does not exist"),
        (["{image}", "--runtime", "tensorrt"], "choose one of auto, onnxruntime, openvino"),
        (["{image}", "--threads", "0"], "threads is 0"),
        (["{image}", "--threads", "many"], "invalid int value"),
        (["{image}", "--every", "0"], "give 1 or more"),
        (["{image}", "--rule", "any Scratch -> reject"], "Scratch"),
        (["{image}", "--nothing"], "unrecognized"),
    ],
)
def test_wrong_commands_are_told(folder, capsys, arguments, words):
    (image,) = write_pictures(folder / "images", 1)
    assert _run(folder, *(one.format(image=image) for one in arguments)) == 2
    assert words in capsys.readouterr().err


def test_help_and_a_folder_without_a_model(tmp_path, capsys):
    assert run_command(tmp_path, ["--help"]) == 0
    assert "exit codes" in capsys.readouterr().out
    assert run_command(tmp_path, ["selftest", "--help"]) == 0
    assert run_command(tmp_path, ["selftest"]) == 2
    assert "no exported model" in capsys.readouterr().err


def test_results_that_cannot_be_written(folder, capsys):
    (image,) = write_pictures(folder / "images", 1)
    (folder / "out").write_text("a file")
    assert _run(folder, image) == 2
    assert "cannot be written to" in capsys.readouterr().err
