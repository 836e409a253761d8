"""What the Ship panel exports: verified, bundled, measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import recorded_compression as recorded
import ship_parts as parts
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from recorded_runs import LABELS
from ship_parts import context, panel, project, refresh, root, settle, show
from window_texts import texts

from app.panels.ship.commands import System
from app.panels.ship.ship_actions import export_folder
from app.panels.ship.stage_bar import Stage
from core.annotation.shapes import Outline
from core.images.io import write_image
from core.portable.manifest import Manifest, read_manifest, write_manifest
from core.runs.events import Progress
from core.runs.kinds import BundleSpec, ExportSpec, VerifySpec
from core.runs.run_folder import RunFolder

__all__ = ["context", "panel", "project", "root"]


# Verifying


def test_exporting_and_verifying_follow_each_other(qtbot, panel, project, root, context) -> None:
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.VERIFY)
    panel.page.verification.empty.button.click()
    target = export_folder(project, panel.current, "onnx")
    asked = {"kind": "export", "model_dir": root, "out_dir": target, "reference": True}
    assert context.started == [asked]
    assert target.parent == project.folder / "exports"
    context.run_started.emit("8")
    parts.record_export(project, root, target)
    refresh(qtbot, panel)
    assert context.started[1:] == [{"kind": "verify", "model_dir": root, "export_dir": target}]
    context.run_started.emit("9")
    refresh(qtbot, panel)
    assert len(context.started) == 2  # once

    parts.record_verification(project, root, target)
    refresh(qtbot, panel)
    page = panel.page.verification
    assert page.title.text() == "Verified"
    assert page.tiles["agreement"].text() == "99.997 %"
    assert "val 3.png" in page.picture_title.text()
    assert not page.picture.pixmap().isNull()
    assert panel.verification_choices.facts["sets"].text() == "AVX2, AVX-512 VNNI"


def test_a_file_that_differs_gets_no_tick_but_the_stage_and_the_sentence(
    qtbot, panel, project, root
) -> None:
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    template = "The file prepares {image} to another size than the model."
    fault = {"stage": "preprocessing", "template": template, "params": {"image": "val 3.png"}}
    parts.record_verification(project, root, export, verified=False, faults=[fault])
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.VERIFY)
    page = panel.page.verification
    assert page.title.text() == "Not verified"
    sentence = "Before the network: The file prepares val 3.png to another size than the model."
    assert page.text.text() == sentence
    assert panel.page.bar.buttons[Stage.VERIFY].accessibleName() == "Verify: needs attention"
    panel.page.show_stage(Stage.EXPORT)
    assert panel.page.exports.table.rows.index(0, 1).data() == "not the same"


def test_a_new_file_in_the_same_folder_is_not_verified(qtbot, panel, project, root) -> None:
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    parts.record_verification(project, root, export)
    show(qtbot, panel, project)
    assert panel.page.exports.table.rows.items[0].verified is True
    parts.record_export(project, root, export)
    refresh(qtbot, panel)
    assert [row.verified for row in panel.page.exports.table.rows.items] == [None]


def test_a_job_at_work_is_told(qtbot, panel, project, root) -> None:
    row = project.new_run("verify", "FastSCNN")
    RunFolder.create(row.folder, VerifySpec(model_dir=root, export_dir=root))
    project.set_run_state(row.id, "queued")
    show(qtbot, panel, project)
    waiting = panel.page.verification.empty.text_label
    assert waiting.text() == "Verifying as soon as the job before is done"
    project.set_run_state(row.id, "running")
    refresh(qtbot, panel)
    panel.job_event(str(row.id), Progress(1, 4, None, stage="verify"))
    assert panel.page.verification.empty.text_label.text() == "Verifying 25 %"
    assert not panel.page.verification.empty.button.isVisibleTo(panel.page.verification)


def test_a_bundle_at_work_is_told(qtbot, panel, project, root) -> None:
    row = project.new_run("bundle", "FastSCNN")
    RunFolder.create(row.folder, BundleSpec(model_dir=root, out=project.folder / "b"))
    project.set_run_state(row.id, "running")
    show(qtbot, panel, project)
    assert panel.page.exports.activity.text() == "Making the bundle…"


def test_an_export_at_work_is_told_in_place_of_that_there_is_none(
    qtbot, panel, project, root
) -> None:
    row = project.new_run("export", "FastSCNN")
    RunFolder.create(
        row.folder, ExportSpec(model_dir=root, out_dir=project.folder / "exports" / "a")
    )
    project.set_run_state(row.id, "running")
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.EXPORT)
    empty = panel.page.exports.empty
    seen = [text for _, text in texts(panel.window())]
    assert "Exporting…" in seen and "Nothing is exported yet" not in seen
    project.set_run_state(row.id, "failed")
    refresh(qtbot, panel)
    assert empty.title_label.text() == "Nothing is exported yet"


# Exports and bundles


def test_a_format_and_a_folder_are_chosen(
    qtbot, panel, project, root, context, tmp_path, monkeypatch
) -> None:
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.EXPORT)
    choices = panel.export_choices
    choices.formats.cards[1].button.click()
    assert choices.folder_label.text().endswith("openvino")
    target = tmp_path / "导出 1"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a, **_k: str(target))
    choices.folder_button.click()
    assert choices.folder_label.text() == str(target)
    assert not choices.advanced.isVisibleTo(choices)
    choices.advanced_button.click()
    choices.plain_box.setChecked(True)
    choices.export_button.click()
    assert context.started == [
        {
            "kind": "export",
            "model_dir": root,
            "out_dir": target,
            "format": "openvino",
            "plain": True,
            "reference": True,
        }
    ]


def test_the_mirror_image_may_be_left_out(qtbot, panel, project, root, context) -> None:
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.EXPORT)
    choices = panel.export_choices
    choices.advanced_button.click()
    assert not choices.flip_box.isVisibleTo(choices)
    description = root / "model.yml"
    text = description.read_text(encoding="utf-8")
    description.write_text(text.replace("flip_test: false", "flip_test: true"), encoding="utf-8")
    show(qtbot, panel, project)
    assert choices.flip_box.isVisibleTo(choices) and choices.flip_box.isChecked()
    choices.export_button.click()
    assert "flip_test" not in context.started[-1]
    context.run_started.emit("9")
    choices.flip_box.setChecked(False)
    refresh(qtbot, panel)  # as when any run begins or ends
    assert not choices.flip_box.isChecked()
    choices.export_button.click()
    assert context.started[-1]["flip_test"] is False
    show(qtbot, panel, project)
    assert choices.flip_box.isChecked()  # another model is another question


def test_a_bundle_is_made_of_the_export_and_says_what_to_do(
    qtbot, panel, project, root, context, tmp_path, monkeypatch
) -> None:
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    parts.record_export(project, root, project.folder / "exports" / "p", plain=True)
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.EXPORT)
    target = tmp_path / "bundle 1"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: ("", ""))
    panel.export_choices.bundle_button.click()
    assert context.started == []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(target), ""))
    panel.export_choices.bundle_button.click()
    assert context.started == [
        {"kind": "bundle", "model_dir": root, "export_dir": export, "out": target}
    ]
    context.run_started.emit("9")
    panel.export_choices.bundle_box.setCurrentIndex(1)
    panel.export_choices.bundle_button.click()
    assert context.started[-1]["out"] == tmp_path / "bundle 1.zip"

    parts.record_bundle(project, root, target)
    refresh(qtbot, panel)
    page = panel.page.exports
    assert page.table.current.folder == target  # what was made last
    assert not page.verify_button.isVisibleTo(page)
    page.steps.system_box.setCurrentIndex(page.steps.system_box.findData(System.WINDOWS))
    commands = [line.edit.text() for line in page.steps.lines]
    assert commands[1].startswith(r"venv\Scripts\python -m pip install --require-hashes")
    assert commands[2:] == [
        r"venv\Scripts\python predict.py selftest",
        r"venv\Scripts\python predict.py images --out results",
    ]
    page.steps.lines[2].copy_button.click()
    assert QGuiApplication.clipboard().text() == commands[2]
    page.table.selectRow(1)
    assert str(page.table.rows.items[1].folder) in page.steps.lines[0].edit.text()


def test_a_bundle_is_offered_a_place_that_is_there(
    qtbot, panel, project, root, context, tmp_path, monkeypatch
) -> None:
    show(qtbot, panel, project)
    offered: list[Path] = []
    elsewhere = tmp_path / "U 盘"
    elsewhere.mkdir()

    def choose(_window, _title, start: str, _kinds) -> tuple[str, str]:
        offered.append(Path(start))
        return str(elsewhere / "bundle"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    panel.export_choices.bundle_button.click()
    context.run_started.emit("8")
    panel.export_choices.bundle_button.click()
    elsewhere.rmdir()
    context.run_started.emit("9")
    panel.export_choices.bundle_button.click()
    exports = project.folder / "exports"
    assert exports.is_dir()
    assert [one.parent for one in offered] == [exports, elsewhere, exports]
    assert {one.name for one in offered} == {export_folder(project, panel.current, "bundle").name}


def test_without_an_export_the_bundle_waits_for_one(
    qtbot, panel, project, root, context, tmp_path, monkeypatch
) -> None:
    show(qtbot, panel, project)
    target = tmp_path / "bundle"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(target), ""))
    panel.export_choices.bundle_button.click()
    export = context.started[0]["out_dir"]
    assert [one["kind"] for one in context.started] == ["export"]
    context.run_started.emit("8")
    parts.record_export(project, root, export)
    refresh(qtbot, panel)
    assert [one["kind"] for one in context.started] == ["export", "verify", "bundle"]
    assert context.started[-1]["export_dir"] == export


def test_an_export_decides_as_the_rules_say(qtbot, panel, project, root) -> None:
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    labels = LABELS
    write_manifest(export, Manifest(format="onnx", model="FastSCNN", labels=labels, background=0))
    show(qtbot, panel, project)
    panel.page.show_stage(Stage.RULES)
    panel.judging_choices.pixel_box.setValue(0.5)
    panel.page.judging.rules.add_button.click()
    settle(qtbot, panel)
    manifest = read_manifest(export)
    assert manifest.rules == ('any "hole 孔" longer than 1 mm -> reject',)
    assert manifest.pixel_size_mm == 0.5


# Speed


def test_drawn_regions_go_into_the_exports_beside_their_files(qtbot, panel, project, root) -> None:
    export = project.folder / "exports" / "a"
    parts.record_export(project, root, export)
    given = Manifest(format="onnx", model="FastSCNN", labels=LABELS, background=0)
    write_manifest(export, replace(given, settings={"dont_care_file": "dont_care.png"}))
    write_image(export / "dont_care.png", np.full((96, 128), 255, np.uint8))
    show(qtbot, panel, project)
    outline = Outline.between("rectangle", (10, 20), (30, 40))
    panel.page.judging.regions.add(outline)
    settings = read_manifest(export).settings
    assert settings["regions"] == [[[10, 20], [30, 20], [30, 40], [10, 40]]]
    assert settings["dont_care_file"] == "dont_care.png"
    panel.page.judging.regions.remove()
    assert "regions" not in read_manifest(export).settings


def test_all_exports_are_measured_together(qtbot, panel, project, root, context) -> None:
    show(qtbot, panel, project)
    speed = panel.page.exports.speed
    assert not speed.empty.button.isVisibleTo(speed)  # there is nothing to measure
    export = project.folder / "exports" / "a"
    other = project.folder / "exports" / "b"
    parts.record_export(project, root, export)
    pruned = recorded.record_pruning(project, root, None)
    parts.record_export(project, pruned, other, format="openvino")
    refresh(qtbot, panel)
    speed.empty.button.click()
    (fields,) = context.started
    assert fields["kind"] == "benchmark"
    assert set(fields["exports"]) == {export, other}

    parts.record_benchmark(project, export)
    refresh(qtbot, panel)
    cells = [
        [speed.table.item(row, column).text() for column in range(6)]
        for row in range(speed.table.rowCount())
    ]
    assert cells == [
        ["a", "ONNX Runtime", "2", "5.00 ms", "6.00 ms", "200.0"],
        ["a", "OpenVINO", "–", "–", "–", "–"],
    ]
    assert speed.advice.text() == "a in OpenVINO: It cannot be run here."
    assert speed.table.item(0, 0).font().bold()
    assert speed.title.text() == "onnx in OpenVINO takes as long."
