"""Beside pandas, which VisualDL's own figure is made with."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from core.jobs.hyper_parameter_importance import correlation, shares

LEARNING_RATE = {"name": "lr", "values": [0.1, 0.01, None, 0.03, 0.2]}
BATCH = {"name": "batch", "values": [4, 8, 8, 4, 16]}
NEVER_CHANGED = {"name": "seed", "values": [1, 1, 1, 1, 1]}
LOSS = {"name": "loss", "values": [0.5, 0.9, 0.3, 0.6, 0.8]}
MIOU = {"name": "miou", "values": [0.4, None, 0.7, 0.5, 0.1]}


def test_figures_are_those_of_visualdl():
    importance = pytest.importorskip("visualdl.utils.importance")
    parameters, results = [LEARNING_RATE, BATCH, NEVER_CHANGED], [LOSS, MIOU]
    expected = importance.calc_all_hyper_param_importance(parameters, results)
    found = shares(parameters, results)
    assert [one["name"] for one in found] == [one["name"] for one in expected]
    np.testing.assert_allclose(
        [one["value"] for one in found], [one["value"] for one in expected], atol=1e-12
    )
    assert found[1]["value"] > 0.3
    assert found[2]["value"] == 0


def test_two_runs_say_nothing():
    assert correlation([1.0, 2.0], [1.0, 2.0]) == 0
    assert correlation([1.0, 2.0, None], [1.0, 2.0, 3.0]) == 0
    assert correlation([1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]) == pytest.approx(1)


def test_nothing_recorded_is_an_empty_table():
    assert shares([], []) == []
    assert shares([BATCH], []) == []
    assert shares([NEVER_CHANGED], [LOSS]) == [{"name": "seed", "value": 0}]


def test_the_server_then_needs_no_pandas():
    """pandas is not part of the products."""
    code = (
        "import sys; from core.jobs import hyper_parameter_importance as ours;"
        "ours.put_in_place(); import visualdl.server.lib as lib;"
        "assert lib.calc_all_hyper_param_importance is ours.shares;"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
