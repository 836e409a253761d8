"""CVAT for video: the tracks of a file, turned into what it would say of each frame.

CVAT writes the shapes between key frames, too. Where a file has key frames only, boxes and polygons
of equally many corners move straight from one to the next; of other shapes nothing is known there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.image_index import find_images
from core.data.formats.parsing import parse_number
from core.system.errors import InputError
from core.system.messages import message

_NUMBER = re.compile(r"\d+(?=\D*$)")
_BOX = ("xtl", "ytl", "xbr", "ybr")
MAX_FRAMES = 1_000_000


class Tracks:
    """The tracks of one file, taken in one by one; ``frames`` gives them frame by frame."""

    def __init__(self) -> None:
        self._shapes: dict[int, list[Element]] = {}
        self._unknown: set[int] = set()
        self._length = 0
        self._tracks: list[list[tuple[int, Element]]] = []
        self._moved = 0

    def set_length(self, text: str | None) -> None:
        """Note how many frames the film has, as the file says it."""
        if text is not None and text.strip().isdecimal():
            self._length = max(self._length, min(int(text), MAX_FRAMES))

    def add(self, track: Element) -> None:
        """Take one track; shapes without a frame are left aside by whoever reads them."""
        label = track.get("label", "")
        shapes: dict[int, Element] = {}
        for shape in track:
            try:
                frame = int(shape.get("frame", ""))
            except ValueError:
                continue
            if 0 <= frame < MAX_FRAMES:
                shape.set("label", label)
                shapes[frame] = shape
        self._tracks.append(sorted(shapes.items()))

    def frames(
        self, file: Path, root: Path, report: ConversionReport
    ) -> Iterator[tuple[Path, Element]]:
        """Yield the image of each known frame, with an element as CVAT for images has it.

        Args:
            file: whose tracks these are.
            root: folder of the images.
            report: told which frames have no image, and what was assumed.

        Raises:
            InputError: there are tracks and no images.
        """
        if not any(self._tracks):
            return
        last = max((track[-1][0] for track in self._tracks if track), default=-1)
        length = max(self._length, last + 1)
        for track in self._tracks:
            self._lay_out(track, length)
        images = _images_by_frame(file, root, length, report)
        missing = [frame for frame in sorted(self._shapes) if frame not in images]
        if missing:
            report.left_out(
                message(
                    "{count} {count:frame|frames} of {file} {count:has|have} no image (the first "
                    "is number {frame}).",
                    count=len(missing),
                    file=file,
                    frame=missing[0],
                )
            )
        if self._moved:
            report.assumed(
                message(
                    "{file} has key frames only; {count} {count:shape|shapes} between them were "
                    "moved straight from one to the next.",
                    file=file,
                    count=self._moved,
                )
            )
        unknown = [images[frame] for frame in sorted(self._unknown) if frame in images]
        if unknown:
            report.left_out(
                message(
                    "{count} {count:frame|frames} of {file} {count:lies|lie} between key frames "
                    "whose shapes cannot be moved; {count:it is|they are} left out (the first is "
                    "{image}).",
                    count=len(unknown),
                    file=file,
                    image=unknown[0].name,
                )
            )
        for frame in range(length):
            if frame in images and frame not in self._unknown:
                element = Element("image", name=images[frame].name)
                element.extend(self._shapes.get(frame, ()))
                yield images[frame], element

    def _lay_out(self, track: list[tuple[int, Element]], length: int) -> None:
        """Put a track's shapes to their frames, those between key frames included."""
        for place, (frame, shape) in enumerate(track):
            if shape.get("outside") == "1":
                continue
            self._shapes.setdefault(frame, []).append(shape)
            following = track[place + 1] if place + 1 < len(track) else None
            end = length if following is None else following[0]
            for between in range(frame + 1, end):
                share = (between - frame) / (end - frame)
                after = None if following is None else following[1]
                moved = _between(shape, after, share)
                if moved is None:
                    self._unknown.add(between)
                else:
                    self._moved += 1
                    self._shapes.setdefault(between, []).append(moved)


def _between(shape: Element, after: Element | None, share: float) -> Element | None:
    """Return a shape on its way to the next key frame; None where that cannot be known.

    Behind the last key frame, and before one that says that it is outside, it stays as it is.
    """
    if after is None or after.get("outside") == "1":
        return shape
    if shape.tag != after.tag or shape.tag not in ("box", "polygon"):
        return None
    moved = Element(shape.tag, dict(shape.attrib))
    try:
        if shape.tag == "box":
            turned = [parse_number(one.get("rotation") or "0") for one in (shape, after)]
            if turned[0] != turned[1]:
                return None
            for key in _BOX:
                start, end = parse_number(shape.get(key)), parse_number(after.get(key))
                moved.set(key, str(start + share * (end - start)))
            return moved
        first, second = _points(shape), _points(after)
    except ValueError:
        return None
    if len(first) != len(second):
        return None
    pairs = [
        (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        for (x0, y0), (x1, y1) in zip(first, second, strict=True)
    ]
    moved.set("points", ";".join(f"{x},{y}" for x, y in pairs))
    return moved


def _points(shape: Element) -> list[tuple[float, float]]:
    """Return the corners of a polygon; raises ``ValueError``."""
    pairs = [point.split(",") for point in (shape.get("points") or "").split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("no pairs")
    return [(parse_number(x), parse_number(y)) for x, y in pairs]


def _images_by_frame(
    file: Path, root: Path, length: int, report: ConversionReport
) -> dict[int, Path]:
    """Return the images of frames: by the number that ends their names, else in their order."""
    images = [path for path in find_images(root) if path.is_relative_to(file.parent)]
    if not images:
        raise InputError(
            "{file} is CVAT for video, and its folder has no images: save the frames of the film as"
            " frame_000000.png … beside it.",
            file=file,
        )
    numbered: dict[int, Path] = {}
    for path in images:
        match = _NUMBER.search(path.stem)
        number = int(match[0]) if match is not None and len(match[0]) < 10 else -1
        if number < 0 or number in numbered:
            break
        numbered[number] = path
    else:
        if 0 in numbered:
            return numbered
    if len(images) != length:
        raise InputError(
            "{file} is CVAT for video with {length} {length:frame|frames}, and its folder has "
            "{count} {count:image|images} whose names do not say which frame each is; call them "
            "frame_000000.png and so on.",
            file=file,
            length=length,
            count=len(images),
        )
    report.assumed(
        message(
            "The images are taken as the frames of {file} in the order of their names.", file=file
        )
    )
    return dict(enumerate(images))
