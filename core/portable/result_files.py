"""What was said about images, as files: masks, overlay pictures, tables, JSON."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import cv2
import numpy as np
import numpy.typing as npt

from .deciding import OUTCOMES
from .judging import IMAGE_COLUMNS, OBJECT_COLUMNS, Judgement, image_row, object_rows
from .manifest import Manifest
from .mask_files import encode_label_map
from .overlays import class_color, draw_judgement
from .portable_error import PortableError

Image = npt.NDArray[np.uint8]
MASKS: Final = "masks"
OVERLAYS: Final = "overlays"
IMAGES_TABLE: Final = "results.csv"
OBJECTS_TABLE: Final = "objects.csv"
RESULTS: Final = "results.json"
_FRAME: Final = re.compile(r"\.[^.#]*#(\d{6,})\Z")  # of a video
_ENDING: Final = re.compile(r"\.[^.]*\Z")
_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def check_free(folder: str | Path, images: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse to write over results of an earlier run, and always over the images themselves.

    Args:
        folder: where ``ResultFiles`` will write, with subfolders.
        images: files that are read.
        overwrite: whether earlier results may be replaced.

    Raises:
        PortableError: names the first file in the way.
    """
    folder = Path(folder)
    written = [folder / name for name in (MASKS, OVERLAYS)]
    places = {one.resolve() for one in written}
    for image in images:
        if image.resolve().parent in places:
            raise PortableError(
                "{file} is one of the images themselves: choose another output folder.", file=image
            )
    found = [folder / name for name in (RESULTS, IMAGES_TABLE, OBJECTS_TABLE)]
    for one in written:
        found += sorted(one.iterdir())[:1] if one.is_dir() else []
    for file in found:
        if file.exists() and not overwrite:
            raise PortableError(
                "{file} already exists: choose another output folder, or replace what is there "
                "with --overwrite.",
                file=file,
            )


class ResultFiles:
    """Writes what was said about images, one after another; a context manager.

    Tables grow as images come, so that what was said is there whatever happens; ``results.json``
    is written at the end. Files of an earlier run in the folder are replaced.

    Args:
        folder: made where it is missing.
        manifest: of the model.
        facts: what ``results.json`` says besides the images.
        overlays: whether pictures of what was found are written, too.
        beside: put them all into the folder itself, as ``NAME.png`` and ``NAME_overlay.jpg``.

    Attributes:
        counts: images by outcome, and by ``error``.

    Raises:
        PortableError: the folder cannot be written to.
    """

    def __init__(
        self,
        folder: str | Path,
        manifest: Manifest,
        *,
        facts: Mapping[str, Any] | None = None,
        overlays: bool = True,
        beside: bool = False,
    ) -> None:
        self.counts: dict[str, int] = dict.fromkeys((*OUTCOMES, "error"), 0)
        self._folder = Path(folder)
        self._manifest = manifest
        self._facts = dict(facts or {})
        self._overlays = overlays
        self._mask_form = "{}.png" if beside else f"{MASKS}/{{}}.png"
        self._overlay_form = "{}_overlay.jpg" if beside else f"{OVERLAYS}/{{}}.jpg"
        self._entries: list[dict[str, Any]] = []
        self._names: set[str] = set()
        try:
            for form in (self._mask_form, self._overlay_form if overlays else "{}"):
                (self._folder / form).parent.mkdir(parents=True, exist_ok=True)
            self._images = _Table(self._folder / IMAGES_TABLE, IMAGE_COLUMNS)
            self._objects = _Table(self._folder / OBJECTS_TABLE, OBJECT_COLUMNS)
        except OSError as error:
            raise PortableError(
                "{folder} cannot be written to: {reason}.",
                folder=folder,
                reason=error.strerror or error,
            ) from error

    def add(
        self, name: str, image: Image, judgement: Judgement, *, stem: str | None = None
    ) -> None:
        """Write what was said about one image.

        Args:
            name: of the image.
            image: (H, W, 3) uint8 BGR.
            judgement: what was said.
            stem: what its files are called; None: after the image, as far as that is free.
        """
        manifest = self._manifest
        colors = [class_color(manifest.colors, index) for index in range(manifest.num_classes)]
        stem = self._free_name(name) if stem is None else stem
        mask = encode_label_map(judgement.label_map, colors)
        files = {"mask": self._mask_form.format(stem)}
        (self._folder / files["mask"]).write_bytes(mask)
        if self._overlays:
            drawn = draw_judgement(image, judgement, colors=colors, background=manifest.background)
            _, data = cv2.imencode(".jpg", drawn)
            files["overlay"] = self._overlay_form.format(stem)
            (self._folder / files["overlay"]).write_bytes(data.tobytes())
        self._images.write([image_row(name, judgement)])
        self._objects.write(object_rows(name, judgement))
        self._entries.append({"image": name, **judgement.to_dict(), **files, "error": None})
        self.counts[judgement.outcome] += 1

    def add_error(self, name: str, error: ValueError) -> None:
        """Note that nothing can be said about an image."""
        self._images.write([{"image": name, "outcome": "error", "error": str(error)}])
        self._entries.append({"image": name, "outcome": None, "error": str(error)})
        self.counts["error"] += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._images.close()
        self._objects.close()
        content = {**self._facts, "counts": self.counts, "images": self._entries}
        temporary = self._folder / f".{RESULTS}.tmp"
        temporary.write_text(
            json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        temporary.replace(self._folder / RESULTS)

    def _free_name(self, name: str) -> str:
        """Return what the files of an image are called: as it is, as far as that is free."""
        plain = _FORBIDDEN.sub("_", Path(name).name).strip(" .") or "image"
        stem = _ENDING.sub("", _FRAME.sub(r"_\1", plain)) or plain
        number, chosen = 1, stem
        while chosen.casefold() in self._names:
            chosen = plain if number == 1 else f"{stem}_{number}"
            number += 1
        self._names.add(chosen.casefold())
        return chosen


class _Table:
    """A CSV file whose rows are on the disk as soon as they are written."""

    def __init__(self, file: Path, columns: Sequence[str]) -> None:
        # With a mark, or spreadsheets take the names for another encoding.
        self._stream = file.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.DictWriter(self._stream, columns)
        self._writer.writeheader()

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._writer.writerows(rows)
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()
