"""Label Studio's JSON: a list of tasks with polygons, boxes, ellipses and brush strokes.

Of several annotations of a task the latest that was completed counts. Coordinates are percents of
the image's size. Shapes are drawn in the order of the file, later ones on top.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from core.data.formats.areas import Area, AreaImages, LostShapes, polygon_area, stencil_area
from core.data.formats.brush_rle import decode_brush
from core.data.formats.conversion_report import ConversionReport
from core.data.formats.format import AnnotationFile, Evidence, FileHead, Format
from core.data.formats.image_index import ImageIndex, checked_size, find_files, is_file
from core.data.formats.import_result import ImportResult
from core.data.formats.parsing import is_number, load_json, said_size, subset_of_path
from core.images.io import IMAGE_SUFFIXES
from core.system.errors import InputError
from core.system.messages import message

_ELLIPSE_CORNERS = 720
_FULL = 100.0
_UPLOAD_PREFIX = re.compile(r"[0-9a-f]{4,32}-(?=.)")
_QUERY = re.compile(r"[?&]d=([^&]*)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^/]*/")
_IMAGE_KEYS = ("image", "img", "image_url", "ocr", "url")


def read(path: Path | str) -> ImportResult:
    """Read one JSON file, or all of a folder; images lie in its folder, or below.

    Images are looked for by the end of the name that a task gives (an upload, a local file, a URL),
    at last without the hexadecimal digits that Label Studio puts before uploaded names.

    Raises:
        InputError: no such file, or none that can be used (the first one's reason).
    """
    source = Path(path).absolute()
    files = find_files(source, (".json",)) if source.is_dir() else [source]
    report = ConversionReport()
    reader = _Reader(source if source.is_dir() else source.parent, report)
    for file in files:
        with report.leaving_out():
            reader.read_file(file)
    report.require(
        reader.images,
        InputError("{folder} holds no JSON file of Label Studio's with images.", folder=source),
    )
    return reader.images.result()


class _Reader:
    def __init__(self, root: Path, report: ConversionReport) -> None:
        self._root = root
        self._index = ImageIndex(root)
        self._report = report
        self._without_prefix = 0
        self.images = AreaImages("Label Studio", report)

    def read_file(self, file: Path) -> None:
        data = load_json(file)
        tasks = data if isinstance(data, list) else [data]
        if not any(_is_task(task) for task in tasks):
            raise InputError(
                "{file} is no list of Label Studio's tasks; export it as JSON, not as JSON-MIN.",
                file=file,
            )
        lost = LostShapes(self._report)
        several = predictions = 0
        for task in tasks:
            if not _is_task(task):
                continue
            annotation, others = _latest(task)
            several += others > 0
            predictions += annotation is None and bool(task.get("predictions"))
            with self._report.leaving_out():
                self._add_task(file, task, annotation, lost)
        lost.tell()
        if self._without_prefix:
            self._report.assumed(
                message(
                    "{count} {count:image|images} of {file} {count:was|were} found without the "
                    "letters that Label Studio puts before the names of uploads.",
                    count=self._without_prefix,
                    file=file,
                )
            )
            self._without_prefix = 0
        if several:
            self._report.assumed(
                message(
                    "{count} {count:image|images} of {file} {count:has|have} several annotations; "
                    "the latest one that was completed is taken.",
                    count=several,
                    file=file,
                )
            )
        if predictions:
            self._report.left_out(
                message(
                    "{count} {count:image|images} of {file} {count:has|have} nothing but "
                    "predictions, which are no labels.",
                    count=predictions,
                    file=file,
                )
            )

    def _add_task(
        self, file: Path, task: Mapping[str, Any], annotation: Any, lost: LostShapes
    ) -> None:
        image = self._find(file, task["data"])
        size = checked_size(image, None, file=file)
        if image in self.images:
            raise InputError(
                "{file} has the image {image} more than once; the first is used.",
                file=file,
                image=image.name,
            )
        subset = subset_of_path(image, self._root)
        results = annotation.get("result") if annotation is not None else None
        areas: list[Area] | None = None
        try:
            if isinstance(results, list):
                areas = self._areas(file, image, size, results, lost)
        finally:
            self.images.add(image, size, areas, subset)

    def _areas(
        self, file: Path, image: Path, size: tuple[int, int], results: list[Any], lost: LostShapes
    ) -> list[Area] | None:
        """Return what is drawn; None where there are results and none says what is where."""
        labels = _labels_by_region(results)
        areas: list[Area] = []
        for result in results:
            kind = result.get("type") if isinstance(result, dict) else None
            if not isinstance(kind, str) or kind in ("labels", "choices", "textarea", "relation"):
                continue  # not a shape
            shape = _SHAPES.get(kind.removesuffix("labels"))
            value = result.get("value")
            said = said_size(result.get("original_width"), result.get("original_height"))
            checked_size(image, said, file=file)
            try:
                if shape is None or not isinstance(value, dict) or result.get("image_rotation"):
                    raise ValueError(kind)
                names = value.get(kind) or labels.get(result.get("id"))
                areas.append(shape(_first_name(names), value, size))
            except ValueError:
                lost.add(file, kind)
        return areas if areas or not results else None

    def _find(self, file: Path, data: Mapping[str, Any]) -> Path:
        """Return the image of a task's data: the first of its values that names one."""
        keys = [key for key in _IMAGE_KEYS if key in data] + [
            key for key in data if key not in _IMAGE_KEYS
        ]
        problem: InputError | None = None
        for key in keys:
            if not isinstance(data[key], str):
                continue
            try:
                return self._find_name(file, data[key])
            except InputError as error:
                problem = problem or error
        raise problem or InputError("{file} lists a task without an image.", file=file)

    def _find_name(self, file: Path, name: str) -> Path:
        parts = _path_parts(name)
        for start in range(len(parts)):
            path = self._root.joinpath(*parts[start:])
            if path.suffix.lower() in IMAGE_SUFFIXES and is_file(path):
                return path
        base = parts[-1] if parts else name
        try:
            return self._index.find(base, file=file)
        except InputError:
            without = _UPLOAD_PREFIX.sub("", base, count=1)
            found = None
            if without != base:
                with contextlib.suppress(InputError):
                    found = self._index.find(without, file=file)
            if found is None:
                raise
        self._without_prefix += 1
        return found


def _is_task(task: Any) -> bool:
    return (
        isinstance(task, dict)
        and isinstance(task.get("data"), dict)
        and isinstance(task.get("annotations", task.get("completions")), list)
    )


def _latest(task: Mapping[str, Any]) -> tuple[Any, int]:
    """Return the latest completed annotation, None without one, and how many others there are."""
    listed = task.get("annotations", task.get("completions"))
    done = [
        one
        for one in listed or ()
        if isinstance(one, dict) and not one.get("was_cancelled") and "result" in one
    ]
    if not done:
        return None, 0
    latest = max(enumerate(done), key=lambda pair: (_moment(pair[1]), pair[0]))[1]
    return latest, len(done) - 1


def _moment(annotation: Mapping[str, Any]) -> str:
    """Return when an annotation was changed, as text that sorts by time."""
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _labels_by_region(results: list[Any]) -> dict[Any, Any]:
    """Return the labels that stand apart from their shapes, by the id of the region."""
    return {
        result.get("id"): result["value"].get("labels")
        for result in results
        if isinstance(result, dict)
        and result.get("type") == "labels"
        and isinstance(result.get("value"), dict)
        and isinstance(result.get("id"), str)
    }


def _first_name(names: Any) -> str:
    if isinstance(names, list) and names and isinstance(names[0], str) and names[0].strip():
        return names[0].strip()
    raise ValueError("no label")


def _path_parts(name: str) -> list[str]:
    """Return the parts of a path in an upload, a local file or a URL, without those upwards."""
    query = _QUERY.search(name)
    name = query[1] if query is not None else _SCHEME.sub("", name, count=1).split("?", 1)[0]
    parts = unquote(name).replace("\\", "/").split("/")
    return [part for part in parts if part not in ("", ".", "..") and "\0" not in part]


def _number(value: Mapping[str, Any], key: str, *, default: float | None = None) -> float:
    found = value.get(key, default)
    if not is_number(found):
        raise ValueError(key)
    return float(found)


def _polygon(label: str, value: Mapping[str, Any], size: tuple[int, int]) -> Area:
    points = value.get("points")
    if not isinstance(points, list) or not all(
        isinstance(point, list) and len(point) == 2 and all(map(is_number, point))
        for point in points
    ):
        raise ValueError("no points")
    corners = np.array(points, np.float64).reshape(-1, 2) * np.array(size) / _FULL
    return polygon_area(label, corners.ravel().tolist())


def _rectangle(label: str, value: Mapping[str, Any], size: tuple[int, int]) -> Area:
    """Return a box, which is turned around its upper left corner."""
    corner = _scaled(value, ("x", "y"), size)
    width, height = _scaled(value, ("width", "height"), size)
    around = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    return polygon_area(label, (_turned(around, value) + corner).ravel().tolist())


def _ellipse(label: str, value: Mapping[str, Any], size: tuple[int, int]) -> Area:
    """Return an ellipse, which is turned around its centre."""
    center = _scaled(value, ("x", "y"), size)
    radii = _scaled(value, ("radiusX", "radiusY"), size)
    turn = np.linspace(0, 2 * math.pi, _ELLIPSE_CORNERS, endpoint=False)
    around = np.stack([np.cos(turn), np.sin(turn)], axis=1) * radii
    return polygon_area(label, (_turned(around, value) + center).ravel().tolist())


def _brush(label: str, value: Mapping[str, Any], size: tuple[int, int]) -> Area:
    values = value.get("rle")
    if value.get("format") != "rle" or not isinstance(values, list):
        raise ValueError("no run lengths")
    return stencil_area(label, decode_brush(values, size), 0, 0, size)


def _scaled(
    value: Mapping[str, Any], keys: tuple[str, str], size: tuple[int, int]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return percents of width and height as pixels."""
    percents = np.array([_number(value, key) for key in keys], np.float64)
    return np.asarray(percents * np.array(size) / _FULL, np.float64)


def _turned(
    points: np.ndarray[Any, np.dtype[np.float64]], value: Mapping[str, Any]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Turn points around 0, 0 by the shape's degrees, clockwise as one sees them."""
    angle = math.radians(_number(value, "rotation", default=0))
    sine, cosine = math.sin(angle), math.cos(angle)
    return np.asarray(points @ np.array([[cosine, sine], [-sine, cosine]]), np.float64)


_SHAPES: dict[str, Callable[[str, Mapping[str, Any], tuple[int, int]], Area]] = {
    "polygon": _polygon,
    "rectangle": _rectangle,
    "ellipse": _ellipse,
    "brush": _brush,
}


def _is_tasks(head: FileHead) -> bool:
    """A list of tasks, or one task; what stands in it besides depends on the version."""
    begins = head.data.lstrip()[:1] in (b"[", b"{")
    annotated = any(key in head.data for key in (b'"annotations"', b'"completions"'))
    own = (b'"result"', b'"was_cancelled"', b'"file_upload"', b'"total_annotations"')
    return begins and annotated and b'"data"' in head.data and any(k in head.data for k in own)


FORMAT = Format(
    key="label-studio",
    title=message("Label Studio (JSON)"),
    read=lambda path, _: read(path),
    file=AnnotationFile(suffixes=(".json",), is_one=_is_tasks, evidence=Evidence.FILE_OF_MANY),
)
