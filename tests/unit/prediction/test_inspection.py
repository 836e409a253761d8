"""Error maps and per-image scores against results worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import confusion_matrix

from core.prediction.inspection import (
    LabelMap,
    PixelError,
    background_class,
    error_map,
    read_evaluation,
    score_image,
    with_confusion,
    worst_first,
)
from core.prediction.metrics import ConfusionMatrix
from core.system.errors import InputError
from core.system.files import write_json_atomic

LABEL = np.array([[0, 0, 1, 1], [2, 2, 255, 255]], np.uint8)
PREDICTION = np.array([[0, 1, 1, 0], [2, 1, 0, 2]], np.uint8)


def confusions(predicted: LabelMap, label: LabelMap, *, num_classes: int) -> npt.NDArray[np.int64]:
    counted = ConfusionMatrix(num_classes)
    counted.update(predicted, label)
    return counted.matrix


def test_error_map_with_background() -> None:
    ok, missed, false = PixelError.CORRECT, PixelError.MISSED, PixelError.FALSE
    confused, ignored = PixelError.CONFUSED, PixelError.IGNORED
    expected = [[ok, false, ok, missed], [ok, confused, ignored, ignored]]
    assert error_map(PREDICTION, LABEL).tolist() == expected


def test_error_map_without_background_knows_only_confusion() -> None:
    expected = [[0, 3, 0, 3], [0, 3, 4, 4]]
    assert error_map(PREDICTION, LABEL, background=None).tolist() == expected


def test_error_map_of_one_class() -> None:
    # class 1: found at (0, 2); missed at (0, 3); claimed at (0, 1) and (1, 1)
    assert error_map(PREDICTION, LABEL, focus=1).tolist() == [[0, 2, 0, 1], [0, 2, 4, 4]]
    # class 2: found at (1, 0), missed at (1, 1); (1, 3) has no ground truth
    assert error_map(PREDICTION, LABEL, focus=2).tolist() == [[0, 0, 0, 0], [0, 1, 4, 4]]


def test_confusions_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    label = rng.integers(0, 5, (37, 41), dtype=np.uint8)
    predicted = rng.integers(0, 5, (37, 41), dtype=np.uint8)
    label[:3] = 255
    valid = label != 255
    oracle = confusion_matrix(label[valid], predicted[valid], labels=range(5))
    assert np.array_equal(confusions(predicted, label, num_classes=5), oracle)


def test_score_of_one_image() -> None:
    matrix = confusions(PREDICTION, LABEL, num_classes=4)
    score = score_image(matrix, image=Path("a"), label=Path("b"), prediction=Path("c"))
    # six pixels with truth, three right; IoU: class 0 1/3, class 1 1/4, class 2 1/2; 3 is absent
    assert (score.pixels, score.wrong_pixels) == (6, 3)
    assert score.accuracy == pytest.approx(0.5)
    assert score.miou == pytest.approx((1 / 3 + 1 / 4 + 1 / 2) / 3)
    assert score.confusions == {(0, 1): 1, (1, 0): 1, (2, 1): 1}


def make_score(name: str, matrix: list[list[int]]):
    path = Path(name)
    return score_image(np.array(matrix, np.int64), image=path, label=path, prediction=path)


def test_worst_first_puts_images_without_truth_last() -> None:
    good = make_score("good", [[9, 1], [0, 5]])
    bad = make_score("bad", [[1, 9], [5, 0]])
    empty = make_score("empty", [[0, 0], [0, 0]])
    assert empty.miou is None
    assert [s.image.name for s in worst_first([empty, good, bad])] == ["bad", "good", "empty"]


def test_images_with_one_confusion() -> None:
    few = make_score("few", [[9, 1], [0, 5]])
    many = make_score("many", [[1, 9], [5, 0]])
    none = make_score("none", [[9, 0], [2, 5]])
    assert [s.image.name for s in with_confusion([few, none, many], 0, 1)] == ["many", "few"]
    # the diagonal: any error of that class, most first (14, 2, 1)
    assert [s.image.name for s in with_confusion([few, none, many], 0, 0)] == [
        "many",
        "none",
        "few",
    ]


def test_sizes_and_classes_that_do_not_fit_are_told_in_a_sentence() -> None:
    with pytest.raises(InputError, match="4×2 pixels and its mask 3×2"):
        error_map(PREDICTION, LABEL[:, :3])
    with pytest.raises(InputError, match="holds the value 2"):
        confusions(PREDICTION, LABEL, num_classes=2)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(["sky", "road"], None), (["_background_", "cat"], 0), (["hole", "Background"], 1)],
)
def test_background_is_told_by_name(labels: list[str], expected: int | None) -> None:
    assert background_class(labels) == expected


def test_evaluation_is_read_back_worst_first(tmp_path: Path) -> None:
    folder = tmp_path / "评估 run"
    folder.mkdir()
    row = {"mask": "/m.png", "accuracy": 0.5, "pixels": 8, "wrong_pixels": 4}
    rows = [
        {**row, "image": "/a.png", "prediction": "p/0.png", "miou": 0.9, "confusions": []},
        {**row, "image": "/b.png", "prediction": None, "miou": 0.2, "confusions": [[1, 0, 4]]},
    ]
    result = {"labels": ["ok", "洞"], "split": "val", "confusion_matrix": [[8, 0], [4, 4]]}
    write_json_atomic(folder / "metrics.json", result)
    write_json_atomic(folder / "per_image.json", rows)
    found = read_evaluation(folder)
    assert found.labels == ("ok", "洞")
    assert found.matrix.tolist() == [[8, 0], [4, 4]]
    worst, best = found.images
    assert (worst.image, worst.confusions, worst.prediction) == (Path("/b.png"), {(1, 0): 4}, None)
    assert best.prediction == (folder / "p" / "0.png").resolve()


@pytest.mark.parametrize("damage", ["missing", "outside", "wrong shape"])
def test_damaged_results_are_told_in_a_sentence(tmp_path: Path, damage: str) -> None:
    matrix = [[1]] if damage == "wrong shape" else [[1, 0], [0, 1]]
    prediction = "../../etc/passwd" if damage == "outside" else None
    row = {"image": "a", "mask": "b", "prediction": prediction, "miou": 1, "accuracy": 1}
    rows = [{**row, "pixels": 2, "wrong_pixels": 0, "confusions": []}]
    result = {"labels": ["a", "b"], "split": "val", "confusion_matrix": matrix}
    write_json_atomic(tmp_path / "metrics.json", result)
    if damage != "missing":
        write_json_atomic(tmp_path / "per_image.json", rows)
    with pytest.raises(InputError, match="measure the model again"):
        read_evaluation(tmp_path)
