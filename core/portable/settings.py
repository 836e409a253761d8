"""What decides about an image beside the model: rules, limits, regions, the size of a pixel."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from .cleaning import InspectedArea, Polygon
from .manifest import Manifest
from .portable_error import PortableError
from .quantities import Quantity, area_of
from .rules import Rule, check_units, parse_rules

_NAMES: Final = ("thresholds", "minimum_area", "fill_holes", "inconclusive_below")
_AREA_NAMES: Final = ("regions", "regions_file", "dont_care", "dont_care_file")
_PATHS: Final = re.compile(r"[/\\:\x00]")
_FARTHEST: Final = 1e6
_MOST_POINTS: Final = 100_000
_ALL_OF_IT: Final = InspectedArea()
#: Stands for every class for which nothing else is said.
EVERY_CLASS: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides about an image beside the model.

    Attributes:
        rules: the worst outcome of all counts; none: any object rejects.
        thresholds: how sure the model must be of each class: True for the model's own, or one for
            each class; None: the likeliest class.
        minimum_area: least area of an object, by class name; ``*`` for all others.
        fill_holes: largest hole in an object that is filled, by class name; ``*`` for all others.
        area: which part of the image is inspected.
        pixel_size_mm: side of a pixel, None where it is not known.
        inconclusive_below: objects whose mean score is below this cannot reject: an image for
            which it depends on them is inconclusive.
    """

    rules: tuple[Rule, ...] = ()
    thresholds: bool | tuple[float | None, ...] | None = None
    minimum_area: Mapping[str, Quantity] = field(default_factory=dict)
    fill_holes: Mapping[str, Quantity] = field(default_factory=dict)
    area: InspectedArea = _ALL_OF_IT
    pixel_size_mm: float | None = None
    inconclusive_below: float | None = None

    @classmethod
    def from_manifest(cls, manifest: Manifest, folder: str | Path | None = None) -> Settings:
        """Read the settings of an exported model.

        Args:
            manifest: of the export.
            folder: the export's, where its region files lie.

        Raises:
            PortableError: a setting is wrong.
        """
        return cls.from_dict(
            {
                **manifest.settings,
                "rules": list(manifest.rules),
                "pixel_size_mm": manifest.pixel_size_mm,
            },
            labels=manifest.labels,
            background=manifest.background,
            folder=folder,
        )

    def into_manifest(self, manifest: Manifest) -> Manifest:
        """Return the manifest with these settings; the model's own thresholds stay."""
        content = self.to_dict()
        return replace(
            manifest,
            rules=tuple(content["rules"]),
            pixel_size_mm=self.pixel_size_mm,
            settings={name: content[name] for name in (*_NAMES, *_AREA_NAMES) if content.get(name)},
        )

    @classmethod
    def from_dict(
        cls,
        content: Mapping[str, Any],
        *,
        labels: Sequence[str],
        background: int | None,
        folder: str | Path | None = None,
    ) -> Settings:
        """Read settings from JSON's types, as ``to_dict`` gives them.

        Args:
            content: what is missing is as by default; names that are not known are refused.
            labels: class names.
            background: class id of which no objects are made, or None.
            folder: what region files are relative to.

        Raises:
            PortableError: a setting is wrong.
        """
        known = {"rules", "pixel_size_mm", *_NAMES, *_AREA_NAMES}
        for name in content:
            if name not in known:
                raise PortableError(
                    "There is no setting {name}; there are {names}.",
                    name=str(name)[:60],
                    names=", ".join(sorted(known)),
                )
        rules = content.get("rules") or ()
        is_list = isinstance(rules, (list, tuple))
        if not is_list or not all(isinstance(one, str) for one in rules):
            raise PortableError("{name} is no list of texts.", name="rules")
        settings = cls(
            rules=parse_rules(rules, labels, background=background),
            thresholds=_thresholds(content.get("thresholds"), len(labels)),
            minimum_area=_areas(content.get("minimum_area"), "minimum_area", labels),
            fill_holes=_areas(content.get("fill_holes"), "fill_holes", labels),
            area=InspectedArea(
                regions=_polygons(content.get("regions"), "regions"),
                regions_file=_file(content.get("regions_file"), folder),
                dont_care=_polygons(content.get("dont_care"), "dont_care"),
                dont_care_file=_file(content.get("dont_care_file"), folder),
            ),
            pixel_size_mm=pixel_size(content.get("pixel_size_mm")),
            inconclusive_below=_number(
                content.get("inconclusive_below"), "inconclusive_below", most=1
            ),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse millimetres where the size of a pixel is not known.

        Raises:
            PortableError: a rule or an area is in millimetres.
        """
        check_units(self.rules, self.pixel_size_mm)
        for name, areas in (("minimum_area", self.minimum_area), ("fill_holes", self.fill_holes)):
            for class_name, area in areas.items():
                if area.unit == "mm2" and self.pixel_size_mm is None:
                    raise PortableError(
                        "{name} of {class_name} is in millimetres, and the size of a pixel is not "
                        "known: set it, or give the area in px2.",
                        name=name,
                        class_name=class_name,
                    )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's types; region files by their names alone."""
        area, asked = self.area, self.thresholds
        return {
            "rules": [str(rule) for rule in self.rules],
            "thresholds": list(asked) if isinstance(asked, tuple) else asked,
            "minimum_area": {name: str(value) for name, value in self.minimum_area.items()},
            "fill_holes": {name: str(value) for name, value in self.fill_holes.items()},
            "regions": [[list(point) for point in one] for one in area.regions],
            "regions_file": area.regions_file.name if area.regions_file else None,
            "dont_care": [[list(point) for point in one] for one in area.dont_care],
            "dont_care_file": area.dont_care_file.name if area.dont_care_file else None,
            "pixel_size_mm": self.pixel_size_mm,
            "inconclusive_below": self.inconclusive_below,
        }

    def areas_px(self, areas: Mapping[str, Quantity], labels: Sequence[str]) -> tuple[float, ...]:
        """Return ``minimum_area`` or ``fill_holes`` in pixels by class id; 0 where none is said."""
        every = areas.get(EVERY_CLASS)
        return tuple(self._px(areas.get(label, every)) for label in labels)

    def _px(self, area: Quantity | None) -> float:
        if area is None:
            return 0.0
        if area.unit == "px2" or self.pixel_size_mm is None:
            return area.value
        return float(f"{area.value / self.pixel_size_mm**2:.9g}")


def pixel_size(value: Any) -> float | None:
    """Return the side of a pixel in millimetres, as JSON or a person gives it.

    Raises:
        PortableError: it is no number above 0.
    """
    return _number(value, "pixel_size_mm", most=1e6)


def _areas(value: Any, name: str, labels: Sequence[str]) -> dict[str, Quantity]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        value = {EVERY_CLASS: value}
    for class_name in value:
        if class_name != EVERY_CLASS and class_name not in labels:
            raise PortableError(
                "{name} names {class_name}, which is none of the classes {names}.",
                name=name,
                class_name=str(class_name)[:60],
                names=", ".join(labels[:20]),
            )
    return {class_name: area_of(area, name) for class_name, area in value.items()}


def _number(value: Any, name: str, *, most: float) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not (0 < value <= most):
        raise PortableError(
            "{name} is {value}: give a number above 0 and up to {most}.",
            name=name,
            value=str(value)[:60],
            most=f"{most:g}",
        )
    return float(value)


def _thresholds(value: Any, num_classes: int) -> bool | tuple[float | None, ...] | None:
    if value is None or isinstance(value, bool):
        return value or None
    right = isinstance(value, (list, tuple)) and len(value) == num_classes
    if not right or not all(
        one is None or (isinstance(one, (int, float)) and 0 < one < 1) for one in value
    ):
        raise PortableError(
            "The thresholds are {value}: give true for the model's own, or one number between "
            "0 and 1, or null, for each class.",
            value=str(value)[:60],
        )
    return tuple(value)


def _polygons(value: Any, name: str) -> tuple[Polygon, ...]:
    try:
        polygons = tuple(
            tuple((float(x), float(y)) for x, y in polygon) for polygon in (value or ())
        )
        numbers = [number for one in polygons for point in one for number in point]
        is_right = all(math.isfinite(one) and abs(one) <= _FARTHEST for one in numbers)
        is_right &= all(len(one) >= 3 for one in polygons) and len(numbers) <= 2 * _MOST_POINTS
    except (TypeError, ValueError):
        is_right = False
    if not is_right:
        raise PortableError(
            "{name} is no list of polygons: give each as [[x, y], [x, y], [x, y], …] in pixels.",
            name=name,
        )
    return polygons


def _file(value: Any, folder: str | Path | None) -> Path | None:
    """Return a region file; of an export, it lies in its folder."""
    if value is None:
        return None
    right = isinstance(value, (str, Path)) and str(value) not in ("", ".", "..")
    if not right or (folder is not None and _PATHS.search(str(value))):
        raise PortableError(
            "The region file {file} is no name of a file in the export's folder.",
            file=str(value)[:60],
        )
    return Path(value) if folder is None else Path(folder) / value
