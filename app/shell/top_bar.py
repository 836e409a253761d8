"""The top bar: project menu, search, device, theme, language, help."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from app.look.icons import set_icon, set_icon_beside_text
from app.look.theme import GRID, tokens
from app.look.translation import LANGUAGES, current_language, tr
from app.services.settings import Settings
from core.system.devices import DeviceInfo

HEIGHT = GRID * 6
_SEARCH_WIDTH = GRID * 36


def add_shortcut(action: QAction, keys: str | QKeySequence.StandardKey) -> None:
    """Give ``action`` its keys and name them in its tooltip."""
    sequence = QKeySequence(keys)
    action.setShortcut(sequence)
    native = sequence.toString(QKeySequence.SequenceFormat.NativeText)
    action.setToolTip(f"{action.text().rstrip('…')} ({native})")


class TopBar(QFrame):
    """Emits what was asked for; knows nothing of projects."""

    new_requested = Signal()
    open_requested = Signal()
    recent_requested = Signal(object)
    import_requested = Signal()
    undo_import_requested = Signal()
    cleanup_requested = Signal()
    audit_requested = Signal()
    close_requested = Signal()
    quit_requested = Signal()
    search_changed = Signal(str)
    theme_requested = Signal(str)
    language_requested = Signal(str)
    guide_requested = Signal()
    help_requested = Signal()
    settings_requested = Signal()
    check_requested = Signal()
    bundle_requested = Signal()
    tour_requested = Signal()
    tutorial_requested = Signal()
    words_requested = Signal()
    changes_requested = Signal()
    update_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setFixedHeight(HEIGHT)
        self.import_action = self._action(
            tr("Import images…"), "import", "Ctrl+I", self.import_requested
        )
        self.undo_action = self._action(
            tr("Undo last import…"), "back", "Ctrl+Alt+Z", self.undo_import_requested
        )
        self.cleanup_action = self._action(
            tr("Remove earlier masks and deleted runs…"), "", "", self.cleanup_requested
        )
        self.audit_action = self._action(tr("Audit trail…"), "log", "", self.audit_requested)
        self.close_action = self._action(
            tr("Close project"), "close", QKeySequence.StandardKey.Close, self.close_requested
        )
        self.recent_menu = QMenu(tr("Recent projects"), self)
        self.project_button = self._make_project_button()
        self.search = self._make_search()
        self.device_button = self._make_device_button()
        self.theme_button = self._tool_button("moon", tr("Light or dark"), "Ctrl+Shift+D")
        self.theme_button.clicked.connect(self._on_theme_clicked)
        self.language_button = self._make_language_button()
        self.update_action = self._action(
            tr("Look for a later version"), "", "", self.update_requested
        )
        self.help_button = self._make_help_button()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, 0, GRID, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.project_button)
        layout.addSpacing(GRID)
        layout.addWidget(self.search)
        layout.addStretch(1)
        layout.addWidget(self.device_button)
        for widget in (self.theme_button, self.language_button, self.help_button):
            layout.addWidget(widget)

    def set_project_name(self, name: str) -> None:
        """Show the project's name; "" while none is open."""
        self.project_button.setText(name or tr("Project"))
        opened = bool(name)
        self.import_action.setEnabled(opened)
        self.undo_action.setEnabled(opened)
        self.cleanup_action.setEnabled(opened)
        self.audit_action.setEnabled(opened)
        self.close_action.setEnabled(opened)
        self.search.setEnabled(opened)
        if not opened:
            self.search.clear()

    def set_recent(self, settings: Settings) -> None:
        """Fill the menu of recent projects."""
        self.recent_menu.clear()
        for folder in settings.recent_projects:
            action = self.recent_menu.addAction(f"{folder.name}   {_short(folder.parent)}")
            action.triggered.connect(
                lambda _checked=False, path=folder: self.recent_requested.emit(path)
            )
        self.recent_menu.setEnabled(bool(settings.recent_projects))

    def set_devices(self, devices: tuple[DeviceInfo, ...]) -> None:
        """Show the device that trains, the first one, and all in the tooltip."""
        if not devices:
            return
        self.device_button.setText(device_name(devices[0]))
        self.device_button.setToolTip("\n".join(device_facts(item) for item in devices))
        self.device_button.setAccessibleDescription(self.device_button.toolTip())

    def set_update_reason(self, reason: str) -> None:
        """Say why no later version can be looked for; "" where one can."""
        self.update_action.setEnabled(not reason)
        self.update_action.setToolTip(reason)

    def renew_colors(self) -> None:
        """Show the icon of the theme that a click would switch to."""
        set_icon(self.theme_button, "sun" if tokens().dark else "moon")

    def _make_project_button(self) -> QToolButton:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        keys = QKeySequence.StandardKey
        new = self._action(tr("New project…"), "add", keys.New, self.new_requested)
        opened = self._action(tr("Open project…"), "folder", keys.Open, self.open_requested)
        prefer = self._action(tr("Settings…"), "sliders", "Ctrl+,", self.settings_requested)
        leave = self._action(tr("Quit"), "", "Ctrl+Q", self.quit_requested)
        menu.addAction(new)
        menu.addAction(opened)
        menu.addMenu(self.recent_menu)
        menu.addSeparator()
        menu.addAction(self.import_action)
        menu.addAction(self.undo_action)
        menu.addAction(self.cleanup_action)
        menu.addAction(self.audit_action)
        menu.addSeparator()
        menu.addAction(self.close_action)
        menu.addSeparator()
        menu.addAction(prefer)
        menu.addAction(leave)
        made = QToolButton()
        made.setText(tr("Project"))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)  # the sheet draws the arrow
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        made.setMenu(menu)
        made.setProperty("role", "project")
        made.setToolTip(tr("Create, open, import, close (Alt+P)"))
        made.setShortcut(QKeySequence("Alt+P"))
        made.setAccessibleName(tr("Project menu"))
        return made

    def _make_search(self) -> QLineEdit:
        made = QLineEdit()
        made.setPlaceholderText(tr("Search images"))
        made.setClearButtonEnabled(True)
        made.setFixedWidth(_SEARCH_WIDTH)
        made.setAccessibleName(tr("Search images"))
        made.textChanged.connect(self.search_changed)
        leave = QShortcut(QKeySequence(Qt.Key.Key_Escape), made)
        leave.setContext(Qt.ShortcutContext.WidgetShortcut)
        leave.activated.connect(made.clear)
        focus = QAction(tr("Search images"), self)
        focus.triggered.connect(self._on_search_focus)
        focus.setShortcut(QKeySequence.StandardKey.Find)
        self.addAction(focus)
        keys = focus.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        made.setToolTip(tr("Find images by name, comment or group ({keys})", keys=keys))
        return made

    def _make_device_button(self) -> QToolButton:
        made = QToolButton()
        set_icon_beside_text(made, "chip")
        made.setText(tr("Looking for devices…"))
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        made.setAccessibleName(tr("Training device"))
        made.clicked.connect(self.settings_requested)
        return made

    def _make_language_button(self) -> QToolButton:
        made = self._tool_button("language", tr("Language"), "Ctrl+Shift+L")
        menu = QMenu(self)
        for code, name in LANGUAGES.items():
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(code == current_language())
            action.triggered.connect(
                lambda _checked=False, language=code: self.language_requested.emit(language)
            )
        made.setMenu(menu)
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return made

    def _make_help_button(self) -> QToolButton:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addAction(self._action(tr("Guide"), "book", "F1", self.guide_requested))
        menu.addAction(
            self._action(tr("Help and shortcuts"), "help", "Shift+F1", self.help_requested)
        )
        menu.addAction(self._action(tr("Words and numbers"), "info", "", self.words_requested))
        menu.addAction(self._action(tr("Tour"), "forward", "", self.tour_requested))
        menu.addAction(self._action(tr("Tutorial"), "", "", self.tutorial_requested))
        menu.addSeparator()
        menu.addAction(self._action(tr("Check this computer…"), "device", "", self.check_requested))
        bundle = self._action(tr("Save a diagnostic bundle…"), "", "", self.bundle_requested)
        bundle.setToolTip(tr("Logs, settings and versions in one file, without images"))
        menu.addAction(bundle)
        menu.addSeparator()
        menu.addAction(self._action(tr("What is new"), "", "", self.changes_requested))
        menu.addAction(self.update_action)
        made = self._tool_button("help", tr("Help"), "Alt+H")
        made.setMenu(menu)
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return made

    def _tool_button(self, icon: str, text: str, keys: str) -> QToolButton:
        made = QToolButton()
        set_icon(made, icon)
        made.setIconSize(QSize(20, 20))
        made.setToolTip(f"{text} ({keys})")
        made.setAccessibleName(text)
        made.setShortcut(QKeySequence(keys))
        return made

    def _action(
        self,
        text: str,
        icon: str,
        keys: str | QKeySequence.StandardKey,
        signal: SignalInstance,
    ) -> QAction:
        action = QAction(text, self)
        if icon:
            set_icon(action, icon)
        if keys:
            add_shortcut(action, keys)
        action.triggered.connect(lambda _checked=False: signal.emit())
        self.addAction(action)
        return action

    @Slot()
    def _on_search_focus(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    @Slot()
    def _on_theme_clicked(self) -> None:
        self.theme_requested.emit("light" if tokens().dark else "dark")


def device_name(device: DeviceInfo) -> str:
    """Return a device in a few words for the top bar."""
    if device.kind == "cpu":
        return tr("CPU · {cores} {cores:core|cores}", cores=device.cores)
    return device.name


def device_facts(device: DeviceInfo) -> str:
    """Return a device in one line with its memory."""
    gigabytes = device.memory_bytes / 2**30
    memory = tr("{size:.0f} GB memory", size=gigabytes) if gigabytes else ""
    return " · ".join(part for part in (device.name, memory) if part)


def _short(folder: Path) -> str:
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except ValueError:
        return str(folder)
