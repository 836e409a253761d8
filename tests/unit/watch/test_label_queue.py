"""Images to label wait in the output folder, and come into a project once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from project_samples import mask
from watch_parts import BLUE, Line, line, put, told

from core.project import ImageQuery, Project
from core.watch import WatchLog
from core.watch.label_queue import LabelQueue, deliver_to_project

__all__ = ["line"]


class Killed(BaseException):
    """Stands for the end of the process in the middle of something."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "项目", labels=("background", "Crack")) as project:
        return project.folder


def copies(line: Line) -> list[str]:
    place = line.out / "to_label"
    return sorted(one.name for one in place.iterdir()) if place.is_dir() else []


def test_inconclusive_images_become_unlabelled_marked_ones_of_the_project(
    line: Line, folder: Path
) -> None:
    put(line.folder / "a.png", BLUE, seed=1)
    put(line.folder / "sub" / "a.png", BLUE, seed=2)
    put(line.folder / "good.png")
    line.once(project=folder, subfolders=True)
    assert copies(line) == []
    with Project.open(folder, read_only=True) as project:
        images = project.images(ImageQuery(flagged=True, state="unlabelled"))
        assert len(images) == 2 and project.counts().total == 2
        assert all(one.path.is_relative_to(folder / "images") for one in images)
        assert all(one.path.name.startswith("a-") for one in images)
        assert {one.comment for one in images} == {"inconclusive; a blue one"}
        assert {one.subset for one in images} == {"none"}
    with WatchLog(line.out) as log:
        assert log.to_label() == []
        assert [one.to_label for one in log.recent(outcome="inconclusive")] == [True, True]


def test_while_a_window_has_the_project_open_they_wait_and_it_can_take_them(
    line: Line, folder: Path
) -> None:
    put(line.folder / "a.png", BLUE)
    with Project.open(folder) as window:
        line.once(project=folder)
        assert line.kinds == ["project"]
        assert "open in another window" in str(line.notices[0].message)
        assert len(copies(line)) == 1
        assert deliver_to_project(line.out, window) == 1
        assert deliver_to_project(line.out, window) == 0
        assert window.counts().total == 1
    put(line.folder / "b.png", BLUE)
    line.once(project=folder)
    assert copies(line) == []
    with Project.open(folder, read_only=True) as project:
        assert project.counts().total == 2


def test_a_delivery_that_is_killed_goes_on_without_a_second_copy(
    line: Line, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(line.folder / "a.png", BLUE)

    def kill(*_args: object, **_options: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(WatchLog, "mark_delivered", kill)
        line.once(project=folder)
    with Project.open(folder) as project:
        (image,) = project.images()
        project.save_label_map(image.id, mask(1, size=(image.width, image.height)))
        project.set_comment(image.id, "mine")
    line.once(project=folder)
    assert copies(line) == []
    with Project.open(folder, read_only=True) as project:
        (image,) = project.images()
        assert (image.comment, image.state) == ("mine", "labelled")


@pytest.mark.parametrize("copy", [False, True])
def test_an_image_that_the_project_has_already_is_marked_and_not_added_again(
    line: Line, folder: Path, copy: bool
) -> None:
    file = put(line.folder / "零件 1.png", BLUE, seed=1)
    with Project.open(folder) as project:
        project.add_images([file], copy=copy)
    line.once(project=folder)
    assert copies(line) == []
    with Project.open(folder, read_only=True) as project:
        (image,) = project.images()
        assert image.flagged and image.comment == "inconclusive; a blue one"


def test_an_image_that_the_project_has_under_another_path_is_not_added_again(
    line: Line, folder: Path, tmp_path: Path
) -> None:
    file = put(line.folder / "a.png", BLUE, seed=1)
    renamed = put(line.folder / "b.png", BLUE, seed=2)
    archive = tmp_path / "archive"
    archive.mkdir()
    shutil.copy(file, archive / "a.png")
    shutil.copy(renamed, archive / "0001.png")
    with Project.open(folder) as project:
        project.add_images([archive / "a.png", archive / "0001.png"])
        project.remember_contents(project.image_ids())
    line.once(project=folder)
    with Project.open(folder, read_only=True) as project:
        assert [row.name for row in project.images(ImageQuery(flagged=True))] == [
            "0001.png",
            "a.png",
        ]
        assert project.counts().total == 2


def test_the_same_content_by_several_names_is_one_image(line: Line, folder: Path) -> None:
    file = put(line.folder / "a.png", BLUE, seed=1)
    shutil.copy(file, line.folder / "b.png")
    line.once(project=folder)
    assert copies(line) == []
    shutil.copy(file, line.folder / "c.png")  # on another day
    line.once(project=folder)
    with Project.open(folder, read_only=True) as project:
        assert project.counts().total == 1


def test_another_image_by_the_name_of_one_in_the_project_is_added(line: Line, folder: Path) -> None:
    file = put(line.folder / "a.png", BLUE, seed=1)
    with Project.open(folder) as project:
        project.add_images([file], copy=True)
    put(file, BLUE, seed=2)
    line.once(project=folder)
    with Project.open(folder, read_only=True) as project:
        assert project.counts().total == 2
        assert len(project.images(ImageQuery(flagged=True))) == 1


def test_without_a_project_they_stay_until_people_take_them(line: Line) -> None:
    put(line.folder / "a.png", BLUE, seed=1)
    put(line.folder / "b.png", BLUE, seed=2)
    line.once()
    (line.out / "to_label" / ".tmp-1").write_bytes(b"half")
    line.once()
    names = copies(line)
    assert [name[:2] for name in names] == ["a-", "b-"]
    (line.out / "to_label" / names[0]).unlink()
    with WatchLog(line.out) as log:
        queue = LabelQueue(line.out, log)
        assert [one.path for one in queue.waiting()] == ["b.png"]
        (line.out / "to_label").rename(line.out / "elsewhere")  # its disk is away
        assert [one.path for one in queue.waiting()] == ["b.png"]
        (waiting,) = log.to_label()
        assert waiting.why == ("inconclusive", "a blue one")


def test_an_output_folder_inside_the_project(line: Line, folder: Path) -> None:
    line.out = folder / "watched"
    put(line.folder / "a.png", BLUE)
    assert told(line.once(project=folder)) == [("a.png", "inconclusive")]
    with Project.open(folder, read_only=True) as project:
        (image,) = project.images()
        assert image.path.is_file()
