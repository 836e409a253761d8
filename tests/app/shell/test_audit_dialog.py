"""The audit trail in the window."""

from __future__ import annotations

from PySide6.QtWidgets import QFileDialog

from app.shell.audit_dialog import AuditDialog


def test_changes_are_listed_searched_and_saved(application, tmp_path, monkeypatch, qtbot):
    context, window = application.context, application.window
    context.create_project(tmp_path / "项目", "P", labels=["Crack"])
    context.project.add_class("Hole")
    window.top_bar.audit_action.trigger()
    dialog = window.findChild(AuditDialog)
    qtbot.waitUntil(lambda: bool(dialog.model.items))
    shown = [line.cells[2] for line in dialog.model.items]
    assert shown[0] == "The class “Hole” was added." and shown[-1] == "The project was made."
    dialog.search.setText("hole")
    assert [line.cells[2] for line in dialog.model.items] == shown[:1]
    assert dialog.count.text() == "1 change"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: (str(tmp_path), ""))
    dialog.save_button.click()  # a folder is in the way
    assert dialog.problem.isVisible()
    file = tmp_path / "审计.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a: (str(file), ""))
    dialog.save_button.click()
    assert not dialog.problem.isVisible()  # that was the other file
    assert "Hole" in file.read_text("utf-8") and "made" not in file.read_text("utf-8")
    dialog.search.setText("nobody did this")
    assert not dialog.save_button.isEnabled()
    dialog.reject()
