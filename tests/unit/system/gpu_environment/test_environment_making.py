"""Environments appear whole and tried, or not at all; what was there before goes on working."""

from __future__ import annotations

import shutil
import sys

import gpu_parts
import pytest

from core.system.errors import InputError
from core.system.gpu_environment import environment_making as making
from core.system.gpu_environment.environment_folders import (
    CardAndDriver,
    environment_folder,
    environments_folder,
    part_folder,
    switched_on,
)
from core.system.gpu_environment.environment_making import (
    install_environment,
    package_index,
    prepare_folder,
    remove_environments,
)
from core.system.reporting import Reporter, StopRequested

pytestmark = pytest.mark.skipif(shutil.which("uv") is None, reason="there is no uv here")


@pytest.fixture
def tried(monkeypatch):
    """The self-test goes well, but for what it is given."""
    calls = []

    def try_it(packages, *, build, reporter=None):
        calls.append((packages, build))
        if try_it.problem is not None:
            raise try_it.problem
        return CardAndDriver(gpu="NVIDIA RTX 4060", driver="560.35.03")

    try_it.problem, try_it.calls = None, calls
    monkeypatch.setattr(making, "try_environment", try_it)
    return try_it


@pytest.fixture
def published(index, card, tried):
    index.publish_engine()
    return index


class Stages(Reporter):
    def __init__(self, stop_in: str = "") -> None:
        self.stop_in, self.stages, self.stop = stop_in, [], False

    def check(self):
        if self.stop:
            raise StopRequested("user")

    def progress(self, step, steps, *, stage="", **_):
        if stage not in self.stages:
            self.stages.append(stage)
        self.stop = stage == self.stop_in


def test_it_is_made_tried_and_switched_on(published, tried):
    reporter = Stages()
    made = install_environment(index=published.url, reporter=reporter)
    assert reporter.stages == ["find", "download", "unpack", "test"]
    assert made.folder == environment_folder("cu126")
    assert switched_on() == made
    assert tried.calls == [(part_folder("cu126") / "packages", "cu126")]  # before it was in place
    assert (made.packages / "paddle" / "base" / "libpaddle.so").is_file()
    assert (made.packages / "nvidia" / "tiny" / "lib" / "libtiny.so").is_file()
    assert not (made.packages / "numpy").exists()
    assert {path.name for path in made.folder.iterdir()} == {"packages", "environment.json"}
    assert not part_folder("cu126").exists()


@pytest.mark.parametrize("stage", ["download", "unpack"])
def test_an_interruption_costs_only_what_was_under_way(published, stage):
    with pytest.raises(StopRequested):
        install_environment(index=published.url, reporter=Stages(stop_in=stage))
    assert switched_on() is None
    assert not environment_folder("cu126").exists()
    arrived = sorted(path.name for path in (part_folder("cu126") / "wheels").glob("*.whl"))
    assert arrived
    published.asked.clear()
    install_environment(index=published.url, reporter=Reporter())
    wheels = [path for path in published.asked if path.endswith(arrived[0])]
    assert len(wheels) <= 2  # looked at and measured, not fetched again
    assert switched_on() is not None


def test_one_that_fails_on_the_card_is_not_used(published, tried):
    made = install_environment(index=published.url, reporter=Reporter())
    tried.problem = InputError("The step failed.")
    with pytest.raises(InputError, match="The step failed"):
        install_environment(index=published.url, reporter=Reporter())
    assert switched_on() == made
    assert (made.packages / "paddle" / "__init__.py").is_file()


def test_a_new_one_takes_the_place_of_the_old(published):
    first = install_environment(index=published.url, reporter=Reporter())
    (first.packages / "left over.txt").write_text("", encoding="utf-8")
    second = install_environment(index=published.url, reporter=Reporter())
    assert second.folder == first.folder
    assert not (second.packages / "left over.txt").exists()
    names = {path.name for path in environments_folder().iterdir() if path.is_dir()}
    assert names == {second.name}


def test_a_computer_without_internet(published, tmp_path, monkeypatch):
    folder = tmp_path / "U盘 1"
    prepared = prepare_folder(
        folder, build="cu126", system="linux", index=published.url, reporter=Reporter()
    )
    assert {path.name for path in folder.iterdir()} == {"wheels", "prepared.json"}
    assert {wheel.project for wheel in prepared.wheels} == {"paddlepaddle-gpu", "nvidia-tiny-cu12"}
    published.asked.clear()
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    reporter = Stages()
    made = install_environment(source=folder, reporter=reporter)
    assert published.asked == []
    assert reporter.stages == ["check", "unpack", "test"]
    assert switched_on() == made
    assert {path.name for path in folder.iterdir()} == {"wheels", "prepared.json"}


@pytest.mark.skipif(sys.platform != "linux", reason="prepares for the other system")
def test_a_folder_for_windows_is_made_on_linux(published, tmp_path):
    folder = tmp_path / "for windows"
    prepared = prepare_folder(
        folder, build="cu129", system="windows", index=published.url, reporter=Reporter()
    )
    assert any(wheel.file.endswith("win_amd64.whl") for wheel in prepared.wheels)
    with pytest.raises(InputError, match="Prepare it again"):
        install_environment(source=folder, reporter=Reporter())


def test_a_stopped_preparation_goes_on_and_a_used_folder_is_refused(published, tmp_path):
    folder = tmp_path / "U盘"

    def prepare(reporter):
        return prepare_folder(
            folder, build="cu126", system="linux", index=published.url, reporter=reporter
        )

    with pytest.raises(StopRequested):
        prepare(Stages(stop_in="download"))
    assert not (folder / "prepared.json").exists()
    assert prepare(Reporter()).build == "cu126"
    with pytest.raises(InputError, match="is not empty"):
        prepare(Reporter())


def test_without_a_card_nothing_is_downloaded(index, tried):
    with pytest.raises(InputError, match="shows no GPU"):
        install_environment(index=index.url, reporter=Reporter())
    assert index.asked == []


def test_a_build_that_does_not_fit_the_card_is_refused(index, tried, monkeypatch):
    gpu_parts.set_driver(monkeypatch, capability=(9, 0))
    with pytest.raises(InputError, match="cu118 holds no kernels for"):
        install_environment(build="cu118", index=index.url, reporter=Reporter())
    gpu_parts.set_driver(monkeypatch, cuda=11040)
    with pytest.raises(InputError, match="too old"):
        install_environment(index=index.url, reporter=Reporter())


def test_a_full_disk_is_said_before_it_is_full(published, monkeypatch):
    monkeypatch.setattr(
        making.shutil, "disk_usage", lambda _folder: shutil._ntuple_diskusage(9, 9, 0)
    )
    with pytest.raises(InputError, match=r"needs 0\.0 GB more.*0\.0 GB are free"):
        install_environment(index=published.url, reporter=Reporter())
    assert switched_on() is None


def test_all_is_deleted_and_the_processor_computes(published):
    made = install_environment(index=published.url, reporter=Reporter())
    part_folder("cu129").mkdir()
    (part_folder("cu129") / "x.whl").write_bytes(bytes(1000))
    assert remove_environments() > made.record.size
    assert switched_on() is None
    assert [path for path in environments_folder().iterdir() if path.is_dir()] == []
    assert remove_environments() == 0


def test_the_index_is_paddles_unless_another_is_named(monkeypatch):
    assert package_index("cu126").endswith("/stable/cu126/")
    monkeypatch.setenv("MASKWRIGHT_GPU_INDEX", "https://mirror.firm/{build}/simple")
    assert package_index("cu129") == "https://mirror.firm/cu129/simple"
    assert package_index("cu129", "https://other/") == "https://other/"
