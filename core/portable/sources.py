"""Where images come from: files, folders, videos and cameras, one after another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit

import cv2
import numpy as np
import numpy.typing as npt

from .pictures import PICTURE_SUFFIXES, read_picture
from .portable_error import PortableError

Image = npt.NDArray[np.uint8]
VIDEO_SUFFIXES: Final = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv"}
)
#: How much of a video may be missing: containers only estimate how many frames there are.
_MISSING_FRAMES: Final = 2
_MISSING_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True)
class SourceImage:
    """An image, or why there is none.

    Attributes:
        name: path of the file as it was given, or in the folder that was given;
            ``video.mp4#000123`` and ``camera0#000123`` for frames, counted from 0.
        path: file that it comes from, None for a camera.
        image: (H, W, 3) uint8 BGR; None if it cannot be read.
        error: what is wrong, None if nothing.
    """

    name: str
    path: Path | None
    image: Image | None
    error: PortableError | None = None


class ImageSource:
    """Yields the images of files, folders, videos and cameras; a context manager.

    A file that cannot be read yields its error and does not stop the others.

    Args:
        places: images, videos, folders (not what lies in folders inside of them), cameras as
            ``camera:0`` or as addresses such as ``rtsp://…``.
        every: take every Nth frame of videos and cameras.

    Attributes:
        hidden: number of hidden files in folders, which are passed over.
        others: number of files in folders that are called neither as images nor as videos are.

    Raises:
        PortableError: a path does not exist, or a folder holds no image.
    """

    def __init__(self, places: Sequence[str | Path], *, every: int = 1) -> None:
        if every < 1:
            raise PortableError("Every {every}th frame is asked for: give 1 or more.", every=every)
        self.hidden = 0
        self.others = 0
        self._every = every
        self._capture: Any = None
        self._items: list[tuple[str, Path | str]] = []
        for place in places:
            self._add(place)

    @property
    def count(self) -> int | None:
        """Number of images, None where a video or a camera is among them."""
        files = [item for _, item in self._items if isinstance(item, Path) and not _is_video(item)]
        return len(files) if len(files) == len(self._items) else None

    @property
    def files(self) -> list[Path]:
        """The files, in their order."""
        return [item for _, item in self._items if isinstance(item, Path)]

    def __iter__(self) -> Iterator[SourceImage]:
        for name, item in self._items:
            if isinstance(item, str) or _is_video(item):
                yield from self._frames(name, item)
                continue
            try:
                yield SourceImage(name, item, read_picture(item))
            except PortableError as error:
                yield SourceImage(name, item, None, error)

    def __enter__(self) -> ImageSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the video or camera that is open."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _add(self, place: str | Path) -> None:
        if (camera := _camera_name(place)) is not None:
            self._items.append((camera, str(place)))
            return
        path = Path(place)
        if path.is_dir():
            files = self._files_of(path)
            if not files:
                raise PortableError("There are no images in {folder}.", folder=path)
            self._items += [(file.name, file) for file in files]
        elif path.is_file():
            self._items.append((str(place), path))
        else:
            raise PortableError("The image {file} does not exist.", file=path)

    def _files_of(self, folder: Path) -> list[Path]:
        found = []
        for file in sorted(folder.iterdir(), key=lambda one: natural_key(one.name)):
            if not file.is_file():
                continue
            if file.name.startswith("."):
                self.hidden += 1
            elif file.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES:
                found.append(file)
            else:
                self.others += 1
        return found

    def _frames(self, name: str, item: Path | str) -> Iterator[SourceImage]:
        path = item if isinstance(item, Path) else None
        with self._opened(item) as capture:
            if capture is None:
                error = PortableError("{name} cannot be opened as a video or camera.", name=name)
                yield SourceImage(name, path, None, error)
                return
            number = 0
            while capture.grab():
                if number % self._every == 0:
                    read, frame = capture.retrieve()
                    yield _frame(f"{name}#{number:06}", path, frame if read else None)
                number += 1
            missing = _missing_frames(capture, number) if path is not None else 0
        if path is None:
            error = PortableError("{name} gives no more images.", name=name)
            yield SourceImage(name, path, None, error)
        elif missing:
            error = PortableError(
                "{name} ends after {count} frames, and {missing} more should follow: it is cut "
                "short or damaged.",
                name=name,
                count=number,
                missing=missing,
            )
            yield SourceImage(name, path, None, error)

    @contextmanager
    def _opened(self, item: Path | str) -> Iterator[Any]:
        self.close()
        place = str(item)
        if place.startswith("camera:"):
            capture = cv2.VideoCapture(int(place.removeprefix("camera:")))
        else:
            capture = cv2.VideoCapture(place)
        self._capture = capture
        try:
            yield capture if capture.isOpened() else None
        finally:
            self.close()


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sort ``a2`` before ``a10``."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(one)) if one.isdecimal() else (1, one) for one in parts if one]


def _is_video(item: Path | str) -> bool:
    return isinstance(item, Path) and item.suffix.lower() in VIDEO_SUFFIXES


def _camera_name(place: str | Path) -> str | None:
    """Return what a camera is called, without passwords; None for what is none."""
    if isinstance(place, Path):
        return None
    if re.fullmatch(r"camera:\d{1,4}", place):
        return place.replace(":", "")
    return urlsplit(place).hostname or "camera" if "://" in place else None


def _frame(name: str, path: Path | None, frame: Any) -> SourceImage:
    if frame is None or not frame.size:
        error = PortableError("{name} cannot be read: the frame is damaged.", name=name)
        return SourceImage(name, path, None, error)
    if frame.ndim == 2 or frame.shape[2] == 1:
        frame = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR)
    return SourceImage(name, path, np.ascontiguousarray(frame[..., :3], np.uint8))


def _missing_frames(capture: Any, number: int) -> int:
    told = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    missing = told - number
    return missing if missing > max(_MISSING_FRAMES, told * _MISSING_SHARE) else 0
