"""Bad input: exit code 2 and one sentence that names the file; never a traceback."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest
from cli_data import make_data
from jobs_here import jobs_here

from core import cli
from core.images.io import write_image, write_mask


@pytest.fixture(scope="module", autouse=True)
def _jobs_here():
    with jobs_here():
        yield


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("bad input") / "数据 集")


@pytest.fixture
def data(pristine, tmp_path):
    return shutil.copytree(pristine, tmp_path / "数据 集")


def _missing_list(data):
    (data / "train_list.txt").unlink()
    return ["train_list.txt"]


def _missing_val_list(data):
    (data / "val_list.txt").unlink()
    return ["val_list.txt", "split"]


def _missing_image(data):
    (data / "images/train 2.png").unlink()
    return ["train 2.png", "does not exist"]


def _mask_of_another_size(data):
    write_mask(data / "masks/train 1 标注.png", np.zeros((10, 20), np.uint8))
    return ["train 1 标注.png", "20", "10", "96", "64"]


def _value_outside_the_classes(data):
    mask = np.zeros((64, 96), np.uint8)
    mask[:3, :5] = 7
    write_mask(data / "masks/val 1 标注.png", mask)
    return ["val 1 标注.png", "7", "15 pixels", "0 to 2"]


def _three_channel_mask(data):
    colored = np.zeros((64, 96, 3), np.uint8)
    colored[:9, :9] = 1, 0, 0  # equal channels would be an index
    write_image(data / "masks/train 0 标注.png", colored)
    return ["train 0 标注.png", "channel"]


def _empty_class_list(data):
    (data / "labels.txt").write_text("", encoding="utf-8")
    return ["labels.txt", "empty"]


def _one_class(data):
    (data / "labels.txt").write_text("background\n", encoding="utf-8")
    return ["labels.txt", "one class"]


def _unreadable_image(data):
    (data / "images/train 3.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    return ["train 3.png", "unreadable"]


def _bad_line(data):
    (data / "train_list.txt").write_text("images/train 0.png masks/a b c.png\n", encoding="utf-8")
    return ["train_list.txt", "ine 1"]


BREAKS = [
    _missing_list,
    _missing_val_list,
    _missing_image,
    _mask_of_another_size,
    _value_outside_the_classes,
    _three_channel_mask,
    _empty_class_list,
    _one_class,
    _unreadable_image,
    _bad_line,
]


def _one_sentence(capsys) -> str:
    """What the last run printed to stderr, which must be one sentence."""
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err + printed.out
    assert printed.out == ""
    lines = printed.err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].endswith((".", "?"))
    assert not lines[0].endswith("?.")
    return lines[0]


@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__.strip("_"))
def test_training_on_spoilt_data(data, tmp_path, capsys, spoil):
    words = spoil(data)
    out = tmp_path / "run"
    arguments = ["train", "--data", str(data), "--model", "FastSCNN", "--out", str(out), "--json"]
    assert cli.run(arguments) == 2
    sentence = _one_sentence(capsys)
    for word in words:
        assert word in sentence
    assert not out.exists(), "nothing may be left behind"


@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__.strip("_"))
def test_validate_finds_it_too(data, capsys, spoil):
    spoil(data)
    code = cli.run(["validate", str(data)])
    printed = capsys.readouterr()
    if spoil is _missing_val_list:
        assert code == 0
        assert "val_list.txt" in printed.out
    else:
        assert code == 2
        assert "error" in printed.out
        assert len(printed.err.splitlines()) == 1
        assert str(data) in printed.err


def test_several_problems_are_counted_not_poured_out(data, tmp_path, capsys):
    _missing_image(data)
    _three_channel_mask(data)
    arguments = ["train", "--data", str(data), "--model", "UNet", "--out", str(tmp_path / "run")]
    assert cli.run(arguments) == 2
    assert "1 more" in _one_sentence(capsys)


def _train(data, tmp_path, *more):
    out = tmp_path / "run"
    return ["train", "--data", str(data), "--model", "FastSCNN", "--out", str(out), *more]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--set", "epoch=3"], ["did you mean", "epochs"]),
        (["--set", "augmentation.blur=2"], ["augmentation.blur"]),
        (["--set", "early_stop=perhaps"], ["early_stop"]),
        (["--set", "num_workers=-1"], ["num_workers"]),
        (["--set", "data_dir=elsewhere"], ["--data"]),
        (["--set", "augmentation=3", "--set", "augmentation.blur=1"], ["augmentation.blur"]),
        (["--image-size", "big"], ["--image-size"]),
        (["--epochs", "many"], ["--epochs", "integer"]),
        (["--epochs", "0"], ["--epochs"]),
        (["--learning-rate", "-1"], ["learning_rate"]),
        (["--device", "tpu"], ["--device"]),
        (["--resume", "not there"], ["--resume", "not there"]),
        (["--no-such-option"], ["--no-such-option", "main.py train --help"]),
    ],
)
def test_bad_options(data, tmp_path, capsys, more, words):
    assert cli.run(_train(data, tmp_path, *more)) == 2
    sentence = _one_sentence(capsys)
    for word in words:
        assert word in sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nonsense"], "nonsense"),
        (["train"], "--data"),
        (["train", "--data", "nowhere", "--model", "FastSCNN", "--out", "x"], "nowhere"),
        (["evaluate", "--model-dir", "nowhere", "--data", "."], "nowhere"),
        (["predict", "--model-dir", "nowhere", "--out", "x", "a.png"], "nowhere"),
        (["validate", "nowhere"], "nowhere"),
        (["split", "nowhere"], "nowhere"),
    ],
)
def test_things_that_do_not_exist(arguments, word, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.run(arguments) == 2
    assert word in _one_sentence(capsys)
    assert list(tmp_path.iterdir()) == []


def test_unknown_model(data, tmp_path, capsys):
    arguments = ["train", "--data", str(data), "--model", "SegNet", "--out", str(tmp_path / "run")]
    assert cli.run(arguments) == 2
    assert "one of auto, FastSCNN, BiSeNetV2, UNet, HRNet, DeepLabV3P" in _one_sentence(capsys)


def test_out_that_holds_something_else_stays_as_it_is(data, tmp_path, capsys):
    out = tmp_path / "run"
    out.mkdir()
    (out / "thesis.txt").write_text("mine", encoding="utf-8")
    assert cli.run(_train(data, tmp_path)) == 2
    assert "not empty" in _one_sentence(capsys)
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--model", "FastSCNN", "--data", "DATA"],
        ["demo", "--headless", "--images", "8"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_out_that_cannot_be_made(data, tmp_path, capsys, arguments):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    out = tmp_path / "file" / "run"
    given = [str(data) if text == "DATA" else text for text in arguments]
    assert cli.run([*given, "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err + printed.out
    assert str(tmp_path / "file") in printed.err.splitlines()[-1]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--model", "FastSCNN", "--data", "DATA", "--device", "cpu"],
        ["demo", "--headless", "--images", "8"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_out_where_nothing_can_be(data, capsys, arguments):
    given = [str(data) if text == "DATA" else text for text in arguments]
    assert cli.run([*given, "--out", "/proc/运行 x/run"]) == 2
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "/proc/运行 x" in sentence
    assert "bug" not in sentence


def test_lists_in_utf_16_are_read(data):
    for name in ("labels.txt", "train_list.txt"):
        text = (data / name).read_text(encoding="utf-8")
        (data / name).write_text(text, encoding="utf-16")
    assert cli.run(["validate", str(data)]) == 0


def test_batch_larger_than_the_set(data, tmp_path, capsys):
    more = ["--batch-size", "9", "--epochs", "1", "--image-size", "64", "--device", "cpu"]
    assert cli.run(_train(data, tmp_path, *more)) == 2
    printed = capsys.readouterr()
    sentence = printed.err.strip().splitlines()[-1]
    assert "Traceback" not in printed.err
    assert "8" in sentence
    assert "9" in sentence
    assert not (tmp_path / "run").exists(), "the corrected command must be able to use it"


def test_faulty_mask_is_found_by_the_engine_too(data, tmp_path, capsys):
    words = _value_outside_the_classes(data)
    more = ["--skip-check", "--batch-size", "4", "--epochs", "1", "--image-size", "64"]
    assert cli.run(_train(data, tmp_path, *more, "--learning-rate", "0.01", "--device", "cpu")) == 2
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    for word in words:
        assert word in sentence


def test_split_does_not_touch_lists_unless_told(data, capsys):
    before = (data / "train_list.txt").read_bytes()
    assert cli.run(["split", str(data), "--val", "0.2", "--test", "0.2"]) == 2
    sentence = _one_sentence(capsys)
    assert "exists already" in sentence
    assert "--overwrite" in sentence
    assert (data / "train_list.txt").read_bytes() == before
    assert cli.run(["split", str(data), "--val", "0.2", "--test", "0.2", "--overwrite"]) == 0
    assert (data / "train_list.txt").read_bytes() != before
    assert (data / "train_list.txt.bak").read_bytes() == before


@pytest.mark.parametrize("more", [["--val", "0.9", "--test", "0.9"], ["--group", "("]])
def test_impossible_split(data, capsys, more):
    assert cli.run(["split", str(data), "--overwrite", *more]) == 2
    _one_sentence(capsys)


def test_bug_of_ours_keeps_its_traceback_in_a_file(data, monkeypatch, tmp_path, capsys):
    import core.data.validation

    def broken(*_args, **_more):
        raise RuntimeError("a bug")

    monkeypatch.setattr(core.data.validation, "validate_folder", broken)
    monkeypatch.setattr("core.cli.console.log_file", lambda: tmp_path / "日志" / "log.txt")
    monkeypatch.delenv("MASKWRIGHT_DEBUG", raising=False)
    assert cli.run(["validate", str(data)]) == 1
    sentence = _one_sentence(capsys)
    assert str(tmp_path / "日志" / "log.txt") in sentence
    assert "RuntimeError: a bug" in (tmp_path / "日志" / "log.txt").read_text(encoding="utf-8")
    monkeypatch.setenv("MASKWRIGHT_DEBUG", "1")
    with pytest.raises(RuntimeError, match="a bug"):
        cli.run(["validate", str(data)])


def test_interrupt_before_the_job_begins(data, tmp_path, monkeypatch, capsys):
    from core.cli import data_source

    def interrupted(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(data_source, "validate_folder", interrupted)
    assert cli.run(_train(data, tmp_path)) == 130
    assert _one_sentence(capsys) == "stopped."
    assert not (tmp_path / "run").exists()


def test_interrupt_while_the_program_loads(monkeypatch, capsys):
    import main

    def interrupted(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupted)
    assert main.main(["doctor"]) == 130
    assert capsys.readouterr().err == "stopped.\n"
