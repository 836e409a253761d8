"""Rail, panels and inspector: everything between the top bar and the job strip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QSpacerItem,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import retint_icons
from app.look.theme import GRID, set_role
from app.look.translation import tr, translated
from app.panels.base import Panel, StepState, StepStatus
from app.services.context import AppContext
from app.services.notices import Notice
from app.services.targets import Target
from app.services.timers import single_shot
from app.shell.rail import Rail, RailStep
from app.shell.read_only_banner import ReadOnlyBanner
from app.widgets.focus_policy import WheelScrolls
from app.widgets.layout import ScrolledColumn, indent_spin_boxes, line
from app.widgets.notice_bar import NoticeBar
from app.widgets.problem_bar import Problem, ProblemArea
from core.project import Project
from core.runs.events import Event

if TYPE_CHECKING:  # loads every panel, which the start page does not wait for
    from app.shell.steps import Step


_WIDEST_NOTICE = GRID * 90


class WorkArea(QWidget):
    """Shows one panel at a time, and what the panel puts into the inspector.

    Attributes:
        splitter: the panel, with what is said above it, and the inspector.
    """

    panel_changed = Signal(str)

    def __init__(
        self, context: AppContext, steps: Sequence[Step], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._steps = tuple(steps)
        self.panels: dict[str, Panel] = {}
        self._width = context.settings.inspector_width
        self._last_panel: dict[str, str] = {}
        self._shown: dict[str, StepStatus] = {}
        self._status_timer = single_shot(self, 0, self._on_status_due)
        self.rail = Rail([RailStep(step.key, step.title, step.icon) for step in steps])
        self._tabs = QTabBar()
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(False)
        self._tabs.setAccessibleName(tr("Parts of this step"))
        self._tab_row = QFrame()
        tab_layout = QHBoxLayout(self._tab_row)
        tab_layout.setContentsMargins(GRID, GRID // 2, GRID, 0)
        tab_layout.addWidget(self._tabs)
        tab_layout.addStretch(1)
        self._stack = QStackedWidget()
        self.banner = ReadOnlyBanner()
        self._problems: dict[str, ProblemArea] = {}
        for step in steps:
            for panel_class in step.panels:
                self._add_panel(panel_class(context))
        self._inspectors = (
            QWidget()
        )  # hidden pages of a plain layout take no room, unlike a stack's
        self._inspector_layout = ScrolledColumn(self._inspectors)
        self._inspector_layout.setContentsMargins(0, 0, 0, 0)
        self._inspector: QWidget | None = None
        self._inspector_frame = self._make_inspector()
        self.notice = NoticeBar()
        self._footer = QSpacerItem(0, 0)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        middle = QWidget()
        middle_layout = QVBoxLayout(middle)
        middle_layout.setContentsMargins(0, 0, 0, 0)
        middle_layout.setSpacing(0)
        middle_layout.addWidget(self.banner)
        middle_layout.addWidget(self._tab_row)
        for area in self._problems.values():
            middle_layout.addWidget(area)
        self._over = QGridLayout()  # the notice lies over the work, which must not jump
        self._over.addWidget(self._stack, 0, 0)
        self._over.addLayout(self._above_footers(self.notice), 0, 0)
        middle_layout.addLayout(self._over, 1)
        self.splitter.addWidget(middle)
        self.splitter.addWidget(self._inspector_frame)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rail)
        layout.addWidget(line(vertical=True))
        layout.addWidget(self.splitter, 1)
        self.rail.step_requested.connect(self._on_step_requested)
        context.notice_requested.connect(self.tell)
        self._tabs.currentChanged.connect(self._on_tab_changed)
        self.show_panel(next(iter(self.panels)))
        self._on_status_due()

    @property
    def current_panel(self) -> Panel:
        """The panel in front."""
        panel = self._stack.currentWidget()
        if not isinstance(panel, Panel):
            raise RuntimeError("no panel is shown")
        return panel

    def show_target(self, target: Target) -> None:
        """Bring the panel of ``target`` to the front and let it show what it names."""
        self.show_panel(target.panel, target)

    def show_panel(self, key: str, target: Target | None = None) -> None:
        """Bring a panel to the front and hand it a ``target`` in it."""
        panel, current = self.panels[key], self.current_panel
        if panel is not current and current.holds_back(lambda: self.show_panel(key, target)):
            self._mark_shown(current.key)
            return
        step = self._step_of(key)
        self._last_panel[step.key] = key
        self._mark_shown(key)
        self._stack.setCurrentWidget(panel)
        self._offer_next()
        self._need_room_for(panel)
        self._show_problems()
        self._show_inspector()
        self._leave_footer_free()
        panel.activated()
        if target is not None:
            panel.navigate(target)
        self.panel_changed.emit(key)

    def show_problem(self, problem: Problem, *, quietly: bool = False) -> None:
        """Say what went wrong in the panel concerned.

        Args:
            problem: what.
            quietly: no line in the panel in front leads to another one.
        """
        key = problem.panel or self.current_panel.key
        self._problems[key].show_problem(problem)
        if key != self.current_panel.key and not quietly:
            self.tell(
                Notice(
                    f"{problem.name}: {problem.text}" if problem.name else problem.text,
                    tr("Show"),
                    lambda: self.show_panel(key),
                    passing=False,
                )
            )
        self._show_problems()

    def problems(self, key: str) -> ProblemArea:
        """What is said to be wrong in a panel."""
        return self._problems[key]

    def _show_problems(self) -> None:
        """Only those of the panel in front are seen."""
        for key, area in self._problems.items():
            area.setVisible(key == self.current_panel.key and bool(area.bars))

    def holds_back(self, then: Callable[[], object]) -> bool:
        """Ask the panel in front; see ``Panel.holds_back``."""
        return self.current_panel.holds_back(then)

    def _mark_shown(self, key: str) -> None:
        """Mark a panel in rail and tabs."""
        step = self._step_of(key)
        self._fill_tabs(step, key)
        self.rail.set_current(step.key)

    def set_project(self, project: Project | None) -> None:
        """Hand the project to every panel."""
        self.notice.clear()
        for area in self._problems.values():
            area.clear()
        self.banner.show_state(
            read_only=project is not None and project.read_only,
            reason=self._context.read_only_reason,
        )
        for panel in self.panels.values():
            panel.set_project(project)
        self._on_status_due()  # at once: what was said of no project must not be seen

    def keep(self) -> dict[str, object]:
        """Return what the panels of the next window should show again, by panel key."""
        kept = {key: panel.keep() for key, panel in self.panels.items()}
        return {key: one for key, one in kept.items() if one is not None}

    def show_kept(self, kept: Mapping[str, object]) -> None:
        """Show again what the panels of the window before showed."""
        for key, one in kept.items():
            self.panels[key].show_kept(one)

    def job_event(self, run_id: str, event: Event) -> None:
        """Hand an event to every panel."""
        for panel in self.panels.values():
            panel.job_event(run_id, event)

    @Slot()
    def refresh_status(self) -> None:
        """Ask every panel soon where its step stands; many requests become one."""
        self._status_timer.start()

    @Slot()
    def _on_status_due(self) -> None:
        shown: dict[str, StepStatus] = {}
        for step in self._steps:
            answers = [self.panels[panel.key].status() for panel in step.panels]
            unfinished = [answer for answer in answers if answer.state is not StepState.DONE]
            shown[step.key] = (unfinished or answers[-1:])[0]
            self.rail.set_status(step.key, shown[step.key])
        self._shown = shown
        self._offer_next()

    def _offer_next(self) -> None:
        """Offer the next step, or where it is in front already, what can be gone on with."""
        here = self._step_of(self.current_panel.key).key
        key = next_step(self._shown)
        others = {name: status for name, status in self._shown.items() if name != here}
        self.rail.set_next(key, key if key != here else next_step(others))

    @Slot(object)
    def tell(self, notice: Notice) -> None:
        """Say something in one line over the work."""
        self._leave_footer_free()
        self.notice.tell(
            notice.text,
            action=notice.action,
            on_action=notice.on_action,
            passing=notice.passing,
        )

    def renew_colors(self) -> None:
        """Draw rail and panels in the current theme."""
        self.rail.renew_colors()
        self.banner.renew_colors()
        for area in self._problems.values():
            area.renew_colors()
        for panel in self.panels.values():
            panel.theme_changed()

    def inspector_width(self) -> int:
        """Width of the inspector in pixels, to be remembered."""
        return self.splitter.sizes()[1] or self._width

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Give the inspector the width it had; the rest is for the work."""
        super().showEvent(event)
        if not event.spontaneous():
            self._give_inspector_room()

    def _give_inspector_room(self) -> None:
        self.splitter.setSizes([self.splitter.width() - self._width, self._width])

    def shut_down(self) -> None:
        """End what the panels do in the background."""
        self._status_timer.stop()
        for panel in self.panels.values():
            panel.shut_down()

    def _add_panel(self, panel: Panel) -> None:
        self.panels[panel.key] = panel
        self._problems[panel.key] = ProblemArea()
        self._stack.addWidget(panel)
        indent_spin_boxes(panel)
        WheelScrolls(panel)
        panel.setAccessibleName(translated(panel.title))
        panel.status_changed.connect(self.refresh_status)
        panel.inspector_changed.connect(self._on_inspector_changed)

    def _need_room_for(self, shown: Panel) -> None:
        """Let the window be as small as the panel in front can be, whatever the others need."""
        for panel in self.panels.values():
            need = QSizePolicy.Policy.Preferred if panel is shown else QSizePolicy.Policy.Ignored
            panel.setSizePolicy(need, need)

    def _above_footers(self, notice: NoticeBar) -> QVBoxLayout:
        """Return a place for the notice that leaves the buttons at the panels' ends free."""
        set_role(notice, "card")
        notice.setMaximumWidth(_WIDEST_NOTICE)
        line_ = QHBoxLayout()
        line_.addStretch(1)
        line_.addWidget(notice, 8)
        line_.addStretch(1)
        place = QVBoxLayout()
        place.addStretch(1)
        place.addLayout(line_)
        place.addSpacerItem(self._footer)
        return place

    def _leave_footer_free(self) -> None:
        """Keep the notice off the controls at the lower end of the panel in front."""
        self._footer.changeSize(0, self.current_panel.footer_height)
        self._over.invalidate()

    def _make_inspector(self) -> QFrame:
        frame = QFrame()
        frame.setProperty("role", "bar")
        frame.setMinimumWidth(GRID * 32)
        frame.setMaximumWidth(GRID * 64)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a click beside an input changes nothing
        scroll.setWidget(self._inspectors)
        for part in (self._inspectors, scroll.viewport()):
            part.setAutoFillBackground(False)  # the frame's own colour shows through
        scroll.setAccessibleName(tr("Inspector"))
        layout = QHBoxLayout(frame)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        return frame

    def _show_inspector(self) -> None:
        widget = self.current_panel.inspector()
        was_hidden = self._inspector_frame.isHidden()
        self._inspector_frame.setVisible(widget is not None)
        if was_hidden and widget is not None and self.isVisible():
            self._give_inspector_room()
        if widget is self._inspector:
            return
        if self._inspector is not None:
            self._inspector.hide()
        self._inspector = widget
        if widget is not None:
            if self._inspector_layout.indexOf(widget) < 0:
                self._inspector_layout.addWidget(widget)
                retint_icons(widget)  # the theme may be another than when it was made
                indent_spin_boxes(widget)
                WheelScrolls(widget)
            widget.show()

    def _step_of(self, panel_key: str) -> Step:
        for step in self._steps:
            if any(panel.key == panel_key for panel in step.panels):
                return step
        raise KeyError(panel_key)

    def _fill_tabs(self, step: Step, current: str) -> None:
        self._tabs.blockSignals(True)
        while self._tabs.count():
            self._tabs.removeTab(0)
        for panel in step.panels:
            index = self._tabs.addTab(translated(panel.title))
            self._tabs.setTabData(index, panel.key)
            if panel.key == current:
                self._tabs.setCurrentIndex(index)
        self._tabs.blockSignals(False)
        self._tab_row.setVisible(len(step.panels) > 1)

    @Slot(str)
    def _on_step_requested(self, step_key: str) -> None:
        for step in self._steps:
            if step.key == step_key:
                self.show_panel(self._last_panel.get(step_key, step.panels[0].key))

    @Slot(int)
    def _on_tab_changed(self, index: int) -> None:
        key = self._tabs.tabData(index)
        if isinstance(key, str):
            self.show_panel(key)

    @Slot()
    def _on_inspector_changed(self) -> None:
        if self.sender() is self.current_panel:
            self._show_inspector()


def next_step(statuses: Mapping[str, StepStatus]) -> str | None:
    """Return the key of the step to go to now, None where all is done.

    Args:
        statuses: by key, in the order of the loop.
    """
    waiting = [
        (key, status)
        for key, status in statuses.items()
        if status.state in (StepState.NEXT, StepState.WARNING)
    ]
    needed = next((key for key, status in waiting if not status.optional), None)
    return needed or next((key for key, _ in waiting), None)
