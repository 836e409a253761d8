"""A prepared folder is taken where it fits, and refused in words where it does not."""

from __future__ import annotations

import json

import gpu_parts
import pytest

from core.system.errors import InputError
from core.system.files import sha256_file
from core.system.gpu_environment.prepared_folder import (
    check_prepared,
    read_prepared,
    write_prepared,
)
from core.system.gpu_environment.wheel_files import Wheel, this_system
from core.system.reporting import Reporter


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "U盘 1"
    (made / "wheels").mkdir(parents=True)
    path = gpu_parts.make_wheel(made / "wheels", "tiny", "1.0", files={"tiny.py": b"a = 1\n"})
    wheel = Wheel(
        project="tiny",
        version="1.0",
        file_name=path.name,
        sha256=sha256_file(path),
        size=path.stat().st_size,
    )
    write_prepared(made, [wheel], build="cu126", python=gpu_parts.TAG, system=this_system())
    return made


def test_it_is_read_as_it_was_written(folder):
    prepared = read_prepared(folder)
    (wheel,) = check_prepared(folder, prepared, reporter=Reporter())
    assert (prepared.build, wheel.project, wheel.version) == ("cu126", "tiny", "1.0")


def test_a_file_that_suffered_on_the_way(folder):
    path = next((folder / "wheels").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match=r"tiny-1.0.*copy the prepared folder again"):
        check_prepared(folder, read_prepared(folder), reporter=Reporter())
    path.unlink()
    with pytest.raises(InputError, match="copy the prepared folder again"):
        check_prepared(folder, read_prepared(folder), reporter=Reporter())


@pytest.mark.parametrize(
    ("key", "value"), [("engine", "3.1.0"), ("python", "cp399"), ("system", "amiga")]
)
def test_one_for_another_computer(folder, key, value):
    path = folder / "prepared.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {key: value}), encoding="utf-8")
    with pytest.raises(InputError, match=f"{value}.*Prepare it again"):
        read_prepared(folder)


def test_any_other_folder(tmp_path):
    with pytest.raises(InputError, match=r"there is no prepared\.json in it"):
        read_prepared(tmp_path)


@pytest.mark.parametrize("file", ["../../x.whl", "/etc/x.whl", "a b.whl", "x.txt"])
def test_no_name_leads_out_of_it(folder, file):
    path = folder / "prepared.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["wheels"][0]["file"] = file
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        read_prepared(folder)


@pytest.mark.parametrize(
    ("field", "value"), [("project", "tiny --index-url x"), ("version", "1\n-r x"), ("sha256", "a")]
)
def test_nothing_but_names_gets_into_the_list_for_uv(folder, field, value):
    path = folder / "prepared.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["wheels"][0][field] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        read_prepared(folder)
