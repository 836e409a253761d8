"""What is shown while no project is open: the start page, with what is said above and below it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.services.notices import Notice
from app.shell.home import HomePage
from app.widgets.layout import column
from app.widgets.notice_bar import NoticeBar
from app.widgets.problem_bar import ProblemArea


class StartPage(QWidget):
    """Only the parts and their places.

    Attributes:
        home: the start page itself.
        problems: what went wrong.
        notice: what is said once.
    """

    def __init__(self, home: HomePage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.home = home
        self.problems = ProblemArea()
        self.notice = NoticeBar()
        self.setLayout(column(self.problems, home, self.notice, spacing=0))

    def tell(self, notice: Notice) -> None:
        """Say something in one line."""
        self.notice.tell(
            notice.text,
            action=notice.action,
            on_action=notice.on_action,
            passing=notice.passing,
        )

    def say_now(self, text: str) -> None:
        """Say something before the event loop goes on: what follows keeps it busy."""
        self.notice.tell(text)
        layout = self.layout()
        if layout is not None:
            layout.activate()
        self.repaint()

    def clear(self) -> None:
        """Say nothing."""
        self.problems.clear()
        self.notice.clear()
