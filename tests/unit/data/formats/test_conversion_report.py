"""What a conversion left out, assumed or changed."""

from __future__ import annotations

import pytest
from format_samples import sample

from core.data.formats import ConversionReport, ImportedImage, registry
from core.system.errors import InputError
from core.system.messages import message


def outcomes(report):
    return [remark.outcome for remark in report.remarks]


def test_remarks_say_what_became_of_a_thing(tmp_path):
    source = sample(tmp_path / "in")
    source.items.append(ImportedImage(tmp_path / "in" / "无.png"))
    written = registry.write("yolo", source, tmp_path / "yolo")
    assert sorted(outcomes(written)) == ["changed", "left out"]
    (tmp_path / "yolo" / "data.yaml").unlink()
    assert outcomes(registry.read("yolo", tmp_path / "yolo").report) == ["assumed"]


def test_where_nothing_is_left_the_first_thing_left_out_is_the_reason():
    report = ConversionReport()
    report.assumed(message("A guess."))
    with pytest.raises(InputError, match="Nothing here"):
        report.require([], InputError("Nothing here."))
    with report.leaving_out():
        raise InputError("The file {file} is damaged.", file="a")
    with pytest.raises(InputError, match="The file a is damaged"):
        report.require([], InputError("Nothing here."))
    report.require(["one"], InputError("Nothing here."))
    assert [str(text) for text in report.messages] == ["A guess.", "The file a is damaged."]
