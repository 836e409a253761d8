"""``pdx.utils`` and ``pdx.seg.visualize``."""

from __future__ import annotations

import io
import tarfile
import zipfile

import numpy as np
import pytest
from weight_server import WeightServer

import core as pdx
from core.images import io as images
from core.system import downloads
from core.system.errors import InputError
from core.utils import download_and_decompress


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    server = WeightServer()
    yield server
    server.close()


def tar_of(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            if content is None:
                entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
            else:
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content or b""))
    return buffer.getvalue()


def zip_of(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    return buffer.getvalue()


def names(folder):
    """Every visible file below ``folder``."""
    files = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return {p.as_posix() for p in files if not p.name.endswith(".lock")}


@pytest.mark.parametrize(("name", "pack"), [("d.tar.gz", tar_of), ("d.zip", zip_of)])
def test_an_archive_becomes_its_folder_once(server, tmp_path, name, pack):
    server.files[name] = pack({"d/a.txt": b"1", "d/子/b.txt": b"2"})
    folder = tmp_path / "资 料"
    for _ in range(2):
        assert download_and_decompress(server.url + name, str(folder)) == str(folder / "d")
    assert names(folder) == {"d/a.txt", "d/子/b.txt"}
    assert len(server.requests) == 1


def test_a_folder_of_another_name_keeps_it(server, tmp_path):
    server.files["d.tgz"] = tar_of({"other/a.txt": b"1"})
    for _ in range(2):
        found = download_and_decompress(server.url + "d.tgz?x=1", tmp_path)
        assert found == str(tmp_path / "other")
    assert names(tmp_path) == {"other/a.txt", "d.tgz"}
    assert len(server.requests) == 1


def test_loose_files_get_a_folder(server, tmp_path):
    server.files["d.zip"] = zip_of({"a.txt": b"1", "b.txt": b"2"})
    download_and_decompress(server.url + "d.zip", tmp_path)
    assert names(tmp_path) == {"d/a.txt", "d/b.txt"}


def test_what_is_there_is_not_changed(server, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "mine.txt").write_text("kept")
    server.files["d.zip"] = zip_of({"d/mine.txt": b"theirs"})
    download_and_decompress(server.url + "d.zip", tmp_path)
    assert (tmp_path / "d" / "mine.txt").read_text() == "kept"
    assert server.requests == []


@pytest.mark.parametrize("pack", [tar_of, zip_of])
@pytest.mark.parametrize("name", ["../out.txt", "/tmp/out.txt", "d/../../out.txt", "C:\\out.txt"])
def test_nothing_leaves_the_folder(server, tmp_path, pack, name):
    archive = "d.zip" if pack is zip_of else "d.tar.gz"
    server.files[archive] = pack({"d/a.txt": b"1", name: b"2"})
    with pytest.raises(InputError, match="reaches out of its folder"):
        download_and_decompress(server.url + archive, tmp_path / "in")
    assert names(tmp_path) == set()


def test_links_are_left_out(server, tmp_path):
    server.files["d.tar.gz"] = tar_of({"d/link": None, "d/a.txt": b"1"})
    download_and_decompress(server.url + "d.tar.gz", tmp_path)
    assert names(tmp_path) == {"d/a.txt"}


@pytest.mark.parametrize("archive", ["d.zip", "d.tar.gz"])
def test_damage_is_one_sentence_and_leaves_no_half(server, tmp_path, archive):
    pack = zip_of if archive.endswith("zip") else tar_of
    noise = np.random.default_rng(0).bytes(50_000)
    server.files[archive] = pack({"d/a.txt": b"1", "d/b.bin": noise})[:-20_000]
    with pytest.raises(InputError, match="is damaged"):
        download_and_decompress(server.url + archive, tmp_path)
    assert names(tmp_path) == set()
    server.files[archive] = pack({"d/a.txt": b"1"})
    download_and_decompress(server.url + archive, tmp_path)
    assert names(tmp_path) == {"d/a.txt"}


def test_an_archive_of_the_users_own_is_never_removed_for_its_faults(server, tmp_path):
    (tmp_path / "d.zip").write_bytes(b"not an archive")
    with pytest.raises(InputError, match="is damaged"):
        download_and_decompress(server.url + "d.zip", tmp_path)
    assert names(tmp_path) == {"d.zip"}


def test_other_files_are_only_downloaded(server, tmp_path):
    server.files["x.txt"] = b"1"
    assert download_and_decompress(server.url + "x.txt", tmp_path) == str(tmp_path / "x.txt")
    with pytest.raises(InputError, match="404"):
        download_and_decompress(server.url + "y.txt", tmp_path)
    with pytest.raises(InputError, match="names no file"):
        download_and_decompress(server.url, tmp_path)


def test_visualize_blends_image_and_classes(tmp_path):
    image = np.full((4, 6, 3), 100, np.uint8)
    label_map = np.zeros((4, 6), np.int32)
    label_map[:, 3:] = 1
    result = {"label_map": label_map}
    color = [0, 0, 0, 200, 100, 0]  # blue, green, red of classes 0 and 1
    drawn = pdx.seg.visualize(image, result, weight=0.5, save_dir=None, color=color)
    assert drawn[0, 0].tolist() == [50, 50, 50]
    assert drawn[0, 5].tolist() == [150, 100, 50]
    only = pdx.seg.visualize(image, result, weight=0, save_dir=None)
    assert only[0, 0].tolist() != only[0, 5].tolist()
    for other in (image / 255, np.dstack([image, image[..., 0]])):
        same = pdx.seg.visualize(other, result, 0.5, save_dir=None, color=color)
        np.testing.assert_array_equal(same, drawn)
    file = tmp_path / "图 片.png"
    images.write_image(file, image)
    assert pdx.seg.visualize(str(file), result, 0.5, str(tmp_path / "out"), color) is None
    written = images.read_image(tmp_path / "out" / "visualize_图 片.png")
    np.testing.assert_array_equal(written, drawn)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weight": 1.5}, "weight is 1.5"),
        ({"color": [1, 2]}, "color is a flat list"),
        ({"color": [1, 2, 300]}, "color is a flat list"),
        ({"result": {"label_map": np.zeros((3, 3), int)}}, "must be of one size"),
    ],
)
def test_visualize_refuses(changes, sentence):
    arguments = {"result": {"label_map": np.zeros((4, 6), int)}, "save_dir": None, **changes}
    with pytest.raises(InputError, match=sentence):
        pdx.seg.visualize(np.zeros((4, 6, 3), np.uint8), **arguments)
