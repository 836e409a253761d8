"""One file for whoever helps: what the program knows of itself and of the last runs.

No images, masks, weights or tokens; the home folder's name becomes ``~``.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from core.project import Project
from core.runs.run_folder import RunFolder
from core.system.doctor.check import Check
from core.system.errors import InputError
from core.system.files import write_bytes_atomic
from core.system.installation import installation, program_version

_RUNS = 5
_LOG_BYTES = 1_000_000
_RUN_BYTES = 300_000
_KEPT_BACK = r"(?:token|secret|passw(?:or)?d|api[_-]?key|credential|authorization)"
_SECRETS = (
    # "token": "…", token=…, --token … : the value goes, its name stays.
    re.compile(rf'(?i)("[^"]{{0,60}}{_KEPT_BACK}[^"]{{0,60}}"\s*:\s*)"(?:[^"\\]|\\.)*"'),
    re.compile(
        rf"(?i)(\b[\w-]{{0,40}}{_KEPT_BACK}[\w-]{{0,40}}\s*[=:]\s*)(?:Bearer\s+)?[^\s\"',;]+"
    ),
    re.compile(r"(?i)(\bBearer\s+)[^\s\"',;]+"),
    re.compile(r"(://)[^/\s:@]+:[^/\s@]+(?=@)"),
)
_OF_THE_PROGRAM = ("MASKWRIGHT_", "QT_", "CUDA_", "OMP_", "MKL_", "FLAGS_", "LANG", "LC_", "XDG_")
_README = """What is in this file
=====================

summary.json     versions, system, how many images and runs the project has
doctor.json      what the program found out about this computer
packages.txt     installed Python packages
settings.json    what was set in the window
logs/            the end of the program's own logs
runs/            of the last {runs} runs: what was asked (spec.json), what was told
                 (events.jsonl) and printed (log.txt), the end of each

What is not in it: images, masks, weights, notes, tokens. The home folder's name is replaced by ~.
Names of files and folders may stand in logs; look through them before you send the file.
"""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a bundle is made from.

    Attributes:
        logs: folder of the program's own logs.
        settings: the window's settings file.
        project: whose runs; None: no project.
    """

    logs: Path
    settings: Path
    project: Project | None = None


def write_bundle(
    target: Path,
    sources: Sources,
    checks: Iterable[Check],
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[str, ...]:
    """Write the file and return what it holds; what cannot be read is left out.

    Args:
        target: a zip file; one that is there is replaced.
        sources: where everything is.
        checks: what the doctor says, see ``core.system.doctor.diagnosis.examine``.
        stopped: asked between two parts; once it says yes, nothing is written.

    Raises:
        InputError: the file cannot be written.
    """
    stream = io.BytesIO()
    hide = _Hiding.of_this_user()
    names: list[str] = []
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in _parts(sources, checks):
            if stopped():
                return ()
            bundle.writestr(name, hide(text))
            names.append(name)
    try:
        write_bytes_atomic(target, stream.getbuffer())
    except OSError as error:
        raise InputError(
            "{file} cannot be written: {reason}.", file=target, reason=error.strerror or error
        ) from error
    return tuple(names)


def _parts(sources: Sources, checks: Iterable[Check]) -> Iterable[tuple[str, str]]:
    yield "README.txt", _README.format(runs=_RUNS)
    yield "summary.json", _as_json(_summary(sources.project))
    yield "doctor.json", _as_json([check.as_json() for check in checks])
    yield "packages.txt", _packages()
    yield from _tails({"settings.json": sources.settings}, _LOG_BYTES)
    logs = sorted(sources.logs.glob("*.log*")) if sources.logs.is_dir() else []
    yield from _tails({f"logs/{path.name}": path for path in logs}, _LOG_BYTES)
    if sources.project is not None:
        for run in sources.project.runs()[:_RUNS]:
            folder = RunFolder(run.folder)
            files = (folder.spec_path, folder.events_path, folder.log_path)
            place = f"runs/{run.folder.name}"
            yield from _tails({f"{place}/{path.name}": path for path in files}, _RUN_BYTES)


def _summary(project: Project | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "program": _told(program_version),
        "installed": _told(lambda: getattr(installation(), "kind", "checkout or wheel")),
        "made": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "python": sys.version,
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "environment": {
            name: value for name, value in os.environ.items() if name.startswith(_OF_THE_PROGRAM)
        },
    }
    if project is not None:
        counts = project.counts()
        found["project"] = {
            "folder": str(project.folder),
            "read_only": project.read_only,
            "images": counts.total,
            "subsets": counts.by_subset,
            "states": counts.by_state,
            "classes": len(project.labels()),
            "runs": [
                {"folder": run.folder.name, "kind": run.kind, "model": run.model}
                | {"state": run.state, "miou": run.best_miou}
                for run in project.runs()
            ],
        }
    return found


def _told(tell: Callable[[], Any]) -> str:
    try:
        return str(tell())
    except InputError as error:  # a damaged installation is what the bundle may be made for
        return str(error)


def _packages() -> str:
    found = {f"{one.name}=={one.version}" for one in metadata.distributions()}
    return "\n".join(sorted(found, key=str.casefold)) + "\n"


def _tails(files: Mapping[str, Path], most: int) -> Iterable[tuple[str, str]]:
    """Yield the ends of the files that can be read, from the beginning of a line."""
    for name, path in files.items():
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - most))
                data = file.read(most)
        except OSError:
            continue
        if size > most:
            data = data[data.find(b"\n") + 1 :]
        yield name, data.decode("utf-8", "replace")


def _as_json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n"


class _Hiding:
    """Takes secrets and the name of the home folder out of texts."""

    def __init__(self, homes: Iterable[Path]) -> None:
        spelt = {str(home) for home in homes} | {home.as_posix() for home in homes}
        spelt |= {json.dumps(text)[1:-1] for text in spelt}  # as it stands in JSON on Windows
        flags = re.IGNORECASE if os.name == "nt" else re.NOFLAG
        self._homes = [
            re.compile(rf"{re.escape(text)}(?![\w.-])", flags)
            for text in sorted(spelt, key=len, reverse=True)
        ]

    @classmethod
    def of_this_user(cls) -> _Hiding:
        home = Path.home()
        homes = {home, Path(os.path.realpath(home))}
        return cls(one for one in homes if one.parent != one)  # "/" is in every path

    def __call__(self, text: str) -> str:
        for home in self._homes:
            text = home.sub("~", text)
        text = _SECRETS[0].sub(r'\1"…"', text)
        for secret in _SECRETS[1:]:
            text = secret.sub(r"\1…", text)
        return text
