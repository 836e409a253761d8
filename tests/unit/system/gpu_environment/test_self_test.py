"""The self-test: what it accepts trained, and what it refuses is said."""

from __future__ import annotations

import time

import gpu_parts
import pytest

from core.system.errors import InputError
from core.system.gpu_environment.self_test import try_environment
from core.system.reporting import Reporter

_TINY = "def is_compiled_with_cuda():\n    return {cuda}\n"
_CARD = """
class device:
    class cuda:
        device_count = staticmethod(lambda: {count})
        get_device_capability = staticmethod(lambda device: {capability})
"""
#: Computes on the GPU, which comes first, with other images than on the processor.
_WRONG_AT_FIRST = """
_calls, _tensor = [], to_tensor
def to_tensor(data, *args, **options):
    _calls.append(1)
    return _tensor(-data if len(_calls) == 1 else data, *args, **options)
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
            gpu_parts.PRETENDING_ENGINE + _WRONG_AT_FIRST,
            "losses on the GPU are",
        ),
    ],
)
def test_an_engine_that_does_not_is_refused_in_words(packages, card, code, problem):
    with pytest.raises(InputError) as caught:
        try_environment(packages(code), build="cu118")
    assert str(caught.value).startswith("The training step on the GPU failed, so the processor")
    assert problem in str(caught.value)


class Impatience(Exception):  # noqa: N818 - a request, not an error
    """Of a reporter whose owner has its own word for a stop."""


def test_a_stop_ends_the_trial_at_once(packages, card):
    class Impatient(Reporter):
        def check(self):
            raise Impatience

    began = time.monotonic()
    with pytest.raises(Impatience):
        try_environment(
            packages("import time\ntime.sleep(60)"), build="cu126", reporter=Impatient()
        )
    assert time.monotonic() - began < 30


def test_another_engine_on_the_path_is_no_success(tmp_path, card):
    (tmp_path / "packages").mkdir()
    with pytest.raises(InputError, match="another Paddle was loaded"):
        try_environment(tmp_path / "packages", build="cu126")
