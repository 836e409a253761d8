"""uv is run alone: the bundled one, nobody's settings, the network as it is set."""

from __future__ import annotations

import os
import sys
import time

import pytest

from core.system.errors import InputError
from core.system.gpu_environment import uv_command
from core.system.gpu_environment.uv_command import UvError, find_uv, run_uv, uv_environment
from core.system.reporting import Reporter, StopRequested


def test_the_bundled_one_comes_first(tmp_path, monkeypatch):
    root = tmp_path / "安装 dir"
    (root / "tools").mkdir(parents=True)
    (root / "installation.json").write_text('{"version": "1", "kind": "tar"}', encoding="utf-8")
    monkeypatch.setenv("MASKWRIGHT_INSTALLATION", str(root))
    with pytest.raises(InputError, match="Install the program again"):
        find_uv()
    bundled = root / "tools" / ("uv.exe" if os.name == "nt" else "uv")
    bundled.write_bytes(b"")
    assert find_uv() == bundled


def test_a_checkout_takes_the_one_on_the_path(monkeypatch):
    monkeypatch.delenv("MASKWRIGHT_INSTALLATION", raising=False)
    monkeypatch.setattr(uv_command.shutil, "which", lambda name: f"/opt/{name}")
    assert find_uv().as_posix() == "/opt/uv"
    monkeypatch.setattr(uv_command.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="uv"):
        find_uv()


def test_nobodys_python_has_a_part_in_it(tmp_path, monkeypatch):
    for name in (
        "PYTHONHOME",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "UV_PYTHON",
        "UV_INDEX",
    ):
        monkeypatch.setenv(name, "/somewhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "intern")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/firm.pem")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mirror.firm/simple")
    found = uv_environment(tmp_path)
    assert not [name for name in found if name.startswith(("PYTHON", "VIRTUAL_ENV", "CONDA"))]
    assert "UV_INDEX" not in found
    assert "UV_PYTHON" not in found
    assert found["HTTPS_PROXY"] == "http://proxy:3128"
    assert found["no_proxy"] == "intern"
    assert found["SSL_CERT_FILE"] == "/etc/firm.pem"
    assert found["UV_DEFAULT_INDEX"] == "https://mirror.firm/simple"
    assert found["UV_CACHE_DIR"] == str(tmp_path)
    assert found["UV_SYSTEM_CERTS"] == "true"
    assert found["PATH"] == os.environ["PATH"]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Runs Python instead of uv."""
    monkeypatch.setattr(uv_command, "find_uv", lambda: sys.executable)

    def run(code, reporter=None):
        return run_uv(
            ["-c", code],
            cache=tmp_path / "cache",
            log=tmp_path / "日志" / "uv.log",
            reporter=reporter or Reporter(),
        )

    return run


def test_what_it_said_is_the_error_in_one_line(stand_in):
    stand_in("pass")
    code = (
        "import sys; print('  × No solution found:\\n  ╰─▶ nothing there\\nhint: x'); sys.exit(1)"
    )
    with pytest.raises(UvError, match=r"^No solution found: nothing there$"):
        stand_in(code)


def test_it_is_ended_when_the_work_is_stopped(stand_in):
    class Impatient(Reporter):
        def check(self):
            raise StopRequested("user")

    began = time.monotonic()
    with pytest.raises(StopRequested):
        stand_in("import time; time.sleep(60)", Impatient())
    assert time.monotonic() - began < 30
