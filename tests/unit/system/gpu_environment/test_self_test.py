"""The self-test: what it accepts trained, and what it refuses is said."""

from __future__ import annotations

import gpu_parts
import pytest

from core.system.errors import InputError
from core.system.gpu_environment.self_test import try_environment

_TINY = "def is_compiled_with_cuda():\n    return {cuda}\n"
_CARD = """
class device:
    class cuda:
        device_count = staticmethod(lambda: {count})
        get_device_capability = staticmethod(lambda device: {capability})
"""


@pytest.fixture
def packages(tmp_path):
    def write(code):
        folder = tmp_path / "环境 1" / "packages"
        (folder / "paddle").mkdir(parents=True)
        (folder / "paddle" / "__init__.py").write_text(code, encoding="utf-8")
        return folder

    return write


def test_an_engine_that_trains_is_taken_with_card_and_driver(packages, card):
    tested = try_environment(packages(gpu_parts.PRETENDING_ENGINE), build="cu126")
    assert (tested.gpu, tested.driver) == ("NVIDIA RTX 4060", "560.35.03")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import libcudnn_that_is_missing", "libcudnn_that_is_missing"),
        ("import os\nos.abort()", "ended by SIGABRT"),
        (_TINY.format(cuda=False), "a build for processors"),
        (_TINY.format(cuda=True) + _CARD.format(count=0, capability=(0, 0)), "sees no GPU"),
        (
            _TINY.format(cuda=True) + _CARD.format(count=1, capability=(9, 0)),
            "cu118 holds no kernels for compute capability 9.0",
        ),
        (
            gpu_parts.PRETENDING_ENGINE
            + "_seed = [0]\n"
            + "_tensor = to_tensor\n"
            + "def to_tensor(data, *a, **k):\n"
            + "    _seed[0] += 1\n"
            + "    return _tensor(data * (1 if _seed[0] > 2 else 3), *a, **k)\n",
            "losses on the GPU are",
        ),
    ],
)
def test_an_engine_that_does_not_is_refused_in_words(packages, card, code, problem):
    with pytest.raises(InputError) as caught:
        try_environment(packages(code), build="cu118")
    assert str(caught.value).startswith("The training step on the GPU failed, so the processor")
    assert problem in str(caught.value)


def test_another_engine_on_the_path_is_no_success(tmp_path, card):
    (tmp_path / "packages").mkdir()
    with pytest.raises(InputError, match="another Paddle was loaded"):
        try_environment(tmp_path / "packages", build="cu126")
