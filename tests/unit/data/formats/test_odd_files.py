"""Things in a foreign folder that are no ordinary files, or that only claim to be small."""

from __future__ import annotations

import os

import numpy as np
import pytest
from format_samples import sample

from core.data.formats import registry
from core.data.formats.detection import IMAGES_ONLY, detect_format
from core.images.io import image_size, read_image, write_image
from core.project import Project
from core.system.errors import InputError
from core.system.files import read_yaml

READ_AND_WRITTEN = [one.key for one in registry.WRITABLE if one.read is not None]

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")


@needs_pipes
@pytest.mark.parametrize("key", READ_AND_WRITTEN)
def test_pipes_and_devices_are_not_waited_for(tmp_path, key):
    folder = tmp_path / "管 道"
    registry.write(key, sample(tmp_path / "in"), folder)
    for name in ("a.png", "a.json", "a.xml"):
        os.mkfifo(folder / name)
        (folder / f"z{name}").symlink_to("/dev/zero")
    assert detect_format(folder) != IMAGES_ONLY
    result = registry.read(key, folder)
    assert len(result.items) == 4
    assert all(item.mask().dtype == np.uint8 for item in result.items if item.mask is not None)
    assert not {
        str(problem) for problem in result.report.messages if "pipe or a device" not in str(problem)
    }


@needs_pipes
def test_a_pipe_among_images_is_a_sentence(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    for read in (image_size, read_image):
        with pytest.raises(InputError):
            read(tmp_path / "a.png")
    with Project.create(tmp_path / "项 目") as project:
        report = project.add_images([tmp_path / "a.png"])
        assert (report.added, len(report.lost)) == (0, 1)
        assert project.counts().total == 0


def alias_bomb(*, merged: bool = False) -> str:
    """A few hundred bytes of YAML that stand for billions of values."""
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, 12):
        names = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} " + (f"{{<<: [{names}]}}" if merged else f"[{names}]"))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (alias_bomb(), "stands for more than"),
        (alias_bomb(merged=True), "stands for more than"),
        ("&a [*a]", "contains itself"),
        ("names: &a {x: *a}", "contains itself"),
        ("[" * 10_000, "recursion"),
    ],
)
def test_yaml_bombs_are_not_unfolded(tmp_path, text, reason):
    registry.write("yolo", sample(tmp_path / "in"), tmp_path / "yolo")
    (tmp_path / "yolo" / "data.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=reason) as caught:
        registry.read("yolo", tmp_path / "yolo")
    assert "\n" not in str(caught.value)


def test_aliases_are_understood(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text("a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\n", encoding="utf-8")
    assert read_yaml(path) == {"a": {"x": 1}, "b": [{"x": 1}] * 2, "c": {"x": 1, "y": 2}}
    path.write_text("", encoding="utf-8")
    assert read_yaml(path) is None


@pytest.mark.parametrize("key", [one.key for one in registry.WRITABLE])
def test_only_images_of_the_masks_size_are_copied_out(tmp_path, key):
    result = sample(tmp_path / "in")
    secret = result.items[0].image_path
    secret.write_text("no picture")
    write_image(result.items[1].image_path, np.zeros((5, 6, 3), np.uint8))
    lost = [str(problem) for problem in registry.write(key, result, tmp_path / "出 out").messages]
    assert sum("unreadable" in text for text in lost) == 1
    assert sum("6×5" in text for text in lost) == 1
    copied = [path for path in (tmp_path / "出 out").rglob("*") if path.is_file()]
    assert not [path for path in copied if path.read_bytes() == b"no picture"]
    assert not [path for path in copied if secret.stem in path.name]
