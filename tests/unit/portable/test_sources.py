"""Sources: files, folders, videos, one broken thing among them."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
import pytest

from core.portable import sources
from core.portable.portable_error import PortableError
from core.portable.sources import ImageSource


def write(file, value: int = 0):
    image = np.full((8, 10, 3), value, np.uint8)
    file.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return file


def video(file, frames: int):
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 24))
    for number in range(frames):
        writer.write(np.full((24, 32, 3), number * 20 % 256, np.uint8))
    writer.release()
    return file


def test_a_folder_comes_in_natural_order_without_hidden_and_other_files(tmp_path):
    for number in (10, 2, 1):
        write(tmp_path / f"图{number}.png", number)
    write(tmp_path / "._图1.png")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "deeper").mkdir()
    with ImageSource([tmp_path]) as source:
        assert (source.count, source.hidden, source.others) == (3, 1, 1)
        found = list(source)
    assert [one.name for one in found] == ["图1.png", "图2.png", "图10.png"]
    assert [int(one.image[0, 0, 0]) for one in found] == [1, 2, 10]
    assert found[0].path == tmp_path / "图1.png"


def test_a_broken_file_does_not_stop_the_others(tmp_path):
    files = [write(tmp_path / "a.png"), tmp_path / "b.png", write(tmp_path / "c.png")]
    files[1].write_bytes(b"no image")
    found = list(ImageSource(files))
    assert [one.image is None for one in found] == [False, True, False]
    assert isinstance(found[1].error, PortableError)
    assert found[0].name == str(files[0])


def test_a_file_that_vanishes_is_an_error_of_its_own(tmp_path):
    files = [write(tmp_path / "a.png"), write(tmp_path / "b.png")]
    source = ImageSource(files)
    files[0].unlink()
    assert [one.error is None for one in source] == [False, True]


@pytest.mark.parametrize(("every", "numbers"), [(1, range(9)), (4, (0, 4, 8))])
def test_every_nth_frame_of_a_video(tmp_path, every, numbers):
    file = video(tmp_path / "clip.avi", 9)
    with ImageSource([tmp_path], every=every) as source:
        assert source.count is None
        found = list(source)
    assert [one.name for one in found] == [f"clip.avi#{number:06}" for number in numbers]
    for one, number in zip(found, numbers, strict=True):
        assert abs(float(one.image.mean()) - number * 20) < 4
        assert one.path == file


def test_a_video_that_is_none_and_one_cut_short(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    short = video(tmp_path / "b.avi", 60)
    data = short.read_bytes()
    index = data.rindex(b"idx1")
    short.write_bytes(data[: index // 2] + b"\0" * (len(data) - index // 2))
    write(tmp_path / "c.png")
    found = list(ImageSource([tmp_path]))
    assert found[0].error is not None
    assert "cannot be opened" in str(found[0].error)
    assert found[-1].image is not None
    assert found[-1].name == "c.png"
    frames = [one for one in found if one.name.startswith("b.avi")]
    assert any(one.error is not None for one in frames)
    assert any(one.image is not None for one in frames)


class FakeCapture:
    opened: ClassVar[list[object]] = []
    released = 0

    def __init__(self, what) -> None:
        self.opened.append(what)
        self.left = 5

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def retrieve(self):
        return (False, None) if self.left == 2 else (True, np.full((4, 4), self.left, np.uint8))

    def get(self, _what) -> float:
        return 0.0

    def release(self) -> None:
        type(self).released += 1


def test_cameras_by_number_and_address_are_let_go(monkeypatch):
    monkeypatch.setattr(sources.cv2, "VideoCapture", FakeCapture)
    monkeypatch.setattr(FakeCapture, "opened", [])
    monkeypatch.setattr(FakeCapture, "released", 0)
    found = list(ImageSource(["camera:1", "rtsp://user:secret@line3:554/1"]))
    assert FakeCapture.opened == [1, "rtsp://user:secret@line3:554/1"]
    assert found[0].name == "camera1#000000"
    assert found[0].image.shape == (4, 4, 3)
    assert found[2].error is not None  # the damaged frame
    assert "gives no more images" in str(found[5].error)
    assert all("secret" not in one.name + str(one.error) for one in found)
    assert FakeCapture.released == 2
    with ImageSource(["camera:0"]) as source:
        next(iter(source))
    assert FakeCapture.released == 3


def test_what_is_not_there_is_refused_at_once(tmp_path):
    with pytest.raises(PortableError, match="does not exist"):
        ImageSource([tmp_path / "missing.png"])
    with pytest.raises(PortableError, match="There are no images in"):
        ImageSource([tmp_path])
    with pytest.raises(PortableError, match="give 1 or more"):
        ImageSource([write(tmp_path / "a.png")], every=0)
