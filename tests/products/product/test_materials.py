"""The bill of materials: valid, complete, the same each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from product.components import Component
from product.layout import Layout
from product.materials import write_bill
from product.platforms import LINUX

COMPONENTS = (
    Component(
        name="scipy",
        version="1.17.1",
        kind="package",
        licence="BSD License",
        package_url="pkg:pypi/scipy@1.17.1",
        sha256="a" * 64,
        homepage="https://scipy.org",
        requires=("numpy", "not-shipped"),
    ),
    Component("numpy", "2.4.6", "package", "BSD-3-Clause AND MIT", "pkg:pypi/numpy@2.4.6"),
    Component("python", "3.11.7", "interpreter", "PSF-2.0", "pkg:generic/python@3.11.7"),
    Component(
        name="libssl3",
        version="3.0.17-1~deb12u2",
        kind="library",
        licence="Apache-2.0",
        package_url="pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64",
    ),
    Component("uv", "0.13.9", "tool", "MIT OR Apache-2.0", "pkg:pypi/uv@0.13.9"),
)


def bill(folder: Path, components: tuple[Component, ...] = COMPONENTS, **others: Any) -> str:
    folder.mkdir(exist_ok=True)
    layout = Layout(folder, LINUX)
    write_bill(layout, components, **{"version": "0.1.0", "source_date": 1_700_000_000, **others})
    return layout.bill_of_materials.read_text(encoding="utf-8")


def test_the_bill_is_valid_and_complete(tmp_path: Path) -> None:
    text = bill(tmp_path)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    told = json.loads(text)
    by_name = {one["name"]: one for one in told["components"]}
    assert set(by_name) == {one.name for one in COMPONENTS}
    assert told["metadata"]["component"]["name"] == "maskwright"
    assert told["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    scipy = by_name["scipy"]
    assert scipy["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert scipy["purl"] == "pkg:pypi/scipy@1.17.1"
    assert scipy["licenses"] == [{"license": {"name": "BSD License"}}]
    assert by_name["numpy"]["licenses"][0]["expression"] == "BSD-3-Clause AND MIT"
    assert by_name["uv"]["type"] == "application"
    needed = {one["ref"]: one.get("dependsOn", []) for one in told["dependencies"]}
    assert needed["pkg:pypi/scipy@1.17.1"] == ["pkg:pypi/numpy@2.4.6"]
    assert set(needed["maskwright@0.1.0"]) == {one.package_url for one in COMPONENTS}


def test_the_bill_is_the_same_whenever_and_in_whatever_order_it_is_made(tmp_path: Path) -> None:
    assert bill(tmp_path / "a") == bill(tmp_path / "b", COMPONENTS[::-1])


@pytest.mark.parametrize("other", [{"version": "0.2.0"}, {"components": COMPONENTS[1:]}])
def test_another_product_has_another_serial_number(tmp_path: Path, other: dict[str, Any]) -> None:
    one, two = json.loads(bill(tmp_path / "a")), json.loads(bill(tmp_path / "b", **other))
    assert one["serialNumber"] != two["serialNumber"]
