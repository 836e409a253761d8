"""Everything behind the question mark: guide, words, tour, this computer, the diagnostic bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMainWindow

from app.look.translation import tr
from app.panels.base import Panel
from app.services.context import AppContext
from app.services.notices import Notice
from app.shell.diagnosis import Diagnosis
from app.shell.help_dialog import HelpDialog
from app.shell.job_strip import JobStrip
from app.shell.top_bar import TopBar
from app.shell.tour import Tour
from app.shell.work_area import WorkArea
from app.widgets.term_hints import TermHints

if TYPE_CHECKING:  # not before the window is up
    from app.shell.computer_dialog import ComputerDialog
    from app.shell.guide_dialog import GuideDialog

_FIRST_PAGE = "quick-start.md"
_TUTORIAL = "tutorial.md"


class Host(Protocol):
    """What help needs of the window."""

    context: AppContext
    top_bar: TopBar
    job_strip: JobStrip

    @property
    def work_area(self) -> WorkArea:
        """Rail, panels and inspector."""

    def panel_in_front(self) -> Panel | None:
        """The panel that is seen, None on the start page."""

    def show_work(self, shown: bool) -> None:
        """Show the work area, or the start page."""

    def holds_back(self, then: Callable[[], object]) -> bool:
        """Whether to wait; see ``Panel.holds_back``."""

    def tell(self, notice: Notice) -> None:
        """Say something in one line."""


class HelpCenter(QObject):
    """Answers the help menu and F1.

    Args:
        window: parent of the dialogs.
        host: the same, by what is needed of it.

    Attributes:
        diagnosis: writes the diagnostic bundle.
        tour: lies over the window while it is shown.
        offers_tour: whether the start page offers the tour.
    """

    def __init__(self, window: QMainWindow, host: Host) -> None:
        super().__init__(window)
        self._window, self._host = window, host
        self.diagnosis = Diagnosis(window, host.context, host.tell)
        self.tour = Tour(window)
        self.offers_tour = False
        self._before_tour: str | None = None
        self._hints = TermHints(window)
        self._hints.term_chosen.connect(self.show_words)
        self.tour.ended.connect(self._on_tour_ended)
        bar = host.top_bar
        bar.guide_requested.connect(self._on_guide_requested)
        bar.tutorial_requested.connect(lambda: self.show_guide(_TUTORIAL))
        bar.words_requested.connect(lambda: self.show_words())
        bar.help_requested.connect(self._on_help_requested)
        bar.tour_requested.connect(self.start_tour)
        bar.check_requested.connect(self.check_computer)
        bar.bundle_requested.connect(self.diagnosis.ask)

    def shut_down(self) -> None:
        """End what runs."""
        self.diagnosis.shut_down()

    def offer_tour(self) -> None:
        """Offer the tour in one line; for a first start."""
        self.offers_tour = True
        self._host.tell(
            Notice(
                tr("New here? A tour of the window takes a minute; it can be left at any time."),
                tr("Take the tour"),
                self.start_tour,
                passing=False,
            )
        )

    @Slot()
    def start_tour(self) -> None:
        """Show what is where, in the window as it is; without a project its steps are empty."""
        from app.shell.tour_stations import stations  # not before the window is up

        if self._host.holds_back(self.start_tour):
            return
        self.offers_tour = False
        area = self._host.work_area
        self._before_tour = area.current_panel.key
        self._host.show_work(True)
        self.tour.begin(stations(self._host.top_bar, area, self._host.job_strip))

    @Slot()
    def _on_tour_ended(self) -> None:
        """Show again what was shown before."""
        if self._before_tour is not None:
            self._host.work_area.show_panel(self._before_tour)
        self._host.show_work(self._host.context.project is not None)

    @Slot()
    def check_computer(self) -> ComputerDialog:
        """Show what this computer lacks, and how to get it."""
        from app.shell.computer_dialog import ComputerDialog

        context = self._host.context
        folder = context.projects_dir() if context.project is None else context.project.folder
        dialog = ComputerDialog(folder, self._window)
        dialog.open()
        return dialog

    @Slot(str)
    def show_words(self, key: str = "") -> None:
        """Show the words that are explained, at one of them; they stay open beside the work."""
        from app.shell.glossary_dialog import GlossaryDialog

        dialog = self._window.findChild(GlossaryDialog) or GlossaryDialog(self._window)
        dialog.show()
        dialog.show_term(key)
        dialog.activateWindow()

    def show_guide(self, page: str = "") -> GuideDialog:
        """Show what the guide says of the panel in front; it stays open beside the work.

        Args:
            page: another page, by the name of its file.
        """
        from app.shell.guide_dialog import GuideDialog

        panel = self._host.panel_in_front()
        dialog = self._window.findChild(GuideDialog) or GuideDialog(self._window)
        dialog.page.show_page(page or (_FIRST_PAGE if panel is None else panel.guide))
        dialog.show()
        dialog.activateWindow()
        return dialog

    @Slot()
    def _on_guide_requested(self) -> None:
        """Explain the word under the pointer; the step in front where there is none."""
        term = self._hints.current_term()
        if term is None:
            self.show_guide()
        else:
            self.show_words(term)

    @Slot()
    def _on_help_requested(self) -> None:
        dialog = HelpDialog(self._host.context.devices, self._window)
        dialog.check_requested.connect(self.check_computer)
        dialog.open()
