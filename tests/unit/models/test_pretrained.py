"""Published weights: what is offered, where it is found, how it is fetched and checked."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from tiny_dataset import Recorder
from weight_server import WeightServer

import core
from core.models import pretrained
from core.system import downloads
from core.system.errors import InputError
from core.system.reporting import StopRequested

REPOSITORY = Path(__file__).parents[3]
PATH = "cityscapes/unet_cityscapes_1024x512_160k/model.pdparams"


def weights_file(seed=0, size=300_000):
    array = np.random.default_rng(seed).random(size).astype(np.float32)
    return pickle.dumps({"w": array}, protocol=4)


@pytest.fixture
def server(monkeypatch, tmp_path):
    server = WeightServer()
    server.files[PATH] = weights_file()
    monkeypatch.setattr(pretrained, "BASE_URL", server.url)
    monkeypatch.setattr(pretrained, "cache_folder", lambda: tmp_path / "缓存 cache")
    monkeypatch.delenv(pretrained.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "PAUSE_S", 0.01)
    monkeypatch.setattr(downloads, "READ_TIMEOUT_S", 0.3)
    yield server
    server.close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "缓存 cache" / "UNet_CITYSCAPES" / "model.pdparams"


def obtain(name="CITYSCAPES", model="UNet", reporter=None, **params):
    found = pretrained.published(model, params, name)
    return pretrained.obtain(found, reporter=reporter or Recorder())


def left_behind(target):
    return {p.name for p in target.parent.iterdir()} - {"model.pdparams.lock"}


def test_what_each_network_offers():
    assert pretrained.offered("UNet") == ("CITYSCAPES",)
    assert pretrained.offered("FastSCNN") == ("CITYSCAPES",)
    assert pretrained.offered("BiSeNetV2") == ("CITYSCAPES",)
    assert pretrained.offered("DeepLabV3P") == pretrained.NAMES
    assert pretrained.offered("HRNet", {"width": 18}) == ("CITYSCAPES", "PascalVOC")
    assert pretrained.offered("HRNet", {"width": 48}) == ("CITYSCAPES", "PascalVOC")


def test_folders_are_named_as_paddlex_names_them():
    def key(model, name, **params):
        return pretrained.published(model, params, name).key

    assert key("UNet", "CITYSCAPES", use_deconv=True) == "UNet_CITYSCAPES"
    assert key("DeepLabV3P", "PascalVOC") == "DeepLabV3P_ResNet50_vd_PascalVOC"
    assert key("HRNet", "CITYSCAPES", width=18) == "HRNet_HRNet_W18_CITYSCAPES"
    assert key("HRNet", "CITYSCAPES", width="18") == "HRNet_HRNet_W18_CITYSCAPES"
    deep = pretrained.published("DeepLabV3P", {"backbone": "ResNet101_vd"}, "CITYSCAPES")
    assert deep.url.endswith("deeplabv3p_resnet101_os8_cityscapes_769x769_80k/model.pdparams")
    assert not deep.backbone_only
    assert pretrained.published("DeepLabV3P", {}, "IMAGENET").backbone_only


def test_an_unknown_name_lists_what_there_is():
    with pytest.raises(InputError, match="“IMAGENET” for HRNet: choose CITYSCAPES, PascalVOC, a"):
        pretrained.published("HRNet", {"width": 18}, "IMAGENET")


def test_fetched_once_with_progress_and_a_hash(server, target):
    recorder = Recorder()
    assert obtain(reporter=recorder) == target
    assert target.read_bytes() == server.files[PATH]
    assert left_behind(target) == {"model.pdparams", "model.pdparams.sha256"}
    last = recorder.progresses[-1]
    assert last["stage"] == "prepare"
    assert last["step"] == last["steps"] == len(server.files[PATH]) // 1024
    assert obtain() == target
    assert len(server.requests) == 1


def test_a_file_that_changed_is_not_used(server, target):
    obtain()
    target.write_bytes(weights_file(seed=1))
    with pytest.raises(InputError, match=r"is not what model\.pdparams\.sha256 says"):
        obtain()


def test_a_broken_connection_goes_on_where_it_broke(server, target):
    server.faults = [("cut", 400_000), ("cut", 300_000)]
    obtain()
    assert target.read_bytes() == server.files[PATH]
    first, *others = [asked and int(asked[6:-1]) for asked in server.ranges()]
    assert first is None
    # What had arrived is kept, to the last whole block.
    assert 400_000 - 2**16 < others[0] <= 400_000
    assert others[0] + 300_000 - 2**16 < others[1] <= others[0] + 300_000


def test_a_stalled_server_is_left_and_tried_again(server, target):
    server.faults = [("stall", 500_000)]
    obtain()
    assert target.read_bytes() == server.files[PATH]
    assert int(server.ranges()[1][6:-1]) > 400_000


def test_stopping_keeps_what_arrived(server, target):
    with pytest.raises(StopRequested):
        obtain(reporter=Recorder(stop_at=3))
    part = target.parent / "model.pdparams.new.part"
    have = part.stat().st_size
    assert 0 < have < len(server.files[PATH])
    assert not target.exists()
    obtain()
    assert server.ranges()[1] == f"bytes={have}-"
    assert target.read_bytes() == server.files[PATH]


def test_a_part_of_an_older_file_is_not_continued(server, target):
    with pytest.raises(StopRequested):
        obtain(reporter=Recorder(stop_at=3))
    server.files[PATH] = weights_file(seed=5)
    server.etags[PATH] = '"2"'
    obtain()
    assert target.read_bytes() == server.files[PATH]


def test_a_server_without_ranges_starts_over(server, target):
    server.faults = [("cut", 400_000), ("whole",)]
    obtain()
    assert target.read_bytes() == server.files[PATH]


def test_a_server_that_names_no_version_starts_over(server, target):
    server.etags[PATH] = ""
    server.faults = [("cut", 400_000)]
    obtain()
    assert server.ranges() == [None, None]
    assert target.read_bytes() == server.files[PATH]


def test_a_part_longer_than_the_file_is_thrown_away(server, target):
    target.parent.mkdir(parents=True)
    part = target.parent / "model.pdparams.new.part"
    part.write_bytes(b"x" * 2_000_000)
    url = server.url + PATH
    description = f'{{"url": "{url}", "validator": "\\"1\\"", "size": 3000000}}'
    part.with_name(part.name + ".json").write_text(description)
    obtain()
    assert target.read_bytes() == server.files[PATH]


def test_too_short_is_not_accepted(server, target):
    server.content_length = len(server.files[PATH]) + 10
    with pytest.raises(InputError, match=r"cannot be had \(.*\): connect to the internet"):
        obtain()
    assert not target.exists()


@pytest.mark.parametrize(("code", "tries"), [(404, 1), (403, 1), (503, 3)])
def test_a_refusal_is_said_once_hopeless(server, target, code, tries):
    server.faults = [("status", code)] * 9
    with pytest.raises(InputError, match=f"the server answered {code}") as raised:
        obtain()
    assert len(server.requests) == tries
    sentence = str(raised.value)
    assert str(target) in sentence
    assert PATH in sentence
    assert "None" in sentence


@pytest.mark.parametrize(
    "body", [b"<html>Please log in to this network</html>", weights_file()[:-100], b""]
)
def test_what_is_no_weights_file_is_not_kept(server, target, body):
    server.files[PATH] = body
    with pytest.raises(InputError, match="damaged or no network weights"):
        obtain()
    assert left_behind(target) == set()
    server.files[PATH] = weights_file()
    assert obtain() == target


def test_a_known_hash_is_demanded(server, target, monkeypatch):
    monkeypatch.setitem(pretrained._SHA256, "UNet_CITYSCAPES", "0" * 64)
    with pytest.raises(InputError, match="not the known file"):
        obtain()
    assert left_behind(target) == set()


def test_without_a_network_one_sentence_tells_what_to_do(server, target):
    server.close()
    with pytest.raises(InputError, match="there is no connection to the server") as raised:
        obtain()
    assert str(target) in str(raised.value)


def test_a_proxy_from_the_environment_is_used(server, target, monkeypatch):
    monkeypatch.setattr(pretrained, "BASE_URL", "http://weights.invalid/")
    monkeypatch.setenv("http_proxy", server.url)
    obtain()
    assert server.requests[0][0] == f"http://weights.invalid/{PATH}"
    assert target.read_bytes() == server.files[PATH]


@pytest.mark.parametrize("way", ["variable", "attribute"])
def test_files_put_there_by_hand_come_first(server, tmp_path, monkeypatch, way):
    offline = tmp_path / "U 盘"
    file = offline / "UNet_CITYSCAPES" / "model.pdparams"
    file.parent.mkdir(parents=True)
    file.write_bytes(weights_file(seed=3))
    if way == "variable":
        monkeypatch.setenv(pretrained.FOLDER_VARIABLE, str(offline))
    else:
        monkeypatch.setattr(core, "pretrain_dir", str(offline))
    assert obtain() == file
    assert server.requests == []
    assert [p.name for p in file.parent.iterdir()] == ["model.pdparams"]


def archive(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_an_archive_gives_its_weights_and_nothing_else(server, tmp_path):
    body = weights_file(seed=2)
    server.files["resnet50_vd_ssld_v2.tar.gz"] = archive(
        [
            ("../escaped.txt", b"evil"),
            ("link.pdparams", None),
            ("../../deep/model.pdparams", body),
        ]
    )
    found = obtain("IMAGENET", "DeepLabV3P")
    assert found.read_bytes() == body
    assert left_behind(found) == {"model.pdparams", "model.pdparams.sha256"}
    everything = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert everything == {"model.pdparams", "model.pdparams.sha256", "model.pdparams.lock"}


@pytest.mark.parametrize(
    "body",
    [
        archive([("a.txt", b"1")]),
        archive([("a.pdparams", b"1"), ("b.pdparams", b"2")]),
        archive([("a.pdparams", weights_file())])[:5000],
        b"no archive",
    ],
    ids=["no weights", "two weights", "cut off", "no archive"],  # archives hold the time
)
def test_a_useless_archive_is_refused(server, tmp_path, body):
    server.files["resnet50_vd_ssld_v2.tar.gz"] = body
    with pytest.raises(InputError, match=r"exactly one \.pdparams file|is damaged"):
        obtain("IMAGENET", "DeepLabV3P")
    folder = tmp_path / "缓存 cache" / "DeepLabV3P_ResNet50_vd_IMAGENET"
    assert {p.name for p in folder.iterdir()} == {"model.pdparams.lock"}


def test_an_unpacked_archive_is_found(server, tmp_path, monkeypatch):
    monkeypatch.setenv(pretrained.FOLDER_VARIABLE, str(tmp_path))
    folder = tmp_path / "DeepLabV3P_ResNet50_vd_IMAGENET" / "resnet50_vd_ssld_v2"
    folder.mkdir(parents=True)
    (folder / "model.pdparams").write_bytes(weights_file())
    assert obtain("IMAGENET", "DeepLabV3P") == folder / "model.pdparams"


def test_two_processes_download_once(server, target):
    script = f"""
import sys
from pathlib import Path
from core.models import pretrained
from core.system.reporting import Reporter
pretrained.BASE_URL = {server.url!r}
pretrained.cache_folder = lambda: Path({str(target.parents[1])!r})
print(pretrained.obtain(pretrained.published("UNet", {{}}, "CITYSCAPES"), reporter=Reporter()))
print("paddle" in sys.modules)
"""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for run in runs:
        out, _ = run.communicate(timeout=60)
        assert out.splitlines() == [str(target), "False"]
    assert len(server.requests) == 1
