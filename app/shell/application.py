"""Start and end of the window's process: language, theme, log, window, jobs."""

from __future__ import annotations

import logging
import logging.handlers
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication

from app.look.icons import app_icon
from app.look.theme import apply_theme
from app.look.translation import current_language, set_language, tr
from app.services import settings
from app.services.context import AppContext
from app.services.notices import Notice
from app.services.settings import SettingsStore
from app.services.targets import ShowDataset, ShowTraining
from app.services.updates import UpdateWatch
from app.shell.demo_dialog import DemoDialog, ReadyDemo
from app.shell.garbage import GarbageCollector
from app.shell.main_window import MainWindow
from app.widgets import dialogs

if TYPE_CHECKING:  # else the web's modules would be loaded before the window is up
    from core.system.updates import Announcement

_log = logging.getLogger(__name__)
_LOG_BYTES = 2_000_000
_SIGNAL_INTERVAL_MS = 300
_DEMO_FOLDER = "maskwright-demo"
_BEFORE_IT_WAS_NOTED = "0.1.0"


class Application(QObject):
    """Owns the context and the window; the window is built anew when the language changes."""

    def __init__(self, qt: QApplication, store: SettingsStore | None = None) -> None:
        super().__init__()
        self.qt = qt
        self._is_shut_down = False
        store = store if store is not None else SettingsStore()
        set_language(store.settings.language)
        apply_theme(qt, store.settings.theme)
        self.context = AppContext(store, self)
        self.updates = UpdateWatch(store, self)
        self.updates.announced.connect(self._on_update_announced)
        self.updates.up_to_date.connect(self._on_up_to_date)
        self.updates.failed.connect(self.context.error_occurred)
        self.window = self._make_window()
        qt.styleHints().colorSchemeChanged.connect(self._on_color_scheme_changed)

    def show(self) -> None:
        """Show the window as it was left."""
        if self.context.settings.window_maximized:
            self.window.showMaximized()
        else:
            self.window.show()
        self.context.find_devices()
        problem = self.context.store.problem
        if problem is not None:
            self.context.error_occurred.emit(problem)
        if self.context.store.is_new:
            self.window.help.offer_tour()
        self._show_changes_once()
        self.updates.look_if_due()

    def shut_down(self) -> None:
        """Close the window, end the jobs and the background work; saves the settings.

        Blocks until jobs have saved and ended; a second call does nothing.
        """
        if self._is_shut_down:
            return
        self._is_shut_down = True
        self.qt.styleHints().colorSchemeChanged.disconnect(self._on_color_scheme_changed)
        self.updates.shut_down()
        self.window.close_silently()
        self.context.shut_down()
        self.window.deleteLater()

    @Slot(str)
    def set_theme(self, mode: str) -> None:
        """Show and remember ``light`` or ``dark``."""
        self.context.settings.theme = "dark" if mode == "dark" else "light"
        self.context.store.save()
        self._apply_theme(mode)

    @Slot(str)
    def set_language(self, language: str) -> None:
        """Show and remember a language of ``LANGUAGES``; the window is rebuilt soon after."""
        if language == current_language():
            return
        if self.window.holds_back(lambda: self.set_language(language)):
            return
        self.context.settings.language = "zh_CN" if language == "zh_CN" else "en"
        self.context.store.save()
        set_language(language)
        apply_theme(self.qt, self.context.settings.theme)  # its faces are the language's
        # Not from inside the old window's own menu, which is still on the stack.
        QTimer.singleShot(0, self, self._rebuild)

    @Slot()
    def _rebuild(self) -> None:
        old = self.window
        panel = old.work_area.current_panel.key if self.context.project is not None else None
        search = old.top_bar.search.text()
        offers_tour = old.help.offers_tour and old.start_page.notice.isVisible()
        kept = {} if panel is None else old.work_area.keep()
        self.window = self._make_window()
        if not old.notice.isHidden():
            self._show_notice()
        if panel is not None:
            self.window.work_area.show_kept(kept)
            self.window.work_area.show_panel(panel)
        self.window.top_bar.search.setText(search)
        if offers_tour:
            self.window.help.offer_tour()
        self.window.setGeometry(old.geometry())
        if old.isMaximized():
            self.window.showMaximized()
        else:
            self.window.show()
        old.close_silently()
        old.deleteLater()

    @Slot()
    def _on_color_scheme_changed(self) -> None:
        if self.context.settings.theme == "auto":
            self._apply_theme("auto")

    def _apply_theme(self, mode: str) -> None:
        apply_theme(self.qt, mode)
        self.window.renew_colors()

    @Slot()
    def _on_demo_requested(self) -> None:
        dialog = DemoDialog(self.context.projects_dir() / _DEMO_FOLDER, self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.demo_made.connect(self._on_demo_made)
        dialog.failed.connect(self.context.error_occurred)
        dialog.open()

    @Slot(object)
    def _on_demo_made(self, ready: ReadyDemo) -> None:
        self.open_project(ready.project_dir, ready.run_fields)

    def _show_changes_once(self) -> None:
        """Show what is new if the version is a later one than that of the last start."""
        store, version = self.context.store, self.updates.version
        # Settings without a version are those of 0.1, the only one that did not note it.
        seen = store.settings.seen_version or _BEFORE_IT_WAS_NOTED
        if store.settings.seen_version == version:
            return
        store.settings.seen_version = version
        store.save()
        if store.is_new:
            return
        from core.system.changelog import is_earlier  # not before the window is up

        if is_earlier(seen, version):
            self._show_changes(seen)

    @Slot()
    def _on_changes_requested(self) -> None:
        self._show_changes("")

    def _show_changes(self, seen: str) -> None:
        from app.shell.changes_dialog import ChangesDialog
        from core.system.changelog import changes_since, read_changelog

        changes = changes_since(read_changelog(), seen)
        if changes:
            ChangesDialog(changes, self.window).open()

    @Slot(object)
    def _on_update_announced(self, _found: Announcement) -> None:
        self._show_notice()

    def _show_notice(self) -> None:
        if self.updates.found is not None:
            self.window.notice.show_update(self.updates.found, current=self.updates.version)

    @Slot()
    def _on_up_to_date(self) -> None:
        self.window.tell(
            Notice(tr("Maskwright {version} is the newest version.", version=self.updates.version))
        )

    @Slot()
    def _on_update_details_requested(self) -> None:
        from app.shell.changes_dialog import UpdateDialog

        if self.updates.found is not None:
            UpdateDialog(self.updates.found, self.updates, self.window).open()

    def open_project(self, folder: Path, run_fields: Mapping[str, Any] | None = None) -> None:
        """Open a project and, if asked for, start a job on it and show it."""

        def go_on() -> None:
            if run_fields is not None:
                self.context.start_run(run_fields)
            self.context.navigate(ShowDataset() if run_fields is None else ShowTraining())

        self.window.projects.open_project(folder, then=go_on)

    def _make_window(self) -> MainWindow:
        window = MainWindow(self.context)
        window.setWindowIcon(app_icon())
        window.theme_requested.connect(self.set_theme)
        window.language_requested.connect(self.set_language)
        window.demo_requested.connect(self._on_demo_requested)
        bar, notice = window.top_bar, window.notice
        bar.changes_requested.connect(self._on_changes_requested)
        bar.update_requested.connect(self.updates.look_now)
        bar.set_update_reason(
            ""
            if self.updates.can_look
            else tr("Whoever built this program named no address to ask.")
        )
        notice.details_requested.connect(self._on_update_details_requested)
        notice.dismissed.connect(self.updates.dismiss)
        return window


def run_window(
    argv: Sequence[str] | None = None,
    *,
    project: Path | None = None,
    start_run: Mapping[str, Any] | None = None,
) -> int:
    """Show the window until it is closed; see ``app.launch``."""
    set_up_log()
    qt = QApplication.instance()
    if not isinstance(qt, QApplication):
        qt = QApplication([sys.argv[0], *(argv or [])])
    qt.setApplicationName("maskwright")
    qt.setApplicationDisplayName("Maskwright")
    qt.setDesktopFileName("maskwright")
    hook = dialogs.ExceptionHook(qt)
    hook.install()
    collector = GarbageCollector(qt)
    collector.start()
    application = Application(qt)
    hook.caught.connect(application.context.error_occurred)
    application.show()
    if project is not None:
        QTimer.singleShot(0, application, lambda: application.open_project(project, start_run))
    wake = _quit_on_signals(qt)
    QTimer.singleShot(0, application, lambda: _log.info("the window is up"))
    try:
        return qt.exec()
    finally:
        wake.stop()
        application.shut_down()
        collector.stop()
        hook.uninstall()


def _quit_on_signals(qt: QApplication) -> QTimer:
    """Let Ctrl+C in the terminal and a polite kill close the program in good order.

    The first may be answered with a question, as when the window is closed; the second is not.
    """

    def leave(number: int, _frame: object) -> None:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda _number, _frame: qt.exit())
        # Later: the signal may have come while a line was being written.
        QTimer.singleShot(0, qt, lambda: _log.info("asked to end by signal %d", number))
        qt.quit()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    wake = QTimer(qt)  # Python sees a signal only when it runs
    wake.timeout.connect(lambda: None)
    wake.start(_SIGNAL_INTERVAL_MS)
    return wake


def set_up_log() -> None:
    """Write warnings and errors of the window's process to a file of limited size."""
    root = logging.getLogger()
    if any(isinstance(item, logging.handlers.RotatingFileHandler) for item in root.handlers):
        return
    try:
        settings.log_dir().mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            dialogs.log_file(), maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8"
        )
    except OSError:
        logging.basicConfig()
        _log.warning("no log file can be written in %s", settings.log_dir())
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
