"""What no reader looks at, and encodings that had to be guessed, are told of every folder."""

from __future__ import annotations

import pytest
from format_samples import sample, save_image, save_mask

from core.data.formats import registry
from core.data.formats.detection import detect_format
from core.system.errors import InputError
from core.system.files import noting_encodings, read_text

READ_AND_WRITTEN = [one.key for one in registry.WRITABLE if one.read is not None]


def told(result):
    return " | ".join(str(text) for text in result.report.messages)


@pytest.mark.parametrize("key", READ_AND_WRITTEN)
def test_hidden_files_count_for_nothing_and_unread_ones_are_named(tmp_path, key):
    folder = tmp_path / "out"
    registry.write(key, sample(tmp_path / "in"), folder)
    before = registry.read(key, folder)
    detected = detect_format(folder)
    for path in [one for one in folder.rglob("*") if one.is_file()]:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\26\7")
        for hidden in (".ipynb_checkpoints", "__MACOSX"):
            copy = path.parent / hidden / path.name
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (folder / "Thumbs.db").touch()
    assert detect_format(folder) == detected
    after = registry.read(key, folder)
    assert [item.image_path for item in after.items] == [item.image_path for item in before.items]
    assert told(after) == told(before)
    (folder / "photo.HEIC").touch()
    assert "1 file of the type .heic is not read" in told(registry.read(key, folder))


@pytest.mark.parametrize("key", READ_AND_WRITTEN)
def test_an_image_of_which_nothing_is_known_stays_unlabelled(tmp_path, key):
    folder = tmp_path / "out"
    registry.write(key, sample(tmp_path / "in"), folder)
    places = {item.image_path.parent for item in registry.read(key, folder).items}
    extra = min(places) / ("extra_leftImg8bit.png" if key == "cityscapes" else "extra.png")
    save_image(extra)
    result = registry.read(key, folder)
    (item,) = [item for item in result.items if item.image_path == extra]
    if key == "yolo":  # its convention, and said
        assert not item.mask().any()
        assert "1 image has no text file and is taken as background" in told(result)
    else:
        assert item.mask is None
        assert "1 image has no annotation and stay unlabelled" in told(result)
    assert extra.name in told(result)


@pytest.mark.parametrize(
    ("encoding", "name"), [("gb18030", "划痕"), ("cp949", "하늘"), ("cp1252", "Fläche")]
)
def test_a_guessed_encoding_is_told(tmp_path, encoding, name):
    save_image(tmp_path / "images/a.png")
    save_mask(tmp_path / "masks/a.png")
    (tmp_path / "labels.txt").write_bytes(f"bg\n{name}\nb\n".encode(encoding))
    result = registry.read("seg", tmp_path)
    assert f"labels.txt is not in UTF-8; it was read as {encoding.upper()}" in told(result)
    assert result.labels == ["bg", name, "b"]
    (tmp_path / "train_list.txt").write_bytes(f"{name}.png\t{name}.png\n".encode(encoding))
    with pytest.raises(InputError, match=r"train_list\.txt is not in UTF-8"):
        registry.read("seg", tmp_path)


def test_texts_in_utf8_and_utf16_are_no_guess(tmp_path):
    path = tmp_path / "a.txt"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_text("划痕", encoding=encoding)
        with noting_encodings() as noted:
            assert read_text(path) == "划痕"
        assert noted == {}
    path.write_bytes("划痕".encode("gbk"))
    with noting_encodings() as outer, noting_encodings() as inner:
        read_text(path)
    assert outer == inner == {path: "GB18030"}


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("gbk", "图"),  # these two bytes are a letter in UTF-8, too
        ("cp949", "부품사진"),
        ("big5", "零件圖片"),
        ("shift_jis", "部品の写真"),
        ("cp1252", "Größe"),
        ("cp1251", "деталь"),
    ],
)
def test_a_list_is_in_the_encoding_in_which_its_files_are_there(tmp_path, encoding, name):
    save_image(tmp_path / f"JPEGImages/{name}.png")
    save_mask(tmp_path / f"Annotations/{name}.png")
    (tmp_path / "labels.txt").write_text("bg\na\nb\n")
    line = f"JPEGImages/{name}.png\tAnnotations/{name}.png\n"
    (tmp_path / "train_list.txt").write_bytes(line.encode(encoding))
    result = registry.read("seg", tmp_path)
    assert [item.image_path.stem for item in result.items] == [name]
    assert result.items[0].subset == "train"
    assert "train_list.txt is not in UTF-8; it was read as" in told(result)
