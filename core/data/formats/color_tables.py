"""Which colour is which class: the files in which tools say so, read as one table.

``labelmap.txt`` (CVAT), ``label_colors.txt`` (CamVid), ``class_dict.csv``, ``dataset_meta.json``
(datumaro, CVAT), ``meta.json`` (Supervisely), ``config.json`` (Mapillary), PaddleX's
``colors.txt`` beside ``labels.txt``, and lists of a colour and a name on each line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.data.class_names import read_names
from core.data.formats.parsing import load_json, parse_color
from core.datasets import LABELS_FILE
from core.images.io import IGNORE_INDEX
from core.images.palette import Color, default_palette
from core.system.errors import InputError
from core.system.files import read_text

ColorTable = dict[Color, str]

TABLE_NAMES = (
    "labelmap.txt",
    "label_colors.txt",
    "class_dict.csv",
    "dataset_meta.json",
    "meta.json",
)
_COLORS_FILE = "colors.txt"
_NUMBER = r"(\d{1,3})"
_SEPARATED = rf"{_NUMBER}[\s,;]+{_NUMBER}[\s,;]+{_NUMBER}"
_LINES = (
    (re.compile(rf"(?P<name>.+?):\s*{_NUMBER},\s*{_NUMBER},\s*{_NUMBER}(?::.*)?"), True),
    (re.compile(rf"{_SEPARATED}[\s,;]+(?P<name>.*\D.*)"), True),
    (re.compile(rf"(?P<name>.+?)[\s,;]+{_SEPARATED}"), True),
    (re.compile(r"(?P<name>.+?)[\s,;:=]+(?P<hex>#[0-9a-fA-F]{6})"), False),
    (re.compile(r"(?P<hex>#[0-9a-fA-F]{6})[\s,;:=]+(?P<name>.+)"), False),
)
_MAX_BYTES = 2**20
_BORDER = (224, 224, 192)


def find_color_table(root: Path) -> Path | None:
    """Return the file of a folder, or of a folder directly in it, that says what colours mean."""
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    for folder in folders:
        for name in (*TABLE_NAMES, _COLORS_FILE):
            path = folder / name
            if not path.is_file() or (name == _COLORS_FILE and not _names_beside(path).is_file()):
                continue
            return path
    return None


def _names_beside(path: Path) -> Path:
    return path.with_name(LABELS_FILE)


def read_color_table(path: Path | str) -> ColorTable:
    """Read a table of colours and class names, in the order of the file.

    Several colours may have one name; ``__ignore__`` is for pixels that are ignored.

    Raises:
        InputError: missing, empty, a line that is no name with a colour, or one colour for two
            classes.
    """
    file = Path(path)
    if file.suffix.lower() == ".json":
        return _from_json(file)
    text = read_text(file, max_bytes=_MAX_BYTES)
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"))]
    lines = [(n, line) for n, line in lines if line and not _is_comment(line)]
    if file.name == _COLORS_FILE and _names_beside(file).is_file():
        names = read_names(_names_beside(file))
        pairs = [f"{line} {name}" for (_, line), name in zip(lines, names, strict=False)]
        lines = list(enumerate(pairs))
    table: ColorTable = {}
    for place, (_, line) in enumerate(lines):
        found = _parse_line(line)
        if found is None:
            if place == 0 and file.suffix.lower() == ".csv":
                continue  # the names of the columns
            raise InputError(
                "{file} has a line that is no name with a colour: {line}.", file=file, line=line
            )
        _put(file, table, *found)
    return _checked(file, table)


def _is_comment(line: str) -> bool:
    return line.startswith("#") and re.match(r"#[0-9a-fA-F]{6}[\s,;:=]", line) is None


def _parse_line(line: str) -> tuple[str, Color] | None:
    for pattern, by_numbers in _LINES:
        match = pattern.fullmatch(line)
        if match is None:
            continue
        name = match["name"].strip().strip("\"'").strip()
        if not by_numbers:
            color = parse_color(match["hex"])
        else:
            numbers = [int(part) for part in match.groups() if part and part != match["name"]]
            color = parse_color(numbers[-3:] if match.start("name") == 0 else numbers[:3])
        if name and color is not None:
            return name, color
    return None


def _from_json(file: Path) -> ColorTable:
    data = load_json(file)
    table: ColorTable = {}
    entries: Any = data
    if isinstance(data, dict):
        names, colors = data.get("label_map"), data.get("segmentation_colors")
        if isinstance(names, dict) and isinstance(colors, list):
            entries = [
                {"name": name, "color": color}
                for name, color in zip(_by_number(names), colors, strict=False)
            ]
        else:
            entries = next(
                (data[key] for key in ("classes", "labels") if isinstance(data.get(key), list)),
                [{"name": name, "color": color} for name, color in data.items()],
            )
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict):
            continue
        name = next(
            (entry[key] for key in ("title", "name") if isinstance(entry.get(key), str)), ""
        )
        color = parse_color(entry.get("color"))
        if name.strip() and color is not None:
            _put(file, table, name.strip(), color)
    return _checked(file, table)


def _by_number(names: Mapping[str, Any]) -> list[Any]:
    """Return the names in the order of their numbers, which are text in JSON."""
    if all(key.isdecimal() for key in names):
        return [names[key] for key in sorted(names, key=int)]
    return list(names.values())


def _put(file: Path, table: ColorTable, name: str, color: Color) -> None:
    if table.get(color, name) != name:
        raise InputError(
            "{file} gives the colour {color} to two classes, {first} and {second}.",
            file=file,
            color=color_text(color),
            first=table[color],
            second=name,
        )
    table[color] = name


def _checked(file: Path, table: ColorTable) -> ColorTable:
    if not table:
        raise InputError("{file} names no colours of classes.", file=file)
    return table


def color_text(color: Color) -> str:
    """Return a colour as tables have it: "255,0,0"."""
    return ",".join(map(str, color))


def voc_palette(count: int) -> list[Color]:
    """Return VOC's colours: bit i of a class goes to red, green, blue in turn, high bits first."""
    colors = []
    for index in range(count):
        channels = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                channels[channel] |= (index >> (3 * bit + channel) & 1) << (7 - bit)
        colors.append((channels[0], channels[1], channels[2]))
    return colors


def voc_colors(colors: Sequence[Color]) -> dict[Color, int]:
    """Return the class of each colour, and of VOC's border, which is ignored."""
    return {_BORDER: IGNORE_INDEX} | {color: index for index, color in enumerate(colors)}


def color_of_each(count: int, classes: Mapping[Color, int]) -> list[Color]:
    """Return a colour for each class: its first of ``classes``, else the default palette's."""
    colors = default_palette(count)
    for color, index in reversed([*classes.items()]):
        if index < count:
            colors[index] = color
    return colors
