"""A worker computes with the environment, or says why not and goes on with the processor."""

from __future__ import annotations

import sys
import types

import gpu_parts
import pytest

from core.system.engine_devices import training_devices
from core.system.errors import InputError
from core.system.gpu_environment import worker_entry
from core.system.gpu_environment.environment_folders import (
    CardAndDriver,
    read_environment,
    switch_on,
)
from core.system.gpu_environment.worker_entry import enter_environment, is_left_out

ENGINE = """
class device:
    class cuda:
        device_count = staticmethod(lambda: {count})
"""


@pytest.fixture(autouse=True)
def own_path(monkeypatch):
    """What a worker changes for good is put back after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    kept = {name: one for name, one in sys.modules.items() if name.partition(".")[0] == "paddle"}
    for name in kept:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "paddle"]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.fixture
def environment(card):
    made = gpu_parts.made_environment()
    switch_on(made)
    return made


def write_engine(environment, code):
    """Change the engine without the environment's noticing."""
    path = environment.packages / "paddle" / "__init__.py"
    path.write_text(code, encoding="utf-8")
    watched = environment.record.watched | {"paddle/__init__.py": path.stat().st_size}
    record = environment.record.model_copy(update={"watched": watched})
    worker_entry.write_record(environment.folder, record)


def enter(device, **options):
    told = []
    enter_environment(device, warn=lambda problem: told.append(str(problem)), **options)
    return told


def test_without_one_nothing_happens(card):
    before = list(sys.path)
    assert enter("auto") == []
    assert enter("gpu:0") == []
    assert sys.path == before
    assert not is_left_out()


def test_its_engine_comes_first(environment):
    write_engine(environment, ENGINE.format(count=1))
    assert enter("auto") == []
    assert sys.path[0] == str(environment.packages)
    assert sys.modules["paddle"].__file__.startswith(str(environment.packages))
    assert not is_left_out()
    assert training_devices()[0].kind == "gpu"


def test_a_job_on_the_processor_never_looks_at_it(environment):
    write_engine(environment, "raise SystemExit")
    for device in ("cpu", "cpu:2"):
        assert enter(device) == []
    assert str(environment.packages) not in sys.path
    assert "paddle" not in sys.modules
    assert is_left_out()


def test_ranks_find_the_path_and_load_the_engine_themselves(environment):
    assert enter("gpu:0,1", load=False) == []
    assert sys.path[0] == str(environment.packages)
    assert "paddle" not in sys.modules


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import libcublas_that_is_missing", "cannot be loaded: No module named 'libcublas"),
        ("raise OSError('libcudnn.so.9: cannot open')", "libcudnn.so.9"),
        (ENGINE.format(count=0), "sees no GPU"),
    ],
)
def test_an_engine_that_fails_is_told_and_the_processor_computes(environment, code, problem):
    write_engine(environment, code)
    told = enter("auto")
    assert problem in told[0]
    assert told[1:] == ["So the processor is used."]
    assert is_left_out()
    assert {device.kind for device in training_devices()} == {"cpu"}
    with pytest.raises(InputError, match="GPU environment"):
        enter("gpu:0")


def test_what_failed_to_load_leaves_nothing_behind(environment):
    write_engine(environment, "import paddle.part\nraise ImportError('cut')")
    part = environment.packages / "paddle" / "part.py"
    part.write_text("", encoding="utf-8")
    enter("auto")
    assert not [name for name in sys.modules if name.partition(".")[0] == "paddle"]
    assert str(environment.packages) not in sys.path


def test_a_damaged_one_is_told(environment):
    (environment.packages / "paddle" / "base" / "libpaddle.so").unlink()
    assert "damaged" in enter("auto")[0]
    with pytest.raises(InputError, match="damaged"):
        enter("gpu")


def test_a_card_that_is_gone_is_told(environment, monkeypatch):
    gpu_parts.unset_driver(monkeypatch)
    assert "shows no GPU now" in enter("auto")[0]


class TestAnotherDriver:
    @pytest.fixture(autouse=True)
    def newer(self, environment, monkeypatch):
        gpu_parts.set_driver(monkeypatch, driver="580.1")
        write_engine(environment, ENGINE.format(count=1))

    def test_it_is_tried_once_and_that_is_remembered(self, environment, monkeypatch):
        tried = []

        def again(packages, build):
            tried.append((packages, build))
            return CardAndDriver(gpu="NVIDIA RTX 4060", driver="580.1")

        monkeypatch.setattr(worker_entry, "try_environment", again)
        assert enter("auto") == []
        assert enter("auto") == []
        assert tried == [(environment.packages, "cu126")]
        assert read_environment(environment.folder).record.tested.driver == "580.1"

    def test_what_fails_then_is_told(self, monkeypatch):
        def fails(packages, build):
            raise InputError("The step failed.")

        monkeypatch.setattr(worker_entry, "try_environment", fails)
        assert enter("auto")[0] == "The step failed."

    def test_a_process_that_may_start_none_does_without(self, monkeypatch):
        monkeypatch.setattr(worker_entry, "try_environment", types.FunctionType)
        assert enter("auto", retest=False) == []
