"""Only what is missing is found and downloaded, and nothing else than was announced is kept."""

from __future__ import annotations

import gpu_parts
import pytest

from core.system.errors import InputError
from core.system.gpu_environment.wheel_files import (
    arrived_bytes,
    download_wheels,
    find_wheels,
    measured,
)
from core.system.reporting import Reporter, StopRequested


def find(index, tmp_path, system="linux"):
    return find_wheels(
        index=index.url,
        system=system,
        python=gpu_parts.TAG,
        folder=tmp_path / "找 scratch",
        reporter=Reporter(),
    )


def test_what_the_program_has_is_not_fetched_again(index, tmp_path):
    index.publish_engine()
    engine_of = {"linux": gpu_parts.ENGINE_TAG, "windows": gpu_parts.WINDOWS_TAG}
    for system, tag in engine_of.items():
        found = {wheel.project: wheel for wheel in find(index, tmp_path, system)}
        assert set(found) == {"paddlepaddle-gpu", "nvidia-tiny-cu12"}  # no numpy, no protobuf
        assert found["paddlepaddle-gpu"].file_name == f"paddlepaddle_gpu-3.2.2-{tag}.whl"


def test_another_version_is_no_substitute(index, tmp_path):
    index.publish_engine(version="3.3.1")
    with pytest.raises(InputError, match=r"3\.2\.2 for the GPU could not be found at http"):
        find(index, tmp_path)


def test_an_index_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(InputError, match=r"could not be found at http://127.0.0.1:9/"):
        find_wheels(
            index="http://127.0.0.1:9/",
            system="linux",
            python=gpu_parts.TAG,
            folder=tmp_path,
            reporter=Reporter(),
        )


class Counting(Reporter):
    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after
        self.steps: list[tuple[int, int]] = []

    def check(self):
        if self.stop_after is not None and len(self.steps) >= self.stop_after:
            raise StopRequested("user")

    def progress(self, step, steps, *, stage="", **_):
        assert stage == "download"
        self.steps.append((step, steps))


def test_progress_is_that_of_all_files_and_never_falls(index, tmp_path):
    index.publish_engine()
    wheels = measured(find(index, tmp_path))
    assert all(wheel.size for wheel in wheels)
    reporter = Counting()
    done = download_wheels(wheels, tmp_path / "wheels", reporter=reporter)
    steps = [step for step, _ in reporter.steps]
    assert steps == sorted(steps)
    assert all(step <= total for step, total in reporter.steps)
    assert arrived_bytes(wheels, tmp_path / "wheels") == sum(wheel.size for wheel in wheels)
    assert all(len(wheel.sha256) == 64 for wheel in done)
    assert done[0].requirement.startswith(f"{done[0].project}=={done[0].version} --hash=sha256:")


def test_a_stopped_download_is_gone_on_with(index, tmp_path):
    index.publish_engine()
    wheels = find(index, tmp_path)
    with pytest.raises(StopRequested):
        download_wheels(wheels, tmp_path / "wheels", reporter=Counting(stop_after=3))
    assert arrived_bytes(wheels, tmp_path / "wheels") > 0
    first = wheels[0].file_name
    assert (tmp_path / "wheels" / first).is_file()
    index.asked.clear()
    download_wheels(wheels, tmp_path / "wheels", reporter=Reporter())
    assert [path for path in index.asked if first in path] == []


def test_a_file_that_is_not_as_announced_is_deleted(index, tmp_path):
    index.publish_engine()
    path = index.add("nvidia-tiny-cu12", "12.6.1", files={"x.so": b"right"}, hashed=True)
    wheels = [one for one in find(index, tmp_path) if one.project == "nvidia-tiny-cu12"]
    assert wheels[0].sha256
    path.write_bytes(path.read_bytes() + b"tampered")
    with pytest.raises(InputError, match="SHA-256"):
        download_wheels(wheels, tmp_path / "wheels", reporter=Reporter())
    assert list((tmp_path / "wheels").glob("*.whl")) == []


def test_a_file_that_is_gone_names_itself(index, tmp_path):
    index.publish_engine()
    wheels = find(index, tmp_path)
    for wheel in index.folder.rglob("nvidia*.whl"):
        wheel.unlink()
    with pytest.raises(InputError, match=r"nvidia_tiny.*404.*What arrived stays"):
        download_wheels(wheels, tmp_path / "wheels", reporter=Reporter())
