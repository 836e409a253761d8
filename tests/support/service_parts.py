"""A service around a model of a few nodes, called without a network."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import line_models
import numpy as np

from core.serve.application import build_application
from core.serve.image_judge import ImageJudge
from core.serve.served_model import ServedModel
from core.serve.service import Service
from core.serve.service_settings import ServiceSettings

with warnings.catch_warnings():  # it prefers a package that has no releases of its own yet
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


def png(image: np.ndarray) -> bytes:
    """The bytes of a PNG."""
    return cv2.imencode(".png", image)[1].tobytes()


def marked_part(number: int, *, height: int = 48, width: int = 64) -> np.ndarray:
    """A light picture whose reddish bar is ``number`` + 1 pixels wide: what comes back tells it."""
    picture = np.full((height, width, 3), 190, np.uint8)
    picture[10:14, 4 : 5 + number] = (60, 60, 230)
    return picture


class GatedJudge:
    """Judges as another one does, but only once it may; remembers the sizes of batches."""

    def __init__(self, judge: ImageJudge) -> None:
        self._judge = judge
        self.may_go_on = threading.Event()
        self.has_begun = threading.Event()
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._judge, name)

    def judge(self, images: Sequence[np.ndarray]) -> Any:
        self.has_begun.set()
        assert self.may_go_on.wait(30)
        self.batches.append(len(images))
        return self._judge.judge(images)


def served(folder: Path, **changes: Any) -> ServedModel:
    """A model of a few nodes; ``changes`` are of its manifest."""
    line_models.write_line_model(folder, **changes)
    return ServedModel(folder)


@contextlib.contextmanager
def client_of(judge: ImageJudge, **settings: Any) -> Iterator[TestClient]:
    """A client of a service, which ends with the block."""
    service = Service(judge, ServiceSettings(**settings))
    application = build_application(service)
    with TestClient(
        application, base_url="http://127.0.0.1", raise_server_exceptions=False
    ) as client:
        yield client
