"""What validation found, alike things in one row, each with what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.look.icons import pixmap
from app.look.theme import GRID, tokens
from app.look.translation import tr, translated, trn
from app.panels.data.finding_actions import ACTIONS, SHOW, action_text
from app.widgets.flow_layout import FlowLayout
from app.widgets.layout import button, clear_layout, label
from core.data.validation import Finding

_ICON = 16
_ALONE = 2  # so many of one kind are still shown one by one


class FindingsList(QWidget):
    """Errors first, as validation orders them.

    Attributes:
        texts: what the rows say.
    """

    show_requested = Signal(object, str)
    """(findings of one code, text): show the images; the text says what they have in common."""
    action_requested = Signal(str, object)
    """(action, findings of one code)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.texts: list[str] = []
        self._findings: tuple[Finding, ...] = ()
        self._editable = True
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(GRID + GRID // 2)
        self.setAccessibleName(tr("Findings"))

    def set_findings(self, findings: Sequence[Finding]) -> None:
        """Show these findings."""
        self._findings = tuple(findings)
        clear_layout(self._rows)
        self.texts = []
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

    def set_editable(self, editable: bool) -> None:
        """Offer only to look at images where nothing may be changed."""
        if editable != self._editable:
            self._editable = editable
            self.set_findings(self._findings)

    def renew_colors(self) -> None:
        """Draw the icons in the current theme."""
        self.set_findings(self._findings)

    def _add(self, group: list[Finding], text: str) -> None:
        self.texts.append(text)
        told = label(text, wrap=True)
        told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = FlowLayout(spacing=GRID * 2)
        for action in ACTIONS.get(group[0].code, (SHOW,)):
            if action == SHOW or self._editable:
                buttons.addWidget(self._button(action, group, text))
        inside = QVBoxLayout()
        inside.setSpacing(2)
        inside.addWidget(told)
        inside.addLayout(buttons)
        line = QHBoxLayout()
        line.setSpacing(GRID)
        line.addWidget(_icon(group[0].severity), 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(inside, 1)
        row = QWidget()
        line.setContentsMargins(0, 0, 0, 0)
        row.setLayout(line)
        self._rows.addWidget(row)

    def _button(self, action: str, group: list[Finding], text: str) -> QWidget:
        made = button(action_text(action), "link")
        made.setAccessibleDescription(text)
        if action == SHOW:
            made.clicked.connect(lambda: self.show_requested.emit(group, text))
        else:
            made.clicked.connect(lambda: self.action_requested.emit(action, group))
        return made


def _icon(severity: str) -> QLabel:
    t = tokens()
    name, color = {
        "error": ("error", t.danger),
        "warning": ("warning", t.warning),
        "info": ("info", t.muted),
    }[severity]
    made = QLabel()
    made.setPixmap(pixmap(name, _ICON, color=color, ratio=made.devicePixelRatio()))
    made.setFixedSize(_ICON, _ICON + 2)
    return made
