"""A model that looks at one colour, and a folder that it watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.images.io import write_image
from core.system.errors import InputError
from core.watch import Judged, Notice, Watcher, WatchSettings
from core.watch.assessment import Assessment

SIZE = (20, 24)
GREEN, RED, BLUE, GREY = (40, 180, 40), (40, 40, 220), (220, 40, 40), (128, 128, 128)


class ColorAssessor:
    """Red images are rejected, blue ones inconclusive, all others accepted."""

    model = "Colors 0123456789ab"
    revision = "rev1"
    palette = ((0, 0, 0), (200, 0, 0))

    def __init__(self, statistics: Mapping[str, Any] | None = None) -> None:
        self.statistics = statistics or {}
        self.seen: list[bytes] = []
        self.confidence = 0.99
        self.before: Callable[[np.ndarray], object] = lambda image: None

    def assess(self, image: np.ndarray) -> Assessment:
        self.before(image)
        self.seen.append(image.tobytes())
        blue, _, red = image.reshape(-1, 3).mean(axis=0)
        if red > 200:
            outcome, reasons, objects = "reject", ("a red one",), {"Crack": 2}
        elif blue > 200:
            outcome, reasons, objects = "inconclusive", ("a blue one",), {"Crack": 1}
        else:
            outcome, reasons, objects = "accept", (), {}
        return Assessment(
            outcome=outcome,
            label_map=np.zeros(image.shape[:2], np.uint8),
            draw=lambda: image,
            reasons=reasons,
            objects=objects,
            confidence=self.confidence,
        )


def picture(color: tuple[int, int, int] = GREEN, *, seed: int = 0) -> np.ndarray:
    """An image (H, W, 3) BGR of nearly one colour; each seed is another."""
    noise = np.random.default_rng(seed).integers(-15, 16, (*SIZE, 3))
    return np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)


def put(file: Path, color: tuple[int, int, int] = GREEN, *, seed: int | None = None) -> Path:
    """Write an image; by default each name has other noise."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_image(file, picture(color, seed=sum(file.name.encode()) if seed is None else seed))
    return file


def encoded(color: tuple[int, int, int] = GREEN, *, seed: int = 0, suffix: str = ".png") -> bytes:
    """The bytes of such an image."""
    return cv2.imencode(suffix, picture(color, seed=seed))[1].tobytes()


class Line:
    """A watched folder with what was told about it.

    ``run`` makes a new watcher, as a restart does, and drives it until all is judged or ``steps``
    turns have passed; ``turns`` are called in turn, one a turn.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / "线 in"
        self.folder.mkdir()
        self.out = root / "out"
        self.assessor = ColorAssessor()
        self.notices: list[Notice] = []

    def settings(self, **changes: Any) -> WatchSettings:
        quick = {"interval_s": 0.01, "settle_s": 0.01, "broken_after_s": 0.3}
        places = {"folder": self.folder, "out": self.out}
        return WatchSettings(**{**quick, **places, **changes})

    def watcher(self, on_turn: Callable[[], object] = lambda: None, **changes: Any) -> Watcher:
        return Watcher(
            self.assessor,
            self.settings(**changes),
            on_turn=on_turn,
            on_notice=self.notices.append,
        )

    def once(self, **changes: Any) -> list[Judged]:
        """Judge what is there."""
        with self.watcher(**changes) as watcher:
            return list(watcher.run(once=True))

    def live(self, *turns: Callable[[], object], wait: int = 15, **changes: Any) -> list[Judged]:
        """Watch, doing one thing after the other with ``wait`` turns between them, then stop."""
        count = 0

        def on_turn() -> None:
            nonlocal count
            step, rest = divmod(count, wait)
            count += 1
            if rest == 0 and step < len(turns):
                turns[step]()
            elif step >= len(turns) and rest == wait - 1:
                watcher.stop()

        with self.watcher(on_turn, **changes) as watcher:
            return list(watcher.run())

    @property
    def kinds(self) -> list[str]:
        return [notice.kind for notice in self.notices]


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """A folder on the line."""
    return Line(tmp_path)


def told(results: list[Judged]) -> list[tuple[str, str]]:
    """Path and outcome of each result."""
    return [(one.path, one.outcome) for one in results]


def refuse(_image: np.ndarray) -> None:
    """A model that takes no image."""
    raise InputError("this image is none for the model")
