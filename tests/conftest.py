"""What all tests share: the long ones run only where they are asked for."""

from __future__ import annotations

import os

import pytest

_ASKED = "MASKWRIGHT_THOROUGH"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``thorough`` unless the environment asks for them."""
    if os.environ.get(_ASKED):
        return
    skip = pytest.mark.skip(reason=f"takes long: set {_ASKED}=1 to run it")
    for item in items:
        if "thorough" in item.keywords:
            item.add_marker(skip)
