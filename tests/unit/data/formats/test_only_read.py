"""All formats that are read and not written: told, converted, damaged, hostile."""

from __future__ import annotations

import json

import numpy as np
import pytest
from damaged_files import damage
from foreign_samples import MASK, SAMPLES, write_sample

from core.data.formats import parsing, registry
from core.data.formats.detection import IMAGES_ONLY, detect_format
from core.project import Project
from core.system.errors import InputError

WITH_JSON = ["coco-panoptic", "label-studio", "supervisely", "datumaro", "sam", "mapillary"]


def text_files(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".json", ".txt", ".csv"))


def test_every_format_has_a_sample():
    only_read = {one.key for one in registry.READABLE if one.write is None}
    assert only_read - {"cityscapes-train-ids"} == SAMPLES.keys()


@pytest.mark.parametrize("key", SAMPLES)
def test_samples_are_told_and_carried_into_every_written_format(tmp_path, key):
    folder = write_sample(key, tmp_path / "数 据")
    assert detect_format(folder) == key
    result = registry.read(key, folder)
    (item,) = result.items
    np.testing.assert_array_equal(item.mask(), MASK)
    assert item.subset == (None if key in ("color-masks", "label-studio", "sam") else "train")
    registry.write("seg", result, tmp_path / "seg")
    back = registry.read("seg", tmp_path / "seg")
    assert back.labels == result.labels
    np.testing.assert_array_equal(back.items[0].mask(), MASK)


@pytest.mark.parametrize("key", SAMPLES)
def test_a_project_takes_them_over(tmp_path, key):
    folder = write_sample(key, tmp_path / "in")
    with Project.create(tmp_path / "项 目", labels=["background"]) as project:
        report = project.import_result(registry.read(key, folder), source=folder)
        assert (report.added, report.masks) == (1, 1)
        names = [label.name for label in project.labels()]
        found = project.label_map(project.image_ids()[0])
        assert ((found > 0) == (MASK > 0)).all() or "unlabeled" in names


@pytest.mark.parametrize("key", SAMPLES)
def test_random_damage_never_escapes_as_anything_but_a_sentence(tmp_path, key):
    rng = np.random.default_rng(len(key))
    folder = write_sample(key, tmp_path / "损坏")
    for path in text_files(folder):
        whole = path.read_bytes()
        for _ in range(60):
            path.write_bytes(damage(whole, rng))
            try:
                detect_format(folder)
                result = registry.read(key, folder)
                masks = [item.mask() for item in result.items if item.mask is not None]
            except InputError:
                continue
            assert all(mask.dtype == np.uint8 and mask.shape == MASK.shape for mask in masks)
        path.write_bytes(whole)


@pytest.mark.parametrize("key", WITH_JSON)
def test_any_value_may_be_of_any_type(tmp_path, key):
    """Put something else in the place of each value in turn."""
    folder = write_sample(key, tmp_path / "in")
    for path in (one for one in text_files(folder) if one.suffix == ".json"):
        whole = json.loads(path.read_text("utf-8"))
        for other in (None, 7, -1, 1e300, "x", "../../x", [], {}, [[]], [None], True):
            for changed in _changed(whole, other):
                path.write_text(json.dumps(changed))
                try:
                    detect_format(folder)
                    for item in registry.read(key, folder).items:
                        assert item.mask is None or item.mask().dtype == np.uint8
                except InputError:
                    continue
        path.write_text(json.dumps(whole))


def _changed(value, other):
    """Yield a value with ``other`` in one place, for each place."""
    yield other
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in list(pairs) if isinstance(value, (dict, list)) else []:
        for new in _changed(part, other) if isinstance(part, (dict, list)) else [other]:
            copy = value.copy()
            copy[key] = new
            yield copy


@pytest.mark.parametrize("key", WITH_JSON)
def test_deep_and_large_json_is_one_sentence(tmp_path, key, monkeypatch):
    folder = write_sample(key, tmp_path / "in")
    path = text_files(folder)[-1]
    whole = path.read_text("utf-8")
    path.write_text("[" * 200_000)
    with pytest.raises(InputError, match="no valid JSON"):
        _read_whole(key, folder)
    path.write_text(whole)
    monkeypatch.setattr(parsing, "MAX_FILE_BYTES", 50)
    with pytest.raises(InputError, match="is larger than"):
        _read_whole(key, folder)


def _read_whole(key, folder):
    """Read a folder; the first thing left out is raised where nothing is labelled."""
    result = registry.read(key, folder)
    if all(item.mask is None for item in result.items):
        first = result.report.messages[0]
        raise InputError(first.template, **first.params)


@pytest.mark.parametrize("key", SAMPLES)
def test_empty_and_missing_folders_are_one_sentence(tmp_path, key):
    (tmp_path / "空 empty").mkdir()
    for folder in (tmp_path / "空 empty", tmp_path / "missing"):
        with pytest.raises(InputError) as caught:
            registry.read(key, folder)
        assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("key", SAMPLES)
def test_links_in_a_circle_end(tmp_path, key):
    folder = write_sample(key, tmp_path / "in")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    (folder / "self.json").symlink_to("self.json")
    assert detect_format(folder) not in (IMAGES_ONLY, "")
    assert len(registry.read(key, folder).items) == 1
