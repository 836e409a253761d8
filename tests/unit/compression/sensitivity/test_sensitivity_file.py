"""The file of a sensitivity analysis: PaddleX's, foreign ones, and what is read out of it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from sensitivity_samples import ORACLE, model

from core.compression.sensitivity import sensitivity_file
from core.compression.sensitivity.analysis import ranking_names
from core.compression.sensitivity.sensitivity_file import (
    FILE_NAME,
    read_sensitivities,
)
from core.system.errors import InputError

__all__ = ["model"]


class Status:
    """Pickles as PaddleSlim's class of that name."""

    def __init__(self, sensitivies):
        self.sensitivies = sensitivies
        self.accumulates = {}
        self.is_ckp = True


def paddlex_file(path, sensitivies, *, protocol=4, kind=Status):
    modules = ["paddleslim.dygraph.prune.filter_pruner"]
    parts = modules[0].split(".")
    names = [".".join(parts[: end + 1]) for end in range(len(parts))]
    saved = {name: sys.modules.get(name) for name in names}
    try:
        for name in names:
            sys.modules[name] = types.ModuleType(name)
        kind.__module__, kind.__qualname__ = names[-1], "Status"
        sys.modules[names[-1]].Status = kind
        path.write_bytes(pickle.dumps(kind(sensitivies), protocol=protocol))
    finally:
        for name, module in saved.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return path


def numpy_losses(name, offset=0):
    number = int(name.split("_")[1].split(".")[0]) + offset
    return {
        f"conv2d_{number}.w_0": {
            np.float64(0.1): np.float64(-0.01),
            np.float64(0.5): np.float32(0.25),
        }
    }


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("offset", [0, 37])
def test_paddlex_files_are_read(model, tmp_path, protocol, offset):
    parameters = {name: value.name for name, value in model.net.named_parameters()}
    table = {}
    for name in ORACLE:
        table.update(numpy_losses(parameters[name], offset))
    file = paddlex_file(tmp_path / FILE_NAME, table, protocol=protocol)
    found = read_sensitivities(tmp_path, names=ranking_names(model.net))
    assert found.criterion is None
    assert set(found.losses) == set(ORACLE)
    assert len(found.losses) == 17
    assert all(losses == {0.1: -0.01, 0.5: 0.25} for losses in found.losses.values())
    assert file.exists()


def test_paddlex_files_of_another_network_are_refused(model, tmp_path):
    names = ranking_names(model.net)
    for table in (
        {"conv2d_500.w_0": {0.1: 0.2}, "conv2d_0.w_0": {0.1: 0.1}},
        {"fc_0.w_0": {0.1: 0.2}},
        # Where the network begins cannot be told from one number.
        {"conv2d_77.w_0": {0.1: 0.2}},
    ):
        paddlex_file(tmp_path / FILE_NAME, table)
        with pytest.raises(InputError, match="another network"):
            read_sensitivities(tmp_path, names=names)


class Evil:
    def __reduce__(self):
        return os.mkdir, (str(Path.cwd() / "evil"),)


class EvilState(Status):
    pass


def test_nothing_in_a_foreign_file_runs(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / FILE_NAME
    names = ranking_names(model.net)
    files = [
        pickle.dumps(Evil()),
        pickle.dumps({"sensitivies": {}}),
        pickle.dumps(np.zeros(3)),
        b"\x80\x04garbage",
        b"",
        b"[1, 2]",
        b'{"version": 1}',
        b'{"version": 1, "a": ' + b"[" * 100_000,
    ]
    paddlex_file(file, {"conv2d_0.w_0": {0.1: Evil()}}, kind=EvilState)
    files.append(file.read_bytes())
    for table in ({"conv2d_0.w_0": {0.1: float("nan")}}, {"conv2d_0.w_0": {1.5: 0.1}}, {1: {}}, []):
        files.append(paddlex_file(file, table, kind=EvilState).read_bytes())
    for content in files:
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"model\.sensi\.data.* is not a result"):
            read_sensitivities(file, names=names)
    assert not (tmp_path / "evil").exists()


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match="run the sensitivity analysis first"):
        read_sensitivities(tmp_path / "没有")


def test_the_file_is_read_without_paddle():
    code = (
        "import sys; import core.compression.sensitivity.sensitivity_file; "
        "assert not {'paddle', 'scipy', 'pandas'} & set(sys.modules)"
    )
    root = Path(sensitivity_file.__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
