"""Which build of the engine fits a GPU."""

from __future__ import annotations

import pytest

from core.system.doctor.gpu_build import gpu_build, has_kernels


@pytest.mark.parametrize(
    ("cuda", "capability", "build"),
    [
        ((11, 4), (7, 5), None),  # driver too old
        ((11, 8), (8, 6), "cu118"),
        ((12, 2), (8, 9), "cu118"),
        ((12, 6), (8, 0), "cu126"),
        ((12, 8), (9, 0), "cu126"),
        ((12, 9), (9, 0), "cu129"),
        ((13, 0), (8, 6), "cu129"),
        ((12, 8), (12, 0), "cu129"),  # Blackwell is only in the newest
        ((12, 6), (10, 0), None),
        ((12, 9), (7, 0), "cu118"),  # Volta is no longer in the newer ones
        ((12, 9), (6, 1), "cu118"),
        ((12, 9), (5, 2), None),
    ],
)
def test_gpu_build_fits_driver_and_gpu(cuda, capability, build):
    assert gpu_build(cuda=cuda, capability=capability) == build


@pytest.mark.parametrize(
    ("capability", "built_for", "fits"),
    [
        ((8, 6), [75, 80, 86], True),
        ((8, 9), [75, 80, 86], True),  # code for 8.6 runs on 8.9
        ((8, 0), [75, 86], False),  # but not on an earlier one
        ((9, 0), [75, 80, 86], False),
        ((12, 0), ["80", "90", "120"], True),
        ((12, 0), [], True),  # a build that does not say
    ],
)
def test_a_build_holds_code_for_a_card(capability, built_for, fits):
    assert has_kernels(capability, built_for) is fits
