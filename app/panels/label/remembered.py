"""What was chosen in the Labelling panel, the same again in the next session."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer

from app.services.settings import SettingsStore

_PREFIX = "labelling/"
_SAVE_MS = 800


class RememberedChoices(QObject):
    """Values in the settings, by name; only those that are not the usual ones.

    They are written once the user has stopped changing them.
    """

    def __init__(self, store: SettingsStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SAVE_MS)
        self._timer.timeout.connect(store.save)

    def get(self, name: str) -> Any:
        """Return what was chosen, as it is in the file; None where it is the usual."""
        return self._store.settings.panel_values.get(_PREFIX + name)

    def keep(self, name: str, value: Any, *, usual: Any = None) -> None:
        """Remember a choice, unless it is the usual one."""
        values = self._store.settings.panel_values
        if value == usual:
            values.pop(_PREFIX + name, None)
        else:
            values[_PREFIX + name] = value
        self._timer.start()

    def save(self) -> None:
        """Write what was not written yet."""
        if self._timer.isActive():
            self._timer.stop()
            self._store.save()
