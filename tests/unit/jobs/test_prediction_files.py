"""What predictions may not be written over, said before the engine is loaded."""

from __future__ import annotations

import sys

import pytest

from core.jobs.prediction_files import check_targets, prediction_paths
from core.system.errors import InputError


def test_equal_names_get_a_number(tmp_path):
    images = [tmp_path / name for name in ("a.jpg", "b/A.png", "a.tif")]
    names = [path.name for path in prediction_paths(images, tmp_path / "out")]
    assert names == ["a.png", "A_2.png", "a_3.png"]


def test_one_output_that_exists_stops_all_unless_it_may_be_replaced(tmp_path):
    images = [tmp_path / f"{number}.jpg" for number in range(3)]
    targets = prediction_paths(images, tmp_path / "out")
    check_targets(targets, images, overwrite=False)
    targets[1].parent.mkdir()
    targets[1].touch()
    with pytest.raises(InputError, match=r"1\.png already exists"):
        check_targets(targets, images, overwrite=False)
    check_targets(targets, images, overwrite=True)


def test_an_image_is_never_replaced(tmp_path):
    image = tmp_path / "a.png"
    image.touch()
    with pytest.raises(InputError, match="one of the images themselves"):
        check_targets(prediction_paths([image], tmp_path), [image], overwrite=True)


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "a.png").mkdir()
    for overwrite in (False, True):
        with pytest.raises(InputError, match=r"a\.png is a folder"):
            check_targets([tmp_path / "a.png"], [], overwrite=overwrite)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_nowhere(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "gone" / "a.png")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="link to what is not there"):
            check_targets([tmp_path / "a.png"], [], overwrite=overwrite)
