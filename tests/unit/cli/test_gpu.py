"""``gpu`` on the command line: what it prints, and how it refuses."""

from __future__ import annotations

import json

import gpu_parts
import pytest

from core import cli
from core.system.gpu_environment import environment_making as making
from core.system.gpu_environment.environment_folders import (
    CardAndDriver,
    environments_folder,
    switch_on,
    switched_on,
)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "家"))
    gpu_parts.unset_driver(monkeypatch)


def run(capsys, *arguments):
    code = cli.run(["gpu", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_status_without_a_card(capsys):
    code, out, _ = run(capsys, "status")
    assert code == 0
    assert "none, or no NVIDIA driver" in out
    assert "jobs use     the processor" in out


def test_status_in_json(capsys, monkeypatch):
    gpu_parts.set_driver(monkeypatch)
    code, out, _ = run(capsys, "status", "--json")
    told = json.loads(out.splitlines()[-1])
    assert code == 0
    assert told["gpu"]["name"] == "NVIDIA RTX 4060"
    assert told["gpu"]["compute_capability"] == [8, 9]
    assert (told["build"], told["environment"], told["used"]) == ("cu126", None, False)


def test_on_off_and_remove(capsys, monkeypatch):
    gpu_parts.set_driver(monkeypatch)
    code, _, err = run(capsys, "on")
    assert (code, err) == (2, "There is no GPU environment: make it with gpu install.\n")
    made = gpu_parts.made_environment()
    code, out, _ = run(capsys, "on")
    assert (code, out) == (0, "Jobs now compute on NVIDIA RTX 4060.\n")
    assert "jobs use     the GPU" in run(capsys, "status")[1]
    run(capsys, "off")
    assert switched_on() is None
    (made.packages / "paddle" / "__init__.py").unlink()
    code, _, err = run(capsys, "on")
    assert code == 2
    assert "damaged" in err
    switch_on(made)
    assert "damaged" in run(capsys, "status")[1]
    assert run(capsys, "remove")[0] == 0
    assert [path for path in environments_folder().iterdir() if path.is_dir()] == []


def test_prepare_and_install(capsys, monkeypatch, tmp_path):
    index = gpu_parts.PackageIndex(tmp_path / "index")
    try:
        index.publish_engine()
        out_folder = tmp_path / "U盘 1"
        code, _, err = run(capsys, "prepare", "--out", out_folder, "--index", index.url)
        assert code == 2
        assert "shows no GPU" in err
        gpu_parts.set_driver(monkeypatch)
        code, out, err = run(capsys, "prepare", "--out", out_folder, "--index", index.url)
        assert code == 0, err
        assert "2 files, 0.0 GB" in out
        assert "downloading" in err
    finally:
        index.close()
    tested = CardAndDriver(gpu="NVIDIA RTX 4060", driver="560.35.03")
    monkeypatch.setattr(making, "try_environment", lambda _packages, **_options: tested)
    code, out, err = run(capsys, "install", "--from", out_folder, "--json")
    told = json.loads(out.splitlines()[-1])
    assert code == 0, err
    assert (told["build"], told["tested"]["gpu"]) == ("cu126", "NVIDIA RTX 4060")
    assert switched_on() is not None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["install"], "NVIDIA's driver shows no GPU here.\n"),
        (
            ["prepare", "--out", "x", "--system", "amiga"],
            "--system amiga: give linux or windows.\n",
        ),
        (["prepare", "--out", "x", "--python", "3.9"], "--python 3.9: give 3.11 or 3.12.\n"),
        (["install", "--from", "/nowhere"], "there is no prepared.json in it"),
    ],
)
def test_bad_input_is_one_sentence(capsys, arguments, sentence):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
