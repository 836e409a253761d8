"""What is printed on standard output is strict JSON; what goes on from there is on stderr."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from core.cli.console import print_json, suggest


def test_no_number_is_null(capsys):
    print_json(
        {
            "miou": float("nan"),
            "iou": [0.5, float("inf"), np.float32("nan"), (1, -float("inf"))],
            "inside": {"loss": np.float64("nan"), "n": np.int64(3)},
            "file": Path("图.png"),
        }
    )
    printed = capsys.readouterr().out
    assert "NaN" not in printed
    assert "Infinity" not in printed
    assert json.loads(printed) == {
        "miou": None,
        "iou": [0.5, None, None, [1, None]],
        "inside": {"loss": None, "n": 3},
        "file": "图.png",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="quotes are others there")
def test_a_suggested_command_can_be_copied(capsys):
    suggest("for a line PC", "bundle", "--export", Path("导 出"), "--out", "LINE")
    printed = capsys.readouterr()
    assert printed.err == "for a line PC: main.py bundle --export '导 出' --out LINE\n"
    assert printed.out == ""
