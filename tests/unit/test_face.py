"""What scripts for PaddleX find under ``import core as pdx``."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import core as pdx
from core.system.errors import InputError

NAMES = (
    "datasets",
    "deploy",
    "load_model",
    "seg",
    "transforms",
    "utils",
    "visualize_seg",
)


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert getattr(pdx, name) is not None
    assert name in dir(pdx)


def test_version():
    assert re.fullmatch(r"\d+(\.\d+)+.*", pdx.__version__)
    with pytest.raises(AttributeError, match="no attribute 'detection'"):
        pdx.detection  # noqa: B018


def test_deploy_and_utils_bring_no_paddle_in():
    code = (
        "import sys, core as pdx; pdx.deploy.Predictor; pdx.load_model; pdx.utils.logging.info(1);"
        " pdx.__version__; assert 'paddle' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("level", "expected"),
    [(0, "E"), (1, "EW"), (2, "EWI"), (3, "EWID")],
)
def test_logging_prints_up_to_the_chosen_level(monkeypatch, capsys, level, expected):
    monkeypatch.setattr(pdx, "log_level", level)
    log = pdx.utils.logging
    log.error("坏", exit=False)
    log.warning("w {x}")
    log.info({"a": 1})
    log.debug()
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert "".join(re.search(r"\[(\w)", line)[1] for line in lines) == expected
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[ERROR\]\t坏", lines[0])


def test_an_error_ends_what_the_script_does(capsys):
    with pytest.raises(InputError, match=r"no \{room\}"):
        pdx.utils.logging.error("no {room}")
    assert "[ERROR]" in capsys.readouterr().out
