"""What packages say of themselves, as it is written in the wild."""

from __future__ import annotations

import zipfile
from email import message_from_string
from pathlib import Path, PurePosixPath

import pytest

from product.layout import Layout
from product.packages import (
    declared_licence,
    is_notice,
    notice_name,
    package_components,
    wheel_component,
)
from product.pins import Pin, read_pins
from product.platforms import LINUX, WINDOWS, Platform


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: other", "MIT OR Apache-2.0"),
        ("License: Apache 2.0", "Apache 2.0"),
        ("Classifier: License :: OSI Approved :: MIT License\nLicense: UNKNOWN", "MIT License"),
        (
            "License: Copyright (c) somebody\n        and much more\n"
            "Classifier: License :: OSI Approved :: BSD License",
            "BSD License",
        ),
        ("Name: silent", "unknown"),
    ],
)
def test_the_licence_is_the_one_that_is_declared(metadata: str, licence: str) -> None:
    assert declared_licence(message_from_string(metadata)) == licence


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("numpy-2.dist-info/licenses/numpy/LICENSE.txt", "numpy/LICENSE.txt"),
        ("six-1.dist-info/LICENSE", "LICENSE"),
        ("pip-26.dist-info/licenses/AUTHORS.txt", "AUTHORS.txt"),
        ("onnxruntime/ThirdPartyNotices.txt", "onnxruntime/ThirdPartyNotices.txt"),
        ("tqdm-4.dist-info/LICENCE", "LICENCE"),
        ("scipy/COPYING", "scipy/COPYING"),
    ],
)
def test_notices_keep_the_part_of_their_path_that_tells(file: str, name: str) -> None:
    assert is_notice(PurePosixPath(file))
    assert notice_name(PurePosixPath(file)) == name


@pytest.mark.parametrize("file", ["rich/_notice.py", "numpy/core.py", "a-1.dist-info/METADATA"])
def test_code_is_no_notice(file: str) -> None:
    assert not is_notice(PurePosixPath(file))


METADATA = """\
Name: Shapely
Version: 9.9
License-Expression: BSD-3-Clause
Project-URL: Source, https://example.org/shapely
Requires-Dist: NumPy>=1.21
Requires-Dist: colorama ; sys_platform == "win32"
Requires-Dist: pytest ; extra == 'test'
Requires-Dist: this is not a requirement
"""


@pytest.mark.parametrize(
    ("platform", "needed"), [(LINUX, ("numpy",)), (WINDOWS, ("colorama", "numpy"))]
)
def test_an_installed_package_is_described(
    tmp_path: Path, platform: Platform, needed: tuple[str, ...]
) -> None:
    layout = Layout(tmp_path, platform)
    info = layout.packages / "shapely-9.9.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "METADATA").write_text(METADATA, encoding="utf-8")
    (info / "licenses" / "LICENSE").write_text("do as you like", encoding="utf-8")
    (info / "RECORD").write_text(
        "shapely-9.9.dist-info/METADATA,,\nshapely-9.9.dist-info/licenses/LICENSE,,\n",
        encoding="utf-8",
    )

    (component,) = package_components(layout)

    pin = read_pins(platform, "packages")["shapely"]
    assert component.name == "shapely"
    assert component.version == pin.version  # the pin's, whose hash it is
    assert component.sha256 == pin.sha256
    assert component.package_url == f"pkg:pypi/shapely@{pin.version}"
    assert component.licence == "BSD-3-Clause"
    assert component.homepage == "https://example.org/shapely"
    assert component.notices == {"LICENSE": b"do as you like"}
    assert component.requires == needed


def test_a_wheel_is_described_without_being_installed(tmp_path: Path) -> None:
    path = tmp_path / "uv-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("uv/license.txt", "of something in it that is not shipped")
        archive.writestr("uv-1.0.dist-info/METADATA", "Name: uv\nLicense-Expression: MIT\n")
        archive.writestr("uv-1.0.dist-info/licenses/LICENSE-MIT", "do as you like")
    component = wheel_component(path, Pin("uv", "1.0", "abc"), "tool")
    assert (component.kind, component.licence, component.sha256) == ("tool", "MIT", "abc")
    assert component.notices == {"LICENSE-MIT": b"do as you like"}
