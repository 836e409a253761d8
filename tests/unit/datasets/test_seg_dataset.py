from __future__ import annotations

import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from data_folders import make_folder, make_mask
from PIL import Image

from core import datasets
from core import transforms as T  # noqa: N812 - PaddleX's habit
from core.datasets import SegDataset, open_data_folder
from core.images import io as images
from core.images import palette
from core.system.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path, train=3, val=2, test=0)


def dataset(folder: Path, transforms: T.Compose | None = None) -> SegDataset:
    return SegDataset(folder, folder / "train_list.txt", folder / "labels.txt", transforms)


def test_a_folder_and_its_subsets(folder: Path) -> None:
    opened = open_data_folder(folder)
    assert opened.labels == ("类 0", "类 1", "类 2")
    assert {split: len(items) for split, items in opened.subsets.items()} == {"train": 3, "val": 2}
    assert opened.subsets["val"][0].image == folder / "JPEGImages" / "图 3.png"
    assert opened.colors == tuple(palette.default_palette(3))
    assert len(opened.dataset("val")) == 2
    with pytest.raises(InputError, match=r"test_list\.txt does not exist"):
        opened.dataset("test")


def test_samples_are_arrays_for_the_network(folder: Path) -> None:
    data = dataset(folder, T.Compose([T.Normalize([0.0] * 3, [1.0] * 3)]))
    image, mask = data[1]
    assert (image.shape, image.dtype) == ((3, 24, 32), np.float32)
    assert (mask.shape, mask.dtype) == ((24, 32), np.int64)
    np.testing.assert_array_equal(mask, make_mask(1))
    np.testing.assert_allclose(image[0, 5], make_mask(1)[5] * 60 / 255, atol=1e-6)
    assert data.num_classes == 3
    assert data.raw(1) == (data.file_list[1]["image"], data.file_list[1]["mask"])
    np.testing.assert_array_equal(data.read_mask(1), make_mask(1))


def test_transforms_are_copied_and_given_the_generator(folder: Path) -> None:
    ops = [T.RandomScaleAspect(), T.RandomHorizontalFlip(), T.Normalize()]
    data = SegDataset(folder, folder / "train_list.txt", folder / "labels.txt", ops)
    first, again, other = (data.get(0, np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert data.transforms is not None
    assert data.transforms.transforms == ops


def test_no_transforms_is_one_sentence(folder: Path) -> None:
    with pytest.raises(InputError, match="no transforms"):
        dataset(folder)[0]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tab", "a b.png\tm n.png"),
        ("quotes", '"a b.png" "m n.png"'),
        ("single quotes", "'a b.png' 'm n.png'"),
        ("spaces", "   plain.png    plain_m.png   "),
        ("windows", "sub\\c.png sub\\d.png"),
        ("apostrophe", "it's.png it's_m.png"),
        ("inside", "sub/../plain.png ./plain_m.png"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_of_lists(tmp_path: Path, name: str, line: str, encoding: str, end: str) -> None:
    path = tmp_path / "列表.txt"
    path.write_bytes(f"{line}{end}{end}图.png 码.png{end}".encode(encoding))
    content = datasets.read_list(path, tmp_path)
    assert content.problems == ()
    first, second = content.items
    names = {
        "tab": ("a b.png", "m n.png"),
        "quotes": ("a b.png", "m n.png"),
        "single quotes": ("a b.png", "m n.png"),
        "spaces": ("plain.png", "plain_m.png"),
        "windows": ("sub/c.png", "sub/d.png"),
        "apostrophe": ("it's.png", "it's_m.png"),
        "inside": ("plain.png", "plain_m.png"),
    }[name]
    assert first == (tmp_path / names[0], tmp_path / names[1])
    assert second == (tmp_path / "图.png", tmp_path / "码.png")


def test_absolute_paths_may_lie_anywhere(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "elsewhere"
    shutil.move(folder / "JPEGImages", other)
    line = f"{other / '图 0.png'}\tAnnotations/图 0.png\n"
    (folder / "train_list.txt").write_text(line, "utf-8")
    assert dataset(folder).raw(0)[0] == str(other / "图 0.png")


def change(folder: Path, what: str) -> None:
    image = folder / "JPEGImages" / "图 1.png"
    mask = folder / "Annotations" / "图 1.png"
    values = make_mask(1)
    if what == "no list":
        (folder / "train_list.txt").unlink()
    elif what == "empty list":
        (folder / "train_list.txt").write_text("\n \n")
    elif what == "three parts":
        (folder / "train_list.txt").write_text("a b.png m.png\n")
    elif what == "one part":
        (folder / "train_list.txt").write_text("a.png\n")
    elif what == "climbing":
        (folder / "train_list.txt").write_text("../a.png m.png\n")
    elif what == "climbing windows":
        (folder / "train_list.txt").write_text("x\\..\\..\\a.png m.png\n")
    elif what == "binary list":
        (folder / "train_list.txt").write_bytes(b"\x00\x01\x02\x03")
    elif what == "no image":
        image.unlink()
    elif what == "no mask":
        mask.unlink()
    elif what == "no labels":
        (folder / "labels.txt").unlink()
    elif what == "empty labels":
        (folder / "labels.txt").write_text("\n\n")
    elif what == "same label":
        (folder / "labels.txt").write_text("a\nb\na\n")
    elif what == "blank label":
        (folder / "labels.txt").write_text("a\n\nb\n")
    elif what == "broken image":
        image.write_bytes(b"nothing")
    elif what == "broken mask":
        mask.write_bytes(b"nothing")
    elif what == "size":
        images.write_mask(mask, values[:-1])
    elif what == "value":
        values[0, 4:9] = 7
        values[0, 9] = 3
        images.write_mask(mask, values)
    elif what == "channels":
        Image.fromarray(np.stack([values, values, 9 - values], axis=-1)).save(mask)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("no list", r"train_list\.txt does not exist"),
        ("empty list", r"train_list\.txt lists no images"),
        ("three parts", r"Line 1 of .*train_list\.txt has 3 parts"),
        ("one part", r"Line 1 of .* names an image but no mask"),
        ("climbing", r"Line 1 of .* leaves the data folder with \.\./a\.png"),
        ("climbing windows", r"leaves the data folder"),
        ("binary list", r"train_list\.txt is not a text file"),
        ("no image", r"The image .*图 1\.png of .*train_list\.txt does not exist"),
        ("no mask", r"The mask .*图 1\.png of .*train_list\.txt does not exist"),
        ("no labels", r"labels\.txt does not exist"),
        ("empty labels", r"labels\.txt is empty"),
        ("same label", r"names the class a twice"),
        ("blank label", r"Line 2 of .* is blank"),
    ],
)
def test_a_faulty_folder_is_one_sentence(folder: Path, what: str, sentence: str) -> None:
    change(folder, what)
    with pytest.raises(InputError, match=sentence) as caught:
        dataset(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("broken image", r"JPEGImages/图 1\.png is unreadable"),
        ("broken mask", r"Annotations/图 1\.png is unreadable"),
        ("size", r"Annotations/图 1\.png is 32×23 pixels but its image is 32×24"),
        ("value", r"图 1\.png holds the value 7 on 5 pixels, but the 3 classes"),
        ("channels", r"图 1\.png has 3 channels"),
    ],
)
def test_a_faulty_sample_is_one_sentence(folder: Path, what: str, sentence: str) -> None:
    change(folder, what)
    data = dataset(folder, T.Compose([T.Normalize()]))
    assert data[0][0].shape == (3, 24, 32)
    with pytest.raises(InputError, match=sentence):
        data[1]
    with pytest.raises(InputError, match=sentence):
        data.read_mask(1)


def test_files_are_found_by_another_spelling_and_counted(tmp_path: Path) -> None:
    names = ["Größe", "É1", "b"]
    for place in ("images", "masks"):
        (tmp_path / place).mkdir()
    for name in names:
        decomposed = unicodedata.normalize("NFD", name)
        images.write_image(tmp_path / f"images/{decomposed}.PNG", np.zeros((4, 5, 3), np.uint8))
        images.write_mask(tmp_path / f"masks/{decomposed}.png", np.zeros((4, 5), np.uint8))
    (tmp_path / "labels.txt").write_bytes("background\nFläche\n".encode("cp1252"))
    lines = [f"Images/{name}.png\tmasks/{name}.png\n" for name in names]
    path = tmp_path / "train_list.txt"
    path.write_text("".join(lines), encoding="utf-8")
    data = SegDataset(tmp_path, path, transforms=T.Compose([T.Normalize()]))
    assert data[0][0].shape == (3, 4, 5)
    assert data.labels == ["background", "Fläche"]
    told = " ".join(map(str, data.remarks))
    assert "labels.txt is not in UTF-8; it was read as CP1252" in told
    assert "5 files of" in told  # three images in another letter case, two masks with accents
    opened = open_data_folder(tmp_path)
    assert all(item.image.is_file() and item.mask.is_file() for item in opened.subsets["train"])


def test_of_two_files_that_differ_in_spelling_none_is_guessed(tmp_path: Path) -> None:
    for name in ("a.PNG", "A.png"):
        images.write_image(tmp_path / name, np.zeros((4, 5, 3), np.uint8))
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("the disk does not tell letter case apart")
    (tmp_path / "train_list.txt").write_text("a.png a.PNG\n")
    content = datasets.read_list(tmp_path / "train_list.txt", tmp_path)
    assert content.items[0].image == tmp_path / "a.png"
    assert content.respelt == ()


def test_a_negative_number_of_workers_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="num_workers is -1"):
        SegDataset(folder, folder / "train_list.txt", num_workers=-1)


def test_opening_needs_a_folder_and_a_list(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        open_data_folder(tmp_path / "none")
    for path in folder.glob("*_list.txt"):
        path.unlink()
    with pytest.raises(InputError, match="has no train_list"):
        open_data_folder(folder)


def test_written_folders_read_back(tmp_path: Path, folder: Path) -> None:
    opened = open_data_folder(folder)
    target = tmp_path / "新 folder"
    colors = [(1, 2, 3), (4, 5, 6), (250, 255, 0)]
    datasets.write_data_folder(target, labels=opened.labels, subsets=opened.subsets, colors=colors)
    again = open_data_folder(target)
    assert again.labels == opened.labels
    assert again.subsets == opened.subsets
    assert again.colors == tuple(colors)
    with pytest.raises(InputError, match="tab or a line break"):
        datasets.list_text([("a\tb.png", "m.png")])


@pytest.mark.parametrize("line", ["1 2", "1 2 300", "a b c", "1 2 3 4"])
def test_faulty_colors_are_one_sentence(folder: Path, line: str) -> None:
    (folder / "colors.txt").write_text(f"1, 2, 3\n{line}\n")
    with pytest.raises(InputError, match=r"Line 2 of .*colors\.txt is not a colour"):
        open_data_folder(folder)


def test_the_windows_side_never_needs_the_engine() -> None:
    """Neither the engine nor Qt nor slow statistics libraries come in with these modules."""
    program = (
        "import sys\n"
        "import core.system.files, core.images.io, core.transforms, core.datasets\n"
        "import core.data.validation, core.data.splitting\n"
        "import core.data.formats.labelme, core.data.formats.paddlex_seg\n"
        "slow = ('paddle', 'PySide6', 'scipy', 'pandas', 'sklearn', 'matplotlib')\n"
        "print([name for name in slow if name in sys.modules])\n"
    )
    root = Path(datasets.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
