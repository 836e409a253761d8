"""The small contract of every panel: one package, one line in the window's list of steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.runs.events import Event
from core.system.messages import Message, message

if TYPE_CHECKING:
    from app.services.context import AppContext
    from app.services.targets import Target
    from core.project import Project


_FOOTER = 64


class StepState(StrEnum):
    """Where a step of the loop stands.

    ``WORKING``: a job of it is not over yet; ``WARNING``: gone through, but of no use.
    """

    DONE = "done"
    NEXT = "next"
    BLOCKED = "blocked"
    WORKING = "working"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class StepStatus:
    """What the rail shows for a step: its state, and one short sentence that says why.

    ``optional``: more can be done here, but the step after it is worth going to.
    """

    state: StepState
    reason: Message
    optional: bool = False


class Panel(QWidget):
    """One step of the work, shown large in the middle of the window.

    Subclasses set the class attributes and override what they need, most often ``set_project`` and
    ``job_event``. Panels never reach into each other: they use ``self.context`` (the project, the
    jobs, navigation between panels).

    Attributes:
        key: stable name for settings and navigation, such as ``"dataset"``.
        title: short name on the tabs of its step; translate with ``translated(panel.title)``.
        icon: name of a file in ``resources/icons`` without ``.svg``; the rail shows that of the
            first panel of a step.
        searches: whether ``search`` filters what the panel shows; if not, the window goes to one
            that does as soon as something is typed.
        guide: the page of the guide about it, a file in ``docs/guide``.
        context: the application's state, shared by all panels.
    """

    key: ClassVar[str]
    title: ClassVar[Message]
    icon: ClassVar[str]
    searches: ClassVar[bool] = False
    guide: ClassVar[str] = "README.md"

    status_changed = Signal()
    """Emitted when ``status()`` may answer differently."""
    inspector_changed = Signal()
    """Emitted when ``inspector()`` returns another widget than before."""

    def __init__(self, context: AppContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context

    def set_project(self, project: Project | None) -> None:
        """Show ``project`` (None: nothing is open); called once before the panel is shown."""

    def job_event(self, run_id: str, event: Event) -> None:
        """A job of this project told something; called for every event, shown or not."""

    def status(self) -> StepStatus:
        """Return where the step stands; must be cheap."""
        return StepStatus(StepState.BLOCKED, message("Open a project first."))

    def inspector(self) -> QWidget | None:
        """Return the widget for the right-hand inspector; the panel keeps owning it."""
        return None

    def activated(self) -> None:
        """The panel came to the front."""

    def navigate(self, target: Target) -> None:
        """Show what was asked for with ``context.navigate``; the panel is in front already."""

    @property
    def footer_height(self) -> int:
        """Height of the controls at the panel's lower end, which a notice must not cover."""
        return _FOOTER

    def search(self, text: str) -> None:
        """Text typed into the window's search box while this panel is in front."""

    def search_done(self) -> None:
        """Return was pressed in the search box while this panel is in front."""

    def holds_back(self, then: Callable[[], object]) -> bool:
        """The panel, its project or the window is about to be left: return whether to wait.

        Args:
            then: called later if so, once nothing that the user began would be lost; never where
                the user decides to stay.
        """
        return False

    @property
    def busy(self) -> bool:
        """Whether the panel still reads what it will show; pictures of it wait for the end."""
        return False

    def keep(self) -> object | None:
        """The window is about to be built anew: return what ``show_kept`` of the new one needs."""
        return None

    def show_kept(self, kept: Any) -> None:
        """Show what ``keep`` returned in the old window; called after ``set_project``."""

    def theme_changed(self) -> None:
        """Colours changed: renew what neither palette nor style sheet reaches (plots)."""

    def shut_down(self) -> None:
        """The window goes away: cancel and wait for work in the background."""
