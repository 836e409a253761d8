"""The third stage: whether the exported file does what the trained network does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import pixmap
from app.look.theme import GRID, set_role, tokens
from app.look.translation import tr, trn
from app.panels.ship.export_page import format_name
from app.widgets.empty_state import EmptyState
from app.widgets.figure_tiles import add_figure_tiles
from app.widgets.layout import button, label
from app.widgets.switching import switch

_MARK = 32


class ScaledPicture(QLabel):
    """A picture that is as large as its room, and no larger than it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QPixmap()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumSize(GRID * 10, GRID * 10)

    def show_file(self, file: Path | None) -> None:
        """Show a picture; None: nothing."""
        self._picture = QPixmap() if file is None else QPixmap(str(file))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit the picture."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._picture.isNull():
            self.clear()
            return
        ratio = self.devicePixelRatio()
        room = self.size() * ratio
        shown = self._picture.scaled(
            room,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        shown.setDevicePixelRatio(ratio)
        self.setPixmap(shown)


class VerificationPage(QWidget):
    """An invitation, what is being done, or what was found."""

    verify_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: Mapping[str, Any] | None = None
        self.empty = EmptyState(
            "check",
            tr("Does the file do what the model does?"),
            _invitation(),
            action=tr("Export and verify"),
        )
        self.mark = QLabel()
        self.mark.setFixedSize(_MARK, _MARK)
        self.title = label("", "title")
        self.text = label("", wrap=True)
        self.tiles: dict[str, QLabel] = {}
        self.picture = ScaledPicture()
        self.picture_title = label("", "muted", wrap=True)
        filled = QWidget()
        column = QVBoxLayout(filled)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(self.mark, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.text)
        head.addLayout(words, 1)
        column.addLayout(head)
        column.addLayout(self._make_tiles())
        card = QFrame()
        card.setProperty("role", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(GRID, GRID, GRID, GRID)
        inside.addWidget(self.picture_title)
        inside.addWidget(self.picture, 1)
        column.addWidget(card, 1)
        self._card = card
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(filled)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.empty.action_requested.connect(self.verify_requested)

    def show_waiting(self, text: str) -> None:
        """Say what is being done; empty: nothing, and there is no result."""
        self.empty.button.setVisible(not text)
        self.empty.show_text(
            tr("Verifying") if text else tr("Does the file do what the model does?"),
            text or _invitation(),
        )
        self._pages.setCurrentIndex(0)

    def show_result(self, result: Mapping[str, Any], pictures: Mapping[str, Path]) -> None:
        """Show what a verification found (``Verification.to_dict``), with its pictures."""
        self._result = result
        verified = bool(result.get("verified"))
        self.title.setText(tr("Verified") if verified else tr("Not verified"))
        set_role(self.title, "title")
        faults = result.get("faults") or []
        if verified:
            self.text.setText(_verified_text(result))
        else:
            self.text.setText("\n".join(_fault_text(one) for one in faults))
        for key, text in _figures(result).items():
            self.tiles[key].setText(text)
        worst = result.get("worst_image") or {}
        file = next(iter(pictures.values()), None)
        self._card.setVisible(file is not None)
        if worst:
            self.picture_title.setText(
                tr(
                    "The image where they differ most: {name}, {share} of its pixels alike",
                    name=worst.get("image", ""),
                    share=share_text(worst.get("agreement")),
                )
            )
        self.picture.show_file(file)
        self.renew_colors()
        self._pages.setCurrentIndex(1)

    def set_startable(self, startable: bool, why: str = "") -> None:
        """Whether it may be started; ``why`` not."""
        switch(self.empty.button, on=startable, why=why)

    def renew_colors(self) -> None:
        """Draw the mark in the current theme."""
        self.empty.renew_colors()
        if self._result is None:
            return
        theme = tokens()
        verified = bool(self._result.get("verified"))
        name, color = ("check", theme.success) if verified else ("warning", theme.danger)
        ratio = self.devicePixelRatio()
        self.mark.setPixmap(pixmap(name, _MARK, color=color, ratio=ratio))

    def _make_tiles(self) -> QHBoxLayout:
        tiles = QHBoxLayout()
        tiles.setSpacing(GRID * 3)
        titles = (
            ("agreement", tr("Pixels alike")),
            ("miou_model", tr("mIoU, network")),
            ("miou_export", tr("mIoU, file")),
            ("difference", tr("Largest score difference")),
            ("images", tr("Images")),
        )
        self.tiles.update(add_figure_tiles(tiles, titles))
        tiles.addStretch(1)
        return tiles


class VerificationChoices(QWidget):
    """Beside it: which file, on what machine, and doing it again."""

    verify_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._form = QFormLayout()
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(GRID * 2)
        self._form.setVerticalSpacing(GRID // 2)
        self.facts: dict[str, QLabel] = {}
        for key, title in (
            ("format", tr("File")),
            ("runtime", tr("Runtime")),
            ("precision", tr("Computed in")),
            ("processor", tr("Processor")),
            ("sets", tr("Instruction sets")),
        ):
            self.facts[key] = label("–", wrap=True)
            self._form.addRow(label(title, "muted"), self.facts[key])
        self.warnings = label("", "warning", wrap=True)
        self.again_button = button(
            tr("Verify again"), tooltip=tr("Export the model anew and compare it")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(
            label(
                tr("The same images through the trained network and through the exported file."),
                "muted",
                wrap=True,
            )
        )
        layout.addLayout(self._form)
        layout.addWidget(self.warnings)
        layout.addWidget(self.again_button)
        self.again_button.clicked.connect(self.verify_requested)
        self.show_result(None)

    def show_result(self, result: Mapping[str, Any] | None) -> None:
        """Show what computed; None: nothing yet."""
        machine = (result or {}).get("machine") or {}
        runtime = f"{machine.get('runtime', '')} {machine.get('runtime_version', '')}".strip()
        texts = {
            "format": format_name(str((result or {}).get("format", ""))),
            "runtime": runtime,
            "precision": str(machine.get("precision", "")),
            "processor": str(machine.get("processor", "")),
            "sets": ", ".join(machine.get("instruction_sets") or ()),
        }
        for place, (key, text) in enumerate(texts.items()):
            self.facts[key].setText(text)
            self._form.setRowVisible(place, bool(text))
        warnings = [_translated(one) for one in (result or {}).get("warnings") or ()]
        self.warnings.setText("\n".join(warnings))
        self.warnings.setVisible(bool(warnings))
        self.again_button.setVisible(result is not None)

    def set_startable(self, allowed: bool, why: str = "") -> None:
        """Whether it may be started; ``why`` not."""
        switch(self.again_button, on=allowed, why=why)


def _invitation() -> str:
    return tr(
        "The model is written as a file, and both see the validation images. Only if they agree is "
        "the file verified."
    )


def _verified_text(result: Mapping[str, Any]) -> str:
    count = int(result.get("images") or 0)
    return trn(
        "On {count} image the file does what the trained network does.",
        "On {count} images the file does what the trained network does.",
        count,
    )


def _figures(result: Mapping[str, Any]) -> dict[str, str]:
    def number(key: str, form: str) -> str:
        value = result.get(key)
        return "–" if value is None else format(float(value), form)

    return {
        "agreement": share_text(result.get("agreement")),
        "miou_model": number("miou_model", ".3f"),
        "miou_export": number("miou_export", ".3f"),
        "difference": number("largest_difference", ".4f"),
        "images": f"{int(result.get('images') or 0):,}",
    }


def share_text(share: float | None) -> str:
    """Return a share in percent, with as many digits as it has; never 100 % if it is less."""
    if share is None:
        return "–"
    percent = math.floor(share * 1e6) / 1e4
    return f"{percent:.4f}".rstrip("0").rstrip(".") + " %"


def _fault_text(fault: Mapping[str, Any]) -> str:
    stage = {
        "preprocessing": tr("Before the network"),
        "network": tr("In the network"),
        "postprocessing": tr("Behind the network"),
    }.get(str(fault.get("stage")), "")
    sentence = _translated(fault)
    return f"{stage}: {sentence}" if stage else sentence


def _translated(sentence: Mapping[str, Any]) -> str:
    template = sentence.get("template")
    if not isinstance(template, str):
        return str(sentence.get("problem", ""))
    return tr(template, **dict(sentence.get("params") or {}))
