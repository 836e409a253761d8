"""What somebody points at: images, labels, or neither."""

from __future__ import annotations

from pathlib import Path

from parts import make_seg_folder
from project_samples import write_images

from core.data.found_data import find_data


def test_files_and_folders_are_told_apart(tmp_path: Path) -> None:
    plain = write_images(tmp_path / "图 a", 2)
    single = write_images(tmp_path / "b", 1)[0]
    labelled = make_seg_folder(tmp_path / "set", count=2)
    note = tmp_path / "notes.txt"
    note.write_text("nothing")
    empty = tmp_path / "empty"
    empty.mkdir()
    found = find_data([tmp_path / "图 a", single, plain[0], labelled, note, empty])
    assert found.images == (*plain, single)
    assert found.labelled == (labelled,)
    assert found.left == (note, empty)
    assert find_data([tmp_path / "gone"]).left == (tmp_path / "gone",)


def test_it_ends_where_it_is_told_to(tmp_path: Path) -> None:
    class Stop(Exception):  # noqa: N818
        pass

    def stop() -> None:
        raise Stop

    try:
        find_data(write_images(tmp_path / "a", 1), check=stop)
    except Stop:
        return
    raise AssertionError("it went on")
