"""The build that is chosen runs on the card and under its driver, or the reason is said."""

from __future__ import annotations

import pytest

from core.system.devices import DeviceInfo
from core.system.errors import InputError
from core.system.gpu_environment.build_choice import (
    BUILDS,
    best_gpu,
    build_for,
    gpu_build,
    known_build,
    no_build_reason,
)


@pytest.mark.parametrize(
    ("cuda", "capability", "build"),
    [
        ((11, 4), (7, 5), None),  # driver too old
        ((11, 8), (8, 6), "cu118"),
        ((12, 2), (8, 9), "cu118"),
        ((12, 2), (9, 0), None),  # Hopper has no kernels in the build for CUDA 11
        ((12, 6), (8, 0), "cu126"),
        ((12, 8), (9, 0), "cu126"),
        ((12, 9), (9, 0), "cu126"),
        ((13, 0), (8, 6), "cu126"),  # the newest is known to hold kernels from 9.0 on
        ((12, 8), (12, 0), "cu129"),  # Blackwell is only in the newest
        ((13, 0), (12, 1), "cu129"),
        ((12, 6), (10, 0), None),
        ((12, 9), (7, 0), "cu118"),  # Volta is no longer in the newer ones
        ((12, 9), (6, 1), "cu118"),
        ((12, 9), (5, 2), None),
        ((14, 0), (13, 0), None),
    ],
)
def test_build_fits_driver_and_gpu(cuda, capability, build):
    assert gpu_build(cuda=cuda, capability=capability) == build
    if build is not None:
        assert BUILDS[build].runs(capability)
        assert BUILDS[build].cuda <= cuda


def gpu(**changes):
    fields = {
        "kind": "gpu",
        "name": "Card",
        "memory_bytes": 8 << 30,
        "free_bytes": 0,
        "driver": "560.35",
        "cuda": "12.6",
        "compute_capability": (8, 9),
    }
    return DeviceInfo(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cuda": "11.4"}, "driver 560.35 is too old"),
        ({"compute_capability": (5, 2)}, "Card is older than"),
        ({"compute_capability": (13, 0)}, "Card is newer than"),
        ({"compute_capability": (10, 0)}, "driver 560.35 is too old"),
        ({"cuda": None}, "driver 560.35 is too old"),
    ],
)
def test_the_reason_why_none_fits(changes, reason):
    assert build_for(gpu(**changes)) is None
    assert reason in str(no_build_reason(gpu(**changes)))


def test_the_most_capable_card_decides_as_it_is_the_engines_first():
    cards = [
        gpu(name="old", compute_capability=(6, 1), memory_bytes=24 << 30),
        gpu(name="small", index=1),
        gpu(name="large", index=2, memory_bytes=16 << 30),
    ]
    processor = DeviceInfo(kind="cpu", name="cpu", memory_bytes=0, free_bytes=0)
    assert best_gpu([processor, *cards]).name == "large"
    assert best_gpu([processor]) is None


def test_an_unknown_build_is_refused_with_those_there_are():
    assert known_build("cu126").cuda == (12, 6)
    with pytest.raises(InputError, match=r"cu999.*cu118, cu126, cu129"):
        known_build("cu999")
