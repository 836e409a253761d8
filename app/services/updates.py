"""Looks for a later version now and then, where the packager of the program said whom to ask."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.services.settings import SettingsStore
from core.system.errors import InputError
from core.system.installation import installation, program_version

if TYPE_CHECKING:
    from core.system.updates import Announcement

_log = logging.getLogger(__name__)
_DAY_S = 24 * 3600
_TICK_MS = 200


class UpdateWatch(QObject):
    """Asks in a thread that nobody waits for: a network that hangs holds nothing up.

    Attributes:
        version: the program's own.
        found: a later version that was announced, or None.
    """

    announced = Signal(object)
    """(Announcement): there is a later version, not dismissed."""
    up_to_date = Signal()
    """Somebody asked, and there is none."""
    failed = Signal(object)
    """(Exception): somebody asked, and there was no answer."""

    def __init__(self, store: SettingsStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.version, self._url = _program()
        self.found: Announcement | None = None
        self._asked_by_user = False
        self._answer: list[Announcement | Exception] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_tick)

    @property
    def can_look(self) -> bool:
        """Whether there is an address to ask."""
        return self._url is not None

    def look_if_due(self) -> None:
        """Ask unless it was asked today, or the user does not want it."""
        settings = self._store.settings
        if settings.look_for_updates and abs(time.time() - settings.updates_looked) > _DAY_S:
            self._look()

    def look_now(self) -> None:
        """Ask because the user wants to know; one of the signals follows."""
        self._asked_by_user = True
        self._look()

    def dismiss(self) -> None:
        """Say nothing more of the version that was found."""
        if self.found is not None:
            self._store.settings.update_dismissed = self.found.version
            self._store.save()

    def set_automatic(self, wanted: bool) -> None:
        """Ask once a day, or only when told to."""
        self._store.settings.look_for_updates = wanted
        self._store.save()

    def is_automatic(self) -> bool:
        """Whether it asks once a day."""
        return self._store.settings.look_for_updates

    def shut_down(self) -> None:
        """Wait for no answer any more."""
        self._timer.stop()
        self._answer = None

    def _look(self) -> None:
        if self._url is None or self._timer.isActive():
            return
        answer: list[Announcement | Exception] = []
        url, program = self._url, f"Maskwright/{self.version}"

        def ask() -> None:  # knows nothing of Qt: it may outlive this object
            from core.system.updates import fetch_announcement  # the web's modules are slow to load

            try:
                answer.append(fetch_announcement(url, program=program))
            except Exception as error:
                answer.append(error)

        self._answer = answer
        threading.Thread(target=ask, name="updates", daemon=True).start()
        self._timer.start()

    @Slot()
    def _on_tick(self) -> None:
        if not self._answer:
            return
        told = self._answer[0]
        self.shut_down()
        by_user, self._asked_by_user = self._asked_by_user, False
        if isinstance(told, Exception):
            _log.warning("no later version could be looked for: %s", told)
            if by_user:
                self.failed.emit(told)
            return
        self._store.settings.updates_looked = time.time()
        self._store.save()
        if not told.is_newer_than(self.version):
            if by_user:
                self.up_to_date.emit()
            return
        self.found = told
        if by_user or self._store.settings.update_dismissed != told.version:
            self.announced.emit(told)


def _program() -> tuple[str, str | None]:
    try:
        found = installation()
        return program_version(), None if found is None else found.update_url
    except InputError as error:
        _log.warning("%s", error)
        return "unknown", None
