"""What validation found, alike things in one line; a click shows the images concerned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from app.look.icons import icon
from app.look.theme import GRID, tokens
from app.look.translation import tr, translated, trn
from core.data.validation import Finding

_ROLE = Qt.ItemDataRole.UserRole
_MAX_HEIGHT = GRID * 28
_ALONE = 2  # so many of one kind are still shown one by one


class FindingsList(QListWidget):
    """Errors first, as validation orders them."""

    files_chosen = Signal(object, str)
    """(list of Path, text): show these files; the text says what they have in common."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setIconSize(QSize(16, 16))
        self.setProperty("role", "plain")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setAccessibleName(tr("Findings"))
        self.itemClicked.connect(self._on_chosen)
        self.itemActivated.connect(self._on_chosen)
        self._findings: Sequence[Finding] = ()

    def set_findings(self, findings: Sequence[Finding]) -> None:
        """Show these findings."""
        self._findings = findings
        self.clear()
        groups: dict[str, list[Finding]] = {}
        for finding in findings:
            groups.setdefault(finding.code, []).append(finding)
        for group in groups.values():
            if len(group) <= _ALONE:
                for finding in group:
                    self._add([finding], translated(finding.message))
            else:
                more = trn("and {count} more like it", "and {count} more like it", len(group) - 1)
                self._add(group, f"{translated(group[0].message)} ({more})")
        self._fit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Texts wrap anew."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit_height()

    def _fit_height(self) -> None:
        if not self.count():
            return
        self.doItemsLayout()
        last = self.visualItemRect(self.item(self.count() - 1))
        height = last.bottom() + self.verticalOffset() + GRID // 2
        self.setFixedHeight(min(_MAX_HEIGHT, height))

    def renew_colors(self) -> None:
        """Draw the icons in the current theme."""
        self.set_findings(self._findings)

    def _add(self, group: list[Finding], text: str) -> None:
        t = tokens()
        name, color = {
            "error": ("error", t.danger),
            "warning": ("warning", t.warning),
            "info": ("info", t.muted),
        }[group[0].severity]
        item = QListWidgetItem(icon(name, color=color), text)
        files = [file for finding in group if (file := concerned_file(finding)) is not None]
        item.setData(_ROLE, files)
        item.setToolTip(tr("Click to see the images concerned") if files else text)
        self.addItem(item)

    @Slot(QListWidgetItem)
    def _on_chosen(self, item: QListWidgetItem) -> None:
        files: list[Path] = item.data(_ROLE)
        if files:
            self.files_chosen.emit(files, item.text())


def concerned_file(finding: Finding) -> Path | None:
    """Return the image that a finding is about, also where ``file`` is its mask."""
    image = finding.message.params.get("image")
    return Path(str(image)) if image is not None else finding.file
