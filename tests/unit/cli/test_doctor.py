"""``doctor --out``: the bundle beside the findings; nothing else changes."""

from __future__ import annotations

import json
import zipfile

import pytest

from core import cli
from core.system.doctor import diagnosis
from core.system.doctor.check import Check
from core.system.messages import message


@pytest.fixture
def findings(monkeypatch, tmp_path):
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    found = [Check("memory", "ok", message("there is enough"))]
    monkeypatch.setattr(diagnosis, "examine", lambda: iter(found))
    return found


def test_the_bundle_is_written_where_it_is_wanted(findings, tmp_path, capsys):
    target = tmp_path / "新 folder" / "b.zip"
    assert cli.run(["doctor", "--out", str(target), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["bundle"] == str(target)
    assert result["ok"] is True
    with zipfile.ZipFile(target) as bundle:
        assert json.loads(bundle.read("doctor.json")) == result["checks"]


def test_without_it_the_object_is_as_ever(findings, capsys):
    assert cli.run(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"ok", "checks"}


def test_something_missing_still_ends_with_two(findings, tmp_path, capsys):
    findings.append(Check("disk", "error", message("full")))
    assert cli.run(["doctor", "--out", str(tmp_path / "b.zip")]) == 2
    assert (tmp_path / "b.zip").exists()
    assert "To be put right: disk." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "named"),
    [(["--project", "p"], "--out"), (["--out", "b.zip", "--project", "none"], "none")],
)
def test_bad_input_is_one_sentence(findings, tmp_path, monkeypatch, capsys, options, named):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["doctor", *options]) == 2
    assert named in capsys.readouterr().err
