"""Shows the curves of runs in VisualDL, in the browser; its server ends with the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from app.look.theme import tokens
from app.look.translation import current_language
from app.services import settings
from app.services.background import BackgroundTasks
from core.jobs.visualdl_server import VisualDLServer


class CurveBoard(QObject):
    """One server at a time, for the runs asked for last; it takes seconds to start."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = BackgroundTasks(self)
        self._server = VisualDLServer(log=settings.log_dir() / "visualdl.log")

    @property
    def busy(self) -> bool:
        """Whether a server is being started."""
        return self._tasks.busy

    def open(
        self,
        folders: Sequence[Path],
        *,
        on_done: Callable[[], None],
        on_failed: Callable[[Exception], None],
    ) -> None:
        """Show the curves in these folders, each a run's ``vdl_log``, in the browser.

        Args:
            folders: at least one.
            on_done: called when the browser was asked to open the address.
            on_failed: called with what went wrong.
        """
        chosen = tuple(folders)
        language = "zh" if current_language() == "zh_CN" else "en"
        theme = "dark" if tokens().dark else "light"

        def show(address: str) -> None:
            QDesktopServices.openUrl(QUrl(address))
            on_done()

        self._tasks.start(
            lambda _progress: self._server.show(chosen, language=language, theme=theme),
            on_done=show,
            on_failed=on_failed,
            key="open",
        )

    def close(self) -> None:
        """End the server, also while it is being started."""
        self._tasks.cancel_all()
        self._server.close()

    def shut_down(self) -> None:
        """End the server for good and wait for what starts it."""
        self._server.close()
        self._tasks.shut_down()
        self._server.close()
