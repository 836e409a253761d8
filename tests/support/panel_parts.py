"""A panel by itself, over a project, with a context that only notes what is started."""

from __future__ import annotations

from contextlib import contextmanager

from app.services.context import AppContext
from app.services.settings import SettingsStore


@contextmanager
def noting_context(tmp_path, project, monkeypatch):
    """A context whose ``started`` lists the fields of the runs that were asked for."""
    made = AppContext(SettingsStore(tmp_path / "settings.json"))
    made.project = project
    made.started = []
    monkeypatch.setattr(made, "start_run", made.started.append)
    yield made
    made.project = None
    made.shut_down()


@contextmanager
def shown(panel, size):
    """The panel in a window of ``size`` (width, height)."""
    panel.resize(*size)
    panel.show()
    yield panel
    panel.shut_down()
    panel.close()
    panel.deleteLater()


def settle(qtbot, panel) -> None:
    """Wait for what the panel does in the background."""
    qtbot.waitUntil(lambda: not panel.busy, timeout=20_000)
