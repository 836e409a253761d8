"""The start page: a new project, an old one, or the demo."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.look.icons import app_icon, set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.services.settings import Settings
from app.widgets.layout import button, clear_layout, label, row

_CARD_WIDTH = GRID * 46
_LOGO_SIZE = GRID * 7
_MAX_PATH_CHARS = 46


class HomePage(QWidget):
    """Shown while no project is open."""

    new_requested = Signal()
    open_requested = Signal()
    demo_requested = Signal()
    recent_requested = Signal(object)
    forget_requested = Signal(object)
    resume_requested = Signal(object)
    """(folder): go on with the training that was interrupted in this project."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.new_button = button(
            tr("New project…"), "primary", tooltip=tr("An empty project for your images (Ctrl+N)")
        )
        self.open_button = button(
            tr("Open project…"), icon="folder", tooltip=tr("Choose a project's folder (Ctrl+O)")
        )
        self.demo_button = button(
            tr("Try the demo"),
            icon="play",
            tooltip=tr(
                "Makes a small inspection dataset and trains on it for about two minutes (Ctrl+D)"
            ),
        )
        self.demo_button.setShortcut("Ctrl+D")
        self._rows: dict[Path, QVBoxLayout] = {}
        self._recent = QVBoxLayout()
        self._recent.setSpacing(GRID)
        logo = QLabel()
        logo.setPixmap(app_icon().pixmap(_LOGO_SIZE, _LOGO_SIZE))
        heading = QVBoxLayout()
        heading.setSpacing(GRID // 2)
        heading.addWidget(label(tr("Maskwright"), "title"))
        heading.addWidget(
            label(tr("From images to a trained segmentation model, on this machine."), "muted")
        )
        head = QHBoxLayout()
        head.setSpacing(GRID * 2)
        head.addWidget(logo)
        head.addLayout(heading)
        head.addStretch(1)
        cards = QHBoxLayout()
        cards.setSpacing(GRID * 3)
        cards.addWidget(self._make_start_card())
        cards.addWidget(self._make_recent_card())
        middle = QVBoxLayout()
        middle.setSpacing(GRID * 4)
        middle.addStretch(2)
        middle.addLayout(head)
        middle.addLayout(cards)
        middle.addStretch(3)
        layout = QHBoxLayout(self)
        layout.addStretch(1)
        layout.addLayout(middle)
        layout.addStretch(1)
        self.new_button.clicked.connect(self.new_requested)
        self.open_button.clicked.connect(self.open_requested)
        self.demo_button.clicked.connect(self.demo_requested)
        self.set_recent(settings)

    def set_recent(self, settings: Settings) -> None:
        """List the recent projects, those that are gone marked."""
        clear_layout(self._recent)
        self._rows.clear()
        if not settings.recent_projects:
            self._recent.addWidget(label(tr("Projects you open will be listed here."), "muted"))
        for folder in settings.recent_projects:
            self._recent.addWidget(self._recent_row(folder))

    def offer_resume(self, folder: Path, run_name: str) -> None:
        """Say below a project that a training was interrupted; unknown ones change nothing."""
        texts = self._rows.get(folder)
        if texts is None:
            return
        resume = button(
            tr("Resume"),
            "link",
            tooltip=tr("Open the project and go on with {name}", name=run_name),
        )
        resume.clicked.connect(lambda: self.resume_requested.emit(folder))
        said = label(tr("{name} was interrupted.", name=run_name), "warning")
        texts.addLayout(row(said, resume, 1))

    def _make_start_card(self) -> QFrame:
        card, inside = _card()
        inside.addWidget(label(tr("Start"), "heading"))
        for item in (self.new_button, self.open_button, self.demo_button):
            inside.addWidget(item)
        inside.addWidget(
            label(
                tr("Or drag a folder with images, or a project, onto this window."),
                "muted",
                wrap=True,
            )
        )
        inside.addWidget(
            label(
                tr("The demo makes a small dataset and trains on it, in about two minutes."),
                "muted",
                wrap=True,
            )
        )
        return card

    def _make_recent_card(self) -> QFrame:
        card, inside = _card()
        inside.addWidget(label(tr("Recent projects"), "heading"))
        inside.addLayout(self._recent)
        inside.addStretch(1)
        return card

    def _recent_row(self, folder: Path) -> QWidget:
        line = QWidget()
        layout = QHBoxLayout(line)
        layout.setContentsMargins(0, 0, 0, 0)
        texts = QVBoxLayout()
        texts.setSpacing(0)
        name = button(folder.name, "link", tooltip=str(folder))
        name.clicked.connect(lambda: self.recent_requested.emit(folder))
        texts.addWidget(name, 0, Qt.AlignmentFlag.AlignLeft)
        texts.addWidget(label(_elided(folder.parent), "muted"))
        self._rows[folder] = texts
        forget = QPushButton()
        set_icon(forget, "close")
        forget.setProperty("role", "link")
        forget.setToolTip(tr("Remove from this list; the project stays"))
        forget.setAccessibleName(tr("Remove {name} from the list", name=folder.name))
        forget.clicked.connect(lambda: self.forget_requested.emit(folder))
        layout.addLayout(texts)
        layout.addStretch(1)
        layout.addWidget(forget)
        return line


def _card() -> tuple[QFrame, QVBoxLayout]:
    card = QFrame()
    card.setProperty("role", "card")
    card.setFixedWidth(_CARD_WIDTH)
    inside = QVBoxLayout(card)
    inside.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 3)
    inside.setSpacing(GRID * 2)
    return card, inside


def _elided(folder: Path) -> str:
    text = str(folder)
    return text if len(text) <= _MAX_PATH_CHARS else "…" + text[-_MAX_PATH_CHARS:]
