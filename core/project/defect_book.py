"""What a project's classes mean: a definition and examples of each, in the folder ``book``.

``book.json`` holds everything but the pictures, which are named by their content and never change.
All paths are relative, so the book moves with the project.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import pydantic

from core.annotation.edits import Box, grow_box
from core.images.io import ImageArray
from core.system.errors import InputError
from core.system.files import make_folder, write_bytes_atomic, write_text_atomic

FOLDER: Final = "book"
MOST_LETTERS: Final = 20_000
MOST_EXAMPLES: Final = 200
_FILE: Final = "book.json"
_MOST_BYTES: Final = 64 * 2**20
_MOST_SIDE: Final = 512
_FROZEN: Final = pydantic.ConfigDict(frozen=True, extra="ignore")


class ExampleKind(StrEnum):
    """What an example shows: plainly the class, or something at its border."""

    GOOD = "good"
    BORDERLINE = "borderline"


class Example(pydantic.BaseModel):
    """A piece of an image.

    Attributes:
        picture: name of the PNG file in the book's folder.
        kind: what it shows.
        note: what people say of it.
        image: name of the image that it was taken from.
        box: where it was taken from, in pixels of the image.
    """

    model_config = _FROZEN

    picture: Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}\.png$")]
    kind: ExampleKind
    note: Annotated[str, pydantic.Field(max_length=MOST_LETTERS)] = ""
    image: str = ""
    box: Box


class BookPage(pydantic.BaseModel):
    """What is said of one class."""

    model_config = _FROZEN

    definition: Annotated[str, pydantic.Field(max_length=MOST_LETTERS)] = ""
    examples: Annotated[tuple[Example, ...], pydantic.Field(max_length=MOST_EXAMPLES)] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not self.definition.strip() and not self.examples


class _Content(pydantic.BaseModel):
    model_config = _FROZEN

    pages: dict[Annotated[int, pydantic.Field(ge=0, le=255)], BookPage] = {}


Pages = Mapping[int, BookPage]


@dataclass(frozen=True, slots=True)
class DefectBook:
    """The book of the project in ``project_dir``."""

    project_dir: Path

    @property
    def folder(self) -> Path:
        """Where text and pictures are."""
        return self.project_dir / FOLDER

    def read(self) -> dict[int, BookPage]:
        """Return the pages by class id; none where nothing was written yet.

        Raises:
            InputError: the file is damaged; nothing is read, so that nothing is overwritten.
        """
        file = self.folder / _FILE
        try:
            if file.stat().st_size > _MOST_BYTES:
                raise ValueError("it is too large")
            return dict(_Content.model_validate_json(file.read_bytes()).pages)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise InputError(
                "The defect book {file} cannot be read; restore it from a backup, or delete it.",
                file=file,
            ) from error

    def write(self, pages: Pages) -> None:
        """Replace all pages, atomically; pictures stay, so that writing the former undoes it."""
        kept = {id_: page for id_, page in sorted(pages.items()) if not page.is_empty}
        text = _Content(pages=kept).model_dump_json(indent=2)
        write_text_atomic(make_folder(self.folder) / _FILE, text + "\n")

    def keep_picture(self, piece: ImageArray) -> str:
        """Keep a piece of an image, reduced where it is large; return its file's name.

        Args:
            piece: uint8 (h, w, 3) BGR or (h, w) grey.
        """
        side = max(piece.shape[:2])
        if side > _MOST_SIDE:
            scale = _MOST_SIDE / side
            height, width = (max(1, round(length * scale)) for length in piece.shape[:2])
            piece = np.asarray(cv2.resize(piece, (width, height), interpolation=cv2.INTER_AREA))
        data = cv2.imencode(".png", np.ascontiguousarray(piece))[1].tobytes()
        name = f"{hashlib.sha256(data).hexdigest()}.png"
        file = make_folder(self.folder) / name
        if not file.is_file():
            write_bytes_atomic(file, data)
        return name

    def picture(self, example: Example) -> Path:
        """Return where an example's picture is."""
        return self.folder / example.picture

    def remove_unused(self) -> tuple[int, int]:
        """Delete the pictures of examples that are gone for good.

        Returns:
            How many files, and their bytes.

        Raises:
            InputError: the book is damaged, so nothing is known to be unused.
        """
        used = {one.picture for page in self.read().values() for one in page.examples}
        files = size = 0
        for file in self.folder.glob("*.png"):
            if file.name not in used:
                size += file.stat().st_size
                file.unlink()
                files += 1
        return files, size


def example_box(box: Box, size: tuple[int, int]) -> Box:
    """Return a box with some ground around it, inside an image of ``size`` (width, height)."""
    margin = max(16, max(box[2] - box[0], box[3] - box[1]) // 4)
    return grow_box(box, margin, size)
