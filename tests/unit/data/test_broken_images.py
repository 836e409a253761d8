"""Every image that cannot be read is named, not only the first."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_dataset import write_folder

from core.data.broken_images import name_all
from core.datasets import open_data_folder
from core.images.io import read_image
from core.system.errors import FilesError, MissingFilesError, UnreadableFilesError
from core.system.reporting import StopRequested


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "数据 1", train=5, val=2, size=32)


def damage(file: Path) -> Path:
    file.write_bytes(file.read_bytes()[:40])
    return file


def first_error(file: Path) -> FilesError:
    with pytest.raises(FilesError) as caught:
        read_image(file)
    return caught.value


def test_images_and_masks_of_all_subsets_are_named(folder: Path) -> None:
    damaged = [damage(folder / "train 1.png"), damage(folder / "val 0.png")]
    damage(folder / "train 3 标注.png")
    error = name_all(first_error(damaged[0]), folder)
    assert isinstance(error, UnreadableFilesError)
    assert set(error.files) == {*damaged, folder / "train 3.png"}, "the image, not its mask"
    assert "(3)" in str(error)
    assert "train 3 标注.png" in str(error)


def test_a_single_one_keeps_its_own_sentence(folder: Path) -> None:
    error = first_error(damage(folder / "train 1.png"))
    assert name_all(error, folder) is error


def test_an_error_about_other_files_stays(folder: Path, tmp_path: Path) -> None:
    damage(folder / "train 1.png")
    damage(folder / "train 2.png")
    (tmp_path / "other.png").write_bytes(b"nothing")
    error = first_error(tmp_path / "other.png")
    assert name_all(error, folder) is error


def test_the_look_can_be_ended(folder: Path) -> None:
    damage(folder / "train 1.png")

    def stop() -> None:
        raise StopRequested

    with pytest.raises(StopRequested):
        name_all(first_error(folder / "train 1.png"), folder, check=stop)


def test_missing_files_of_a_list_are_named_together(folder: Path) -> None:
    for name in ("train 0.png", "train 4 标注.png"):
        (folder / name).unlink()
    with pytest.raises(MissingFilesError, match=r"train 0\.png, train 4 标注\.png") as caught:
        open_data_folder(folder).dataset("train")
    assert caught.value.files == (folder / "train 0.png", folder / "train 4.png")
