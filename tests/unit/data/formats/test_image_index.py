"""From the names in annotation files to images inside the chosen folder, and never outside it."""

from __future__ import annotations

import unicodedata

import cv2
import numpy as np
import pytest
from format_samples import assert_same, masks_by_name, sample, save_image
from PIL import Image

from core.data.formats import ConversionReport, registry
from core.data.formats.image_index import ImageIndex, canvas_of
from core.data.formats.mask_images import has_channels
from core.images.io import read_image
from core.system.errors import InputError


@pytest.fixture
def root(tmp_path):
    return tmp_path / "数据"


def find(root, name, **options):
    report = ConversionReport()
    found = ImageIndex(root, report).find(name, file=root / "x.json", **options)
    return found.relative_to(root).as_posix(), [str(text) for text in report.messages]


@pytest.mark.parametrize(
    "name",
    [
        "/home/me/set/images/a.png",
        "C:\\Users\\me\\images\\a.png",
        "D:/images/a.png",
        "../../set/images/a.png",
        "https://host/data/images/a.png?x=1",
        "file:///C:/images/a.png",
    ],
)
def test_what_lies_elsewhere_by_its_name_is_looked_for_inside_and_told(root, name):
    save_image(root / "images/a.png")
    found, told = find(root, name)
    assert found == "images/a.png"
    assert told and "1 image is not where the annotations say" in told[0]


def test_as_much_of_the_path_counts_as_there_is(root):
    for camera in ("cam1", "cam2"):
        save_image(root / camera / "0.png")
    assert find(root, "/data/cam2/0.png")[0] == "cam2/0.png"
    with pytest.raises(InputError, match="several images are called so"):
        find(root, "/data/0.png")
    assert find(root, "0.png", subset="Cam1")[0] == "cam1/0.png"


def test_an_image_of_another_subset_is_not_the_one_meant(root):
    save_image(root / "train/0.png")
    with pytest.raises(InputError, match="does not exist"):
        find(root, "val/0.png")


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "C:\\x.png", "", "a\0.png", ".."])
def test_nothing_outside_is_ever_found(root, name):
    save_image(root / "a.png")
    save_image(root.parent / "secret.png")
    with pytest.raises(InputError, match="outside its folder"):
        find(root, name)


def test_a_colon_is_part_of_a_name(root):
    save_image(root / "cam 12:30:05.png")
    save_image(root / "a:b.png")
    assert find(root, "cam 12:30:05.png") == ("cam 12:30:05.png", [])
    assert find(root, "a:b.png") == ("a:b.png", [])


def test_normal_form_is_the_same_name_and_case_a_guess(root):
    name = unicodedata.normalize("NFD", "Größe é.png")
    save_image(root / name)
    assert find(root, unicodedata.normalize("NFC", name)) == (name, [])
    save_image(root / "b.png")
    found, told = find(root, "B.PNG")
    assert found == "b.png"
    assert "1 image is named in another letter case" in told[0]
    save_image(root / "B.png")
    assert find(root, "b.png")[0] == "b.png"
    with pytest.raises(InputError, match="several images are called so"):
        find(root, "b.PNG")


def test_a_link_inside_the_folder_names_its_target(root):
    save_image(root / "real/a.png")
    (root / "linked").symlink_to(root / "real", target_is_directory=True)
    assert find(root, "linked/a.png") == ("real/a.png", [])


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_what_was_drawn_on_the_stored_photograph_is_turned_as_it_is(root, orientation):
    root.mkdir()
    stored = np.zeros((20, 32), np.uint8)
    stored[3:9, 4:22] = 255
    image = Image.fromarray(stored)
    exif = image.getexif()
    exif[274] = orientation
    image.save(root / "a.jpg", quality=100, exif=exif)
    report = ConversionReport()
    canvas = canvas_of(root / "a.jpg", (32, 20), file=root / "x.json", report=report)
    shown = cv2.cvtColor(read_image(root / "a.jpg"), cv2.COLOR_BGR2GRAY) > 127
    np.testing.assert_array_equal(canvas.upright(stored) > 0, shown)
    assert "1 annotations were drawn on photographs as they are stored" in str(report.messages[0])
    upright = canvas_of(root / "a.jpg", (20, 32), file=root / "x.json", report=ConversionReport())
    assert upright.orientation == 1
    with pytest.raises(InputError, match="drawn on 9×9"):
        canvas_of(root / "a.jpg", (9, 9), file=root / "x.json", report=report)


@pytest.mark.parametrize("key", [one.key for one in registry.WRITABLE if one.read is not None])
def test_images_that_are_links_out_are_read_and_links_to_nothing_counted(tmp_path, key):
    root, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    given = sample(tmp_path / "in")
    registry.write(key, given, root)
    before = masks_by_name(registry.read(key, root))
    elsewhere.mkdir()
    stems = {item.image_path.stem for item in given.items}
    photographs = [
        path
        for path in root.rglob("*.png")
        if path.stem.removesuffix("_leftImg8bit") in stems and has_channels(path)
    ]
    assert len(photographs) == len(given.items)
    for number, path in enumerate(photographs):
        target = elsewhere / f"{number}.png"
        path.rename(target)
        path.symlink_to(target)
    (photographs[0].parent / "zz.png").symlink_to(tmp_path / "gone.png")
    result = registry.read(key, root)
    assert_same(result, before)
    told = " ".join(map(str, result.report.messages))
    assert "1 image is a link to a file that does not exist" in told
    registry.write("seg", result, tmp_path / "out")
    assert len(list((tmp_path / "out/JPEGImages").iterdir())) == len(before)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_symlink()]
