"""Errors in words, the question before something is destroyed, and exceptions nobody caught."""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from app.look.translation import tr, translated
from app.services import settings
from core.runs.events import Failed
from core.system.errors import InputError
from core.system.messages import Message

_PAUSE_S = 5.0
_log = logging.getLogger(__name__)


def error_text(error: BaseException | Failed) -> tuple[str, str]:
    """Return what happened and what to do about it, in the current language."""
    if isinstance(error, InputError):
        return translated(error.message), ""
    if isinstance(error, Failed):
        text = Message(error.template, error.params) if error.template else error.message
        advice = (
            Message(error.advice_template, error.advice_params)
            if error.advice_template
            else error.advice
        )
        return translated(text), translated(advice)
    if isinstance(error, PermissionError):
        where = error.filename or ""
        return tr("No permission to read or write {file}.", file=where), ""
    if isinstance(error, OSError) and error.errno is not None:
        reason = error.strerror or str(error)
        return tr("{file}: {reason}", file=error.filename or "", reason=reason), ""
    return (
        tr("Something went wrong in the program itself. This is a bug of ours, not your mistake."),
        tr("Nothing you saved is lost. What happened is written in {file}.", file=log_file()),
    )


def log_file() -> str:
    """Return the path of the program's log as text."""
    return str(settings.log_dir() / "maskwright.log")


def ask(
    parent: QWidget | None,
    question: str,
    *,
    details: str = "",
    yes: str,
    no: str,
    dangerous: bool = False,
) -> bool:
    """Ask a question with two named answers and wait; closing the box means ``no``."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(tr("Please choose"))
    box.setText(question)
    box.setInformativeText(details)
    role = QMessageBox.ButtonRole
    accept = box.addButton(yes, role.DestructiveRole if dangerous else role.AcceptRole)
    decline = box.addButton(no, role.RejectRole)
    box.setDefaultButton(decline if dangerous else accept)
    box.setEscapeButton(decline)
    box.exec()
    return box.clickedButton() is accept


class ExceptionHook(QObject):
    """Hands exceptions that nobody caught to the window instead of ending the program."""

    caught = Signal(object)
    """(Exception): on this object's thread; one that comes again at once is not repeated."""
    _raised = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._previous = sys.excepthook
        self._previous_thread = threading.excepthook
        self._last: tuple[tuple[type[BaseException], str], float] | None = None
        self._raised.connect(self._on_raised, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Catch from now on, in all threads."""
        sys.excepthook = self._handle
        threading.excepthook = self._handle_thread

    def uninstall(self) -> None:
        """Put the hooks back that were there before."""
        sys.excepthook = self._previous
        threading.excepthook = self._previous_thread

    def _handle(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._previous(kind, error, trace)
            return
        _log.critical("uncaught exception", exc_info=(kind, error, trace))
        self._raised.emit(error)

    def _handle_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._handle(args.exc_type, args.exc_value, args.exc_traceback)

    @Slot(object)
    def _on_raised(self, error: BaseException) -> None:
        same, now = (type(error), str(error)), time.monotonic()
        told, self._last = self._last, (same, now)
        # A broken paint handler raises for every frame: it is told when it begins.
        if told is None or told[0] != same or now - told[1] > _PAUSE_S:
            self.caught.emit(error)
