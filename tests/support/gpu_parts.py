"""A driver, a package index and an engine for the GPU, none of them real."""

from __future__ import annotations

import base64
import hashlib
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pynvml
import pytest

from core.system.gpu_environment.environment_folders import (
    PACKAGES_NAME,
    CardAndDriver,
    GpuEnvironment,
    environment_folder,
    make_record,
    write_record,
)

TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
ENGINE_TAG = f"{TAG}-{TAG}-linux_x86_64"
WINDOWS_TAG = f"{TAG}-{TAG}-win_amd64"

#: Computes on the processor and says that it is a GPU: the program's own engine under its name.
PRETENDING_ENGINE = """
import importlib.machinery, os, sys
_here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_real = importlib.machinery.PathFinder.find_spec(
    "paddle", [path for path in sys.path if os.path.abspath(path) != _here]
)
__path__[:] = list(_real.submodule_search_locations)
_own, __file__ = __file__, _real.origin
exec(compile(open(_real.origin, encoding="utf-8").read(), _real.origin, "exec"), globals())
__file__ = _own
_convert = device._convert_to_place
device._convert_to_place = lambda name: _convert("cpu" if str(name).startswith("gpu") else name)
def is_compiled_with_cuda():
    return True
base.core.get_cuda_device_count = lambda: 0
device.cuda.device_count = lambda: 1
device.cuda.get_device_capability = lambda device=None: (8, 9)
device.cuda.get_device_name = lambda device=None: "Pretended GPU"
"""


def driver_answers(
    *,
    name: str = "NVIDIA RTX 4060",
    driver: str = "560.35.03",
    cuda: int = 12060,
    capability: tuple[int, int] = (8, 9),
) -> dict[str, object]:
    """What the driver's library answers on a computer with one GPU."""
    return {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlSystemGetDriverVersion": lambda: driver,
        "nvmlSystemGetCudaDriverVersion_v2": lambda: cuda,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(total=8 << 30, free=7 << 30),
        "nvmlDeviceGetName": lambda handle: name,
        "nvmlDeviceGetCudaComputeCapability": lambda handle: capability,
    }


def set_driver(monkeypatch: pytest.MonkeyPatch, **facts: object) -> None:
    """Have the driver's library answer as on a computer with one GPU."""
    for name, answer in driver_answers(**facts).items():
        monkeypatch.setattr(pynvml, name, answer)


def unset_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the driver's library answer as on a computer without a GPU."""

    def no_driver() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", no_driver)


#: The same for processes that a test starts: a module that lies before the real one.
DRIVER_MODULE = """
from types import SimpleNamespace
class NVMLError(Exception):
    pass
class NVMLError_NotSupported(NVMLError):
    pass
nvmlInit = nvmlShutdown = lambda: None
nvmlSystemGetDriverVersion = lambda: "560.35.03"
nvmlSystemGetCudaDriverVersion_v2 = lambda: 12060
nvmlDeviceGetCount = lambda: 1
nvmlDeviceGetHandleByIndex = lambda index: index
nvmlDeviceGetMemoryInfo = lambda handle: SimpleNamespace(total=8 << 30, free=7 << 30)
nvmlDeviceGetName = lambda handle: "NVIDIA RTX 4060"
nvmlDeviceGetCudaComputeCapability = lambda handle: (8, 9)
"""


def make_wheel(
    folder: Path,
    project: str,
    version: str,
    *,
    files: dict[str, bytes],
    tag: str = "py3-none-any",
    requires: tuple[str, ...] = (),
) -> Path:
    """Write a wheel as a build tool does."""
    stem = f"{project.replace('-', '_')}-{version}"
    content = dict(files)
    lines = ["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}"]
    lines += [f"Requires-Dist: {one}" for one in requires]
    content[f"{stem}.dist-info/METADATA"] = ("\n".join(lines) + "\n").encode()
    content[f"{stem}.dist-info/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    )
    record = "".join(
        f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in content.items()
    )
    content[f"{stem}.dist-info/RECORD"] = f"{record}{stem}.dist-info/RECORD,,\n".encode()
    path = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in content.items():
            wheel.writestr(name, data)
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def made_environment(build: str = "cu126", **changes: object) -> GpuEnvironment:
    """Return an environment as installing one leaves it, switched off; its engine is a stub."""
    folder = environment_folder(build)
    packages = folder / PACKAGES_NAME
    (packages / "paddle" / "base").mkdir(parents=True)
    (packages / "paddle" / "__init__.py").write_text("", encoding="utf-8")
    (packages / "paddle" / "base" / "libpaddle.so").write_bytes(bytes(2 << 20))
    tested = CardAndDriver(gpu="NVIDIA RTX 4060", driver="560.35.03")
    record = make_record(folder, build=build, tested=tested).model_copy(update=changes)
    write_record(folder, record)
    return GpuEnvironment(folder, record)


class PackageIndex:
    """Serves wheels as Paddle's index does: one page of links a project, without hashes.

    Attributes:
        url: its address.
        asked: paths of all requests.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        index = self

        class Handler(SimpleHTTPRequestHandler):
            def send_head(self):
                index.asked.append(self.path)
                return super().send_head()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def add(self, project: str, version: str, *, hashed: bool = False, **wheel: object) -> Path:
        """Publish a wheel."""
        folder = self.folder / project
        folder.mkdir(exist_ok=True)
        path = make_wheel(folder, project, version, **wheel)
        links = ""
        for one in sorted(folder.glob("*.whl")):
            digest = hashlib.sha256(one.read_bytes()).hexdigest()
            target = f"{one.name}#sha256={digest}" if hashed else one.name
            links += f'<a href="{target}">{one.name}</a><br>\n'
        page = f"<!DOCTYPE html><html><body>{links}</body></html>"
        (folder / "index.html").write_text(page, encoding="utf-8")
        return path

    def publish_engine(self, *, init: str = "version = '3.2.2'\n", version: str = "3.2.2") -> None:
        """Publish the engine's GPU build for both systems, and the library that it needs."""
        self.add("nvidia-tiny-cu12", "12.6.1", files={"nvidia/tiny/lib/libtiny.so": b"CUDA" * 99})
        for tag in (ENGINE_TAG, WINDOWS_TAG):
            self.add(
                "paddlepaddle-gpu",
                version,
                files={
                    "paddle/__init__.py": init.encode(),
                    "paddle/base/libpaddle.so": b"\x7fELF" + bytes(2 << 20),
                },
                tag=tag,
                requires=("numpy>=1.21", "protobuf>=3.20", "nvidia-tiny-cu12==12.6.1"),
            )

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
