"""Changing what an exported model decides by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from core.images.io import read_mask
from core.portable.manifest import file_record, read_manifest, write_manifest
from core.portable.settings import Settings
from core.system.errors import portable_errors
from core.system.files import write_bytes_atomic

_REGIONS: Final = "regions.png"
_DONT_CARE: Final = "dont_care.png"


def remember_settings(folder: Path, settings: Settings) -> None:
    """Write settings into the manifest of an export, and their region files beside it.

    The model file stays as it is, so that what was verified of it still holds.

    Raises:
        InputError: there is no manifest, or a region file cannot be read.
    """
    with portable_errors():
        manifest = read_manifest(folder)
    area = settings.area
    files = dict(manifest.files)
    regions = _kept(area.regions_file, folder / _REGIONS, files)
    dont_care = _kept(area.dont_care_file, folder / _DONT_CARE, files)
    area = replace(area, regions_file=regions, dont_care_file=dont_care)
    changed = replace(settings, area=area).into_manifest(manifest)
    write_manifest(folder, replace(changed, files=files))


def region_file(file: Path, target: Path) -> Path:
    """Write what is not 0 in a mask of any kind as white in a grey PNG; returns ``target``.

    Raises:
        InputError: the mask cannot be read.
    """
    _, data = cv2.imencode(".png", (read_mask(file) != 0).astype(np.uint8) * 255)
    write_bytes_atomic(target, data.tobytes())
    return target


def _kept(file: Path | None, target: Path, files: dict[str, Mapping[str, Any]]) -> Path | None:
    """Copy a region file into the export and into its list of files; None: there is none."""
    files.pop(target.name, None)
    if file is None:
        target.unlink(missing_ok=True)
        return None
    if file.absolute() != target.absolute():
        region_file(file, target)
    files[target.name] = file_record(target)
    return target
