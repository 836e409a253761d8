"""Pages of TIFF files: the first is read, and an import says that there are others."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from core.images.headers import count_pages
from core.project import Project

PAGE = np.arange(48, dtype=np.uint8).reshape(6, 8)


def test_an_import_says_that_only_the_first_page_is_used(tmp_path) -> None:
    stack, single = tmp_path / "层 1.tif", tmp_path / "single.tif"
    tifffile.imwrite(stack, np.stack([PAGE, PAGE + 1, PAGE + 2]), photometric="minisblack")
    tifffile.imwrite(single, PAGE)
    assert count_pages(stack) == 3 and count_pages(single) == 1
    with Project.create(tmp_path / "p", labels=["a", "b"], background=False) as project:
        report = project.add_images([stack, single])
        assert report.added == 2
        assert [str(lost) for lost in report.lost] == [
            f"{stack} has 3 pages; only the first one is used."
        ]
        assert project.add_images([stack, single]).lost == ()  # known already


def test_smaller_copies_of_an_image_are_no_pages(tmp_path) -> None:
    file = tmp_path / "pyramid.TIFF"
    with tifffile.TiffWriter(file) as writer:
        writer.write(PAGE)
        writer.write(PAGE[::2, ::2], subfiletype=1)
    assert count_pages(file) == 1


@pytest.mark.parametrize("content", [b"", b"II*\x00\xff\xff\xff\xff", b"no image at all"])
def test_damage_is_for_the_reader_to_tell(tmp_path, content) -> None:
    file = tmp_path / "bad.tif"
    file.write_bytes(content)
    assert count_pages(file) == 1
    assert count_pages(tmp_path / "missing.tif") == 1


def test_a_chain_of_pages_that_bites_its_tail_ends(tmp_path) -> None:
    file = tmp_path / "loop.tif"
    tifffile.imwrite(file, np.stack([PAGE, PAGE]), photometric="minisblack")
    data = bytearray(file.read_bytes())
    with tifffile.TiffFile(file) as tiff:
        first, second = tiff.pages[0].offset, tiff.pages[1].offset
    count = int.from_bytes(data[second : second + 2], "little")
    after = second + 2 + count * 12
    data[after : after + 4] = first.to_bytes(4, "little")
    file.write_bytes(data)
    assert 1 <= count_pages(file) <= 10_000
