"""``watch`` killed again and again while images come in bursts: each is judged exactly once.

``MASKWRIGHT_LONG_WATCH=1`` makes it 500 images and ten kills.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from line_models import write_line_model

from core.project import ImageQuery, Project
from core.watch import WatchLog

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

ROOT = Path(__file__).parents[2]
LONG = bool(os.environ.get("MASKWRIGHT_LONG_WATCH"))
IMAGES, KILLS = (500, 10) if LONG else (120, 2)
BRIGHT, RED = (185, 185, 185), (60, 60, 230)


@dataclass
class Line:
    """The command on a folder, started as often as needed."""

    root: Path
    options: tuple[str, ...] = ()
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        write_line_model(self.root / "export", rules=("any Crack longer than 8 px -> reject",))
        self.folder.mkdir()

    @property
    def folder(self) -> Path:
        return self.root / "线 in"

    @property
    def out(self) -> Path:
        return self.root / "out"

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        self.starts += 1
        command = [sys.executable, str(ROOT / "main.py"), "watch", "--json"]
        places = {"export": "export", "folder": self.folder.name, "out": "out"}
        command += [part for name, place in places.items() for part in (f"--{name}", place)]
        command += ["--interval", "0.1", "--threads", "1", *self.options, *options]
        with (self.root / f"told{self.starts}").open("wb") as stdout:
            self.process = subprocess.Popen(
                command, cwd=self.root, stdout=stdout, stderr=subprocess.PIPE
            )
        return self.process

    def told(self) -> list[dict]:
        """What all starts have printed; a line that a kill cut short does not count."""
        found = []
        for number in range(1, self.starts + 1):
            text = (self.root / f"told{number}").read_bytes()
            found += [json.loads(line) for line in text.split(b"\n")[:-1] if line]
        return found

    def judged(self) -> int:
        if not (self.out / "watch.db").is_file():
            return 0
        with sqlite3.connect(f"file:{self.out / 'watch.db'}?mode=ro", uri=True) as connection:
            try:
                sql = "SELECT count(*) FROM image WHERE judged IS NOT NULL"
                return int(connection.execute(sql).fetchone()[0])
            except sqlite3.OperationalError:  # being made
                return 0

    def wait_for(self, count: int, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while self.judged() < count:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(self.process.stderr.read().decode())
            assert time.monotonic() < end, f"{self.judged()} of {count} judged"
            time.sleep(0.02)


@pytest.fixture
def line(tmp_path: Path):
    one = Line(tmp_path)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.process.kill()
        one.process.wait()


def content(number: int) -> bytes:
    """A small image, each another; every fifth has a crack."""
    rng = np.random.default_rng(number)
    image = rng.integers(170, 200, (32, 40, 3)).astype(np.uint8)
    if number % 5 == 0:
        image[10:14, 4:30] = RED
    suffix = (".png", ".bmp", ".jpg")[number % 3]
    return cv2.imencode(suffix, image)[1].tobytes()


def name(number: int) -> str:
    return f"{number % 4}/part {number}{('.png', '.bmp', '.jpg')[number % 3]}"


def put(line: Line, numbers: range, rng: random.Random) -> None:
    """Bring a burst: some at once, some half first, some under another name, some twice."""
    halves = []
    for number in numbers:
        file = line.folder / name(number)
        file.parent.mkdir(exist_ok=True)
        data = content(number)
        way = rng.choice(("whole", "half", "renamed", "again"))
        if way == "half":
            file.write_bytes(data[: len(data) // 2])
            halves.append((file, data))
        elif way == "renamed":
            hidden = file.with_name(f"{file.name}.part")
            hidden.write_bytes(data)
            hidden.rename(file)
        else:
            file.write_bytes(data)
            if way == "again":
                os.utime(file)
    time.sleep(0.15)
    for file, data in halves:
        with file.open("r+b") as stream:
            stream.seek(len(data) // 2)
            stream.write(data[len(data) // 2 :])


def test_each_image_is_judged_once_however_often_it_is_killed(line: Line) -> None:
    line.options = ("--subfolders",)
    rng = random.Random(7)
    burst = IMAGES // (KILLS + 1)
    done = 0
    for kill in range(KILLS + 1):
        process = line.start()
        last = kill == KILLS
        numbers = range(kill * burst, IMAGES if last else (kill + 1) * burst)
        put(line, numbers, rng)
        if not last:
            line.wait_for(done + rng.randrange(2, max(3, burst)))
            time.sleep(rng.random() * 0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
            done = line.judged()
    line.wait_for(IMAGES)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, process.stderr.read().decode()

    expected = {name(number): "accept" if number % 5 else "reject" for number in range(IMAGES)}
    with WatchLog(line.out, read_only=True) as log:
        results = log.recent(10 * IMAGES)
        assert Counter(one.path for one in results) == Counter(list(expected))
        assert {one.path: one.outcome for one in results} == expected
        days = log.counts_by_day()
        outcomes = sum((Counter(day.outcomes) for day in days), Counter())
        assert outcomes == Counter(expected.values())
        assert sum(day.images["Crack"] for day in days) == outcomes["reject"]
        assert log.unfinished() == [] and log.unannounced() == []
    told = [one for one in line.told() if one["event"] == "judged"]
    assert {one["path"] for one in told} == set(expected)  # every result was told
    assert Counter(one["path"] for one in told if not one["again"]).most_common(1)[0][1] == 1
    for number in range(0, IMAGES, 5):
        one = next(one for one in results if one.path == name(number))
        assert (line.out / one.overlay).is_file() and (line.out / one.mask).is_file()
    assert not list(line.out.rglob(".tmp-*"))
    assert line.told()[-1]["event"] == "ended"


def test_once_with_a_project_and_one_watcher_at_a_time(line: Line) -> None:
    for number in range(6):
        (line.folder / f"{number}.png").write_bytes(
            cv2.imencode(".png", np.full((32, 40, 3), 180 - number, np.uint8))[1].tobytes()
        )
    (line.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with Project.create(line.root / "project", labels=("background", "Crack")):
        pass
    line.options = ("--project", "project", "--min-confidence", "1", "--broken-after", "0.2")
    process = line.start("--once")
    assert process.wait(60) == 0, process.stderr.read().decode()
    *judged, ended = [one for one in line.told() if one["event"] != "started"]
    assert ended == {
        "event": "ended",
        "judged": 7,
        "outcomes": {"accept": 6, "broken": 1},
        "waiting": 0,
    }
    assert [one["path"] for one in judged if one["outcome"] == "broken"] == ["broken.png"]
    assert all("unsure" in one["oddities"][0] for one in judged if one["outcome"] != "broken")
    with Project.open(line.root / "project", read_only=True) as project:
        assert project.counts(ImageQuery(flagged=True, state="unlabelled")).total == 6

    first = line.start()
    line_started = time.monotonic() + 60
    while not any(one["event"] == "started" for one in line.told()[8:]):
        assert time.monotonic() < line_started and first.poll() is None
        time.sleep(0.05)
    second = line.start()
    assert second.wait(60) == 2
    assert b"Another watcher" in second.stderr.read()
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 0


def test_neither_paddle_nor_qt_is_loaded(line: Line) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from core.cli import run
places = ["--export", "export", "--folder", {line.folder.name!r}, "--out", "out"]
code = run(["watch", *places, "--once"])
loaded = {{"paddle", "PySide6", "torch"}} & {{name.partition(".")[0] for name in sys.modules}}
print(code, sorted(loaded))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=line.root, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
