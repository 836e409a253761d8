"""What commands start is done in the tests' own process."""

from __future__ import annotations

import pytest
from jobs_here import jobs_here


@pytest.fixture(scope="package", autouse=True)
def _jobs_here():
    with jobs_here():
        yield
