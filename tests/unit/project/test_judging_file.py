"""What decides is kept in the project, and as much of it is used as fits a model."""

from __future__ import annotations

from core.portable.quantities import Quantity
from core.project.judging_file import read_judging, usable_settings, write_judging

LABELS = ("background", "hole 孔", "scratch")
CONTENT = {
    "rules": ['any "hole 孔" longer than 2 mm -> reject', "any stain -> warn", "nonsense"],
    "minimum_area": {"scratch": "3 px2", "stain": "4 px2"},
    "pixel_size_mm": 0.5,
    "inconclusive_below": 7,
}


def test_it_survives_and_a_damaged_file_counts_as_none(tmp_path) -> None:
    assert read_judging(tmp_path) == {}
    write_judging(tmp_path, CONTENT)
    assert read_judging(tmp_path) == CONTENT
    (tmp_path / "judging.json").write_text("[1, 2")
    assert read_judging(tmp_path) == {}
    (tmp_path / "judging.json").write_text("[1, 2]")
    assert read_judging(tmp_path) == {}


def test_what_a_model_cannot_know_is_left_out() -> None:
    settings = usable_settings(CONTENT, labels=LABELS, background=0)
    assert [str(rule) for rule in settings.rules] == ['any "hole 孔" longer than 2 mm -> reject']
    assert settings.minimum_area == {"scratch": Quantity(3.0, "px2")}
    assert settings.pixel_size_mm == 0.5
    assert settings.inconclusive_below is None


def test_millimetres_go_with_the_size_of_a_pixel() -> None:
    content = {**CONTENT, "pixel_size_mm": None}
    assert usable_settings(content, labels=LABELS, background=0).rules == ()
