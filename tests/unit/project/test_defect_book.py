"""The defect book: kept, moved with the project, and never overwritten where it is damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.images.io import read_image
from core.project import Project
from core.project.defect_book import BookPage, DefectBook, Example, ExampleKind, example_box
from core.system.errors import InputError

PIECE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


def page(book: DefectBook, piece: np.ndarray = PIECE) -> BookPage:
    example = Example(
        picture=book.keep_picture(piece),
        kind=ExampleKind.BORDERLINE,
        note="尚可",
        image="零件 1.png",
        box=(1, 2, 61, 42),
    )
    return BookPage(definition="长于 1 mm 的线", examples=(example,))


def test_pages_and_pictures_move_with_the_project(tmp_path: Path) -> None:
    book = DefectBook(tmp_path / "项目")
    assert book.read() == {}
    book.write({1: page(book), 2: BookPage(definition="  ")})
    shutil.move(tmp_path / "项目", tmp_path / "moved")
    moved = DefectBook(tmp_path / "moved")
    (kept,) = moved.read().values()  # an empty page is none
    assert kept.definition == "长于 1 mm 的线"
    (example,) = kept.examples
    assert example.note == "尚可" and example.kind is ExampleKind.BORDERLINE
    assert np.array_equal(read_image(moved.picture(example)), PIECE)


def test_a_deleted_example_can_be_brought_back_until_the_cleaning_up(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", labels=("a",)) as project:
        book = DefectBook(project.folder)
        before = {1: page(book)}
        book.write(before)
        book.write({})
        book.write(before)
        project.collect_garbage()
        assert book.picture(before[1].examples[0]).is_file()
        book.write({})
        report = project.collect_garbage()
        assert report.files == 1 and report.size > 0
        assert not book.picture(before[1].examples[0]).exists()


def test_large_pieces_are_reduced_and_equal_ones_kept_once(tmp_path: Path) -> None:
    book = DefectBook(tmp_path)
    name = book.keep_picture(np.zeros((100, 2000), np.uint8))
    assert read_image(book.folder / name).shape[:2] == (26, 512)
    assert book.keep_picture(np.zeros((100, 2000), np.uint8)) == name
    assert len(list(book.folder.iterdir())) == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"pages": {"1": {"examples": [{}]}}}'])
def test_a_damaged_book_is_told_and_its_pictures_stay(tmp_path: Path, content: str) -> None:
    book = DefectBook(tmp_path)
    page(book)
    (book.folder / "book.json").write_text(content)
    with pytest.raises(InputError, match="cannot be read"):
        book.read()
    with pytest.raises(InputError, match="cannot be read"):
        book.remove_unused()
    assert len(list(book.folder.glob("*.png"))) == 1


def test_an_example_names_no_file_outside_the_book() -> None:
    with pytest.raises(ValueError, match="picture"):
        Example(picture="../secret.png", kind=ExampleKind.GOOD, box=(0, 0, 1, 1))


def test_an_example_has_some_ground_around_it() -> None:
    assert example_box((100, 100, 180, 110), (400, 300)) == (80, 80, 200, 130)
    assert example_box((0, 0, 4, 4), (10, 10)) == (0, 0, 10, 10)
