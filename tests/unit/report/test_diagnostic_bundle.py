"""The bundle for whoever helps: what is in it, and what must not be."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from project_samples import labelled, project, write_images

from core.project import Project
from core.report.diagnostic_bundle import Sources, write_bundle
from core.runs.run_folder import RunFolder
from core.system.doctor.check import Check
from core.system.errors import InputError
from core.system.messages import message

__all__ = ["project"]

CHECKS = (Check("memory", "warning", message("little is left"), (message("Close programs."),)),)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "家 of somebody"
    (folder / "logs").mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: folder)
    return folder


def contents(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as bundle:
        return {name: bundle.read(name).decode("utf-8") for name in bundle.namelist()}


def test_it_holds_what_a_helper_asks_for(project: Project, home: Path, tmp_path: Path) -> None:
    labelled(project, write_images(home / "images", 3), 0, 1)
    for number in range(7):
        row = project.new_run("train", "UNet")
        run = RunFolder(row.folder)
        (run.path / "best_model").mkdir()
        (run.path / "best_model" / "model.pdparams").write_bytes(b"weights")
        run.spec_path.write_text(json.dumps({"kind": "train", "data_dir": str(home / "data")}))
        run.log_path.write_text(f"run {number}\n" * 100_000)
    (home / "logs" / "maskwright.log").write_text("INFO the window is up\n", encoding="utf-8")
    (home / "settings.json").write_text(json.dumps({"recent_projects": [str(home / "p 项目")]}))
    target = tmp_path / "out 束.zip"
    names = write_bundle(target, Sources(home / "logs", home / "settings.json", project), CHECKS)
    found = contents(target)
    assert tuple(found) == names
    assert json.loads(found["doctor.json"])[0]["fix"] == ["Close programs."]
    assert json.loads(found["summary.json"])["project"]["images"] == 3
    assert "numpy==" in found["packages.txt"]
    assert found["logs/maskwright.log"] == "INFO the window is up\n"
    logs = sorted(name for name in found if name.endswith("/log.txt"))
    assert len(logs) == 5 and "0007" in logs[-1], "the last ones"
    assert found[logs[-1]].startswith("run 6\n"), "whole lines of the end"
    assert len(found[logs[-1]]) <= 300_000
    assert json.loads(found["settings.json"])["recent_projects"] == ["~/p 项目"]
    everything = "\n".join(found.values())
    assert str(home) not in everything
    assert not [name for name in found if name.endswith((".png", ".pdparams", ".db"))]


@pytest.mark.parametrize(
    "text",
    [
        '{"hub_token": "hunter2", "theme": "dark"}',
        "started with --token=hunter2 here",
        "GET / Authorization: Bearer hunter2",
        "fetching https://somebody:hunter2@example.org/x",
        '{"password": "with \\" hunter2"}',
    ],
)
def test_tokens_stay_at_home(home: Path, tmp_path: Path, text: str) -> None:
    (home / "logs" / "command_line.log").write_text(text, encoding="utf-8")
    write_bundle(tmp_path / "b.zip", Sources(home / "logs", home / "none.json"), ())
    found = contents(tmp_path / "b.zip")["logs/command_line.log"]
    assert "hunter2" not in found
    assert len(found) > 10, "the rest is there"


def test_a_folder_that_begins_like_home_keeps_its_name(home: Path, tmp_path: Path) -> None:
    (home / "logs" / "a.log").write_text(f"{home}er/x {home}/y", encoding="utf-8")
    write_bundle(tmp_path / "b.zip", Sources(home / "logs", home / "none.json"), ())
    assert contents(tmp_path / "b.zip")["logs/a.log"] == f"{home}er/x ~/y"


def test_what_is_stopped_leaves_no_file(home: Path, tmp_path: Path) -> None:
    sources = Sources(home / "logs", home / "none.json")
    assert write_bundle(tmp_path / "b.zip", sources, CHECKS, stopped=lambda: True) == ()
    assert not (tmp_path / "b.zip").exists()


def test_a_folder_that_is_not_there_is_said(home: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_bundle(
            tmp_path / "none" / "b.zip", Sources(home / "logs", home / "none.json"), CHECKS
        )
