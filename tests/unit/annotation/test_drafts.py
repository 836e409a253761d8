"""Uncertainty, drafts and their files."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.annotation import draft as drafts
from core.annotation.draft import Draft, DraftRecord, Prediction, map_classes
from core.annotation.edits import Region
from core.annotation.uncertainty import Uncertainty, measure
from core.data.label_class import LabelClass
from core.images.io import write_mask
from core.system.errors import InputError

PROJECT = tuple(
    LabelClass(place, name, (place, 0, 0)) for place, name in enumerate(("背景", "Pit", "scratch"))
)


def test_entropy_and_margin_of_known_distributions():
    scores = np.zeros((2, 2, 4), np.float32)
    scores[0, 0] = 0.25
    scores[0, 1] = (0.5, 0.5, 0, 0)
    scores[1, 0] = (0, 0, 1, 0)
    scores[1, 1] = (0.1, 0.2, 0.0, 0.7)
    label_map = scores.argmax(-1).astype(np.uint8)
    confidence, found = measure(scores, label_map)
    parts = -(0.1 * math.log(0.1) + 0.2 * math.log(0.2) + 0.7 * math.log(0.7))
    expected = (math.log(4) + math.log(2) + 0 + parts) / 4 / math.log(4)
    assert found.entropy == pytest.approx(expected, abs=1e-6)
    assert found.margin == pytest.approx((0 + 0 + 1 + 0.5) / 4, abs=1e-6)
    assert confidence.tolist() == [[64, 128], [255, 178]]


def test_pixels_without_a_prediction_do_not_count():
    scores = np.full((2, 3, 3), 1 / 3, np.float32)
    scores[:, 0] = (0, 1, 0)
    label_map = np.full((2, 3), 255, np.uint8)
    label_map[:, 0] = 1
    confidence, found = measure(scores, label_map)
    assert found.entropy == pytest.approx(0, abs=1e-6)
    assert found.margin == 1
    assert confidence.tolist() == [[255, 0, 0]] * 2


def test_bands_make_no_difference(monkeypatch):
    rng = np.random.default_rng(2)
    scores = rng.dirichlet(np.ones(5), (37, 11)).astype(np.float32)
    label_map = scores.argmax(-1).astype(np.uint8)
    whole = measure(scores, label_map)
    monkeypatch.setattr("core.annotation.uncertainty._BAND_NUMBERS", 200)
    parts = measure(scores, label_map)
    assert np.array_equal(whole[0], parts[0])
    assert whole[1].entropy == pytest.approx(parts[1].entropy, abs=1e-6)


def test_classes_are_mapped_by_name_only():
    mapping = map_classes(("scratch ", "背景", "dent"), PROJECT)
    assert mapping.table == (2, 0, 255)
    assert mapping.missing == ("dent",)
    assert "dent" in str(mapping.problem)
    assert map_classes(("pit",), PROJECT).problem is None


def prediction(label_map, confidence) -> Prediction:
    return Prediction(
        np.array(label_map, np.uint8),
        np.array(confidence, np.uint8),
        Uncertainty(0.5, 0.25),
        ("scratch", "背景", "dent"),
    )


def test_a_draft_offers_known_classes_above_the_threshold():
    draft = Draft.of(prediction([[0, 1, 2, 0]], [[200, 200, 200, 100]]), PROJECT)
    assert draft.offered(0).tolist() == [[2, 0, 255, 2]]
    assert draft.offered(150).tolist() == [[2, 0, 255, 255]]
    assert draft.offered(150, background=0).tolist() == [[2, 255, 255, 255]]
    left = draft.without(Region((0, 0, 2, 1), np.array([[True, True]])))
    assert left.offered(0).tolist() == [[255, 255, 255, 2]]
    assert not left.is_empty
    assert left.without(Region((3, 0, 4, 1), np.array([[True]]))).is_empty


def test_records_survive_a_torn_line_and_foreign_ones(tmp_path):
    folder = tmp_path / "运行 1"
    folder.mkdir()
    for index in range(2):
        record = DraftRecord(index, f"图 {index}.png", 7 + index, 0.25, 0.5)
        drafts.append_record(folder, record)
    drafts.append_record(folder, DraftRecord(2, "坏.png", problem="damaged"))
    with (folder / drafts.RESULTS).open("ab") as file:
        file.write(b'{"index": 3, "ima')
    found = drafts.read_records(folder)
    assert [one.index for one in found] == [0, 1, 2]
    assert found[1] == DraftRecord(1, "图 1.png", 8, 0.25, 0.5)
    assert found[2].entropy is None
    drafts.drop_torn_line(folder)
    drafts.append_record(folder, DraftRecord(3, "三.png"))
    with (folder / drafts.RESULTS).open("ab") as file:
        file.write(b'{"index": "../../x", "image": "x"}\n[1]\nnull\n')
    assert [one.index for one in drafts.read_records(folder)] == [0, 1, 2, 3]


def test_a_draft_of_another_size_is_refused(tmp_path):
    (tmp_path / drafts.DRAFTS_DIR).mkdir()
    drafts.write_labels(tmp_path, ("背景", "b"))
    record = DraftRecord(0, "a.png", 1, 0.5, 0.5)
    for path in (drafts.mask_file(tmp_path, 0), drafts.confidence_file(tmp_path, 0)):
        write_mask(path, np.full((4, 6), 200, np.uint8))
    found = drafts.read_prediction(tmp_path, record, size=(6, 4))
    assert found.confidence.max() == found.confidence.min() == 200
    assert found.labels == ("背景", "b")
    with pytest.raises(InputError, match="6×4, the image 8×4"):
        drafts.read_prediction(tmp_path, record, size=(8, 4))


def test_the_least_certain_image_comes_first():
    found = {1: Uncertainty(0.1, 0.2), 2: Uncertainty(0.9, 0.5), 3: Uncertainty(0.4, 0.1)}
    ids = (9, 1, 2, 8, 3)
    assert drafts.most_uncertain_first(found, ids, by="entropy") == [2, 3, 1, 9, 8]
    assert drafts.most_uncertain_first(found, ids, by="margin") == [3, 1, 2, 9, 8]
