"""What is printed on standard output is strict JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from core.cli.console import print_json


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
