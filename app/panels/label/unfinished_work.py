"""What a tool has begun when its tool, image, panel or project is left: painted, or asked about."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEventLoop, QObject, QTimer, Slot

from app.canvas.editor import Editor
from app.canvas.tools.tool import UNFINISHED, Pending
from app.canvas.view import CanvasView
from app.look.translation import translated
from app.panels.label.widgets.question_bar import QuestionBar
from app.services.timers import single_shot
from core.system.messages import Message, message

_PATIENCE_MS = 20_000
_WORKED_OUT = message("The outline is still being worked out …")
_PROTECTED = message(
    "This class is protected now, so what you have begun cannot be painted: allow changes to it, "
    "or discard it."
)


class UnfinishedWork(QObject):
    """Whoever leaves asks ``holds_back`` first.

    What is complete is painted. What is not is asked about once, in a line over the canvas, and
    whoever wanted to leave is called when that is answered; going on with the tool is an answer,
    too, and then nobody leaves.
    """

    def __init__(
        self, canvas: CanvasView, editor: Editor, question: QuestionBar, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._editor = editor
        self._question = question
        self._then: Callable[[], object] | None = None
        self._is_asked = False
        # A tool tells that it is done before it paints, so look a moment later.
        self._soon = single_shot(self, 0, self._look)
        canvas.acted.connect(self._on_acted)
        canvas.taken_up.connect(self._on_taken_up)
        editor.tasks.became_idle.connect(self._on_acted)
        editor.failed.connect(self.withdraw)
        editor.document_changed.connect(self.withdraw)
        question.kept.connect(self._on_kept)
        question.discarded.connect(self._on_discarded)

    @property
    def busy(self) -> bool:
        """Whether somebody waits until an outline is worked out."""
        return self._then is not None and not self._is_asked

    def holds_back(self, then: Callable[[], object]) -> bool:
        """Paint what is complete; return whether something is left that must not be dropped.

        Args:
            then: called later if so, once nothing is left; never where the user stays.
        """
        self._then = None
        left = self._settled()
        if left is None:
            self.withdraw()
            return False
        self._then = then
        self._show(left)
        return True

    def commit(self) -> None:
        """Paint what is complete: nobody is left to ask, and an outline is waited for a while."""
        left = self._settled()
        if left is not None and left.problem is None:
            self._wait()
        self.withdraw()

    def _wait(self) -> None:
        """Let what is being worked out be painted; nothing else can be begun meanwhile."""
        loop, tasks = QEventLoop(), self._editor.tasks
        tasks.became_idle.connect(loop.quit)
        patience = QTimer(loop)
        patience.setSingleShot(True)
        patience.timeout.connect(loop.quit)
        patience.start(_PATIENCE_MS)
        if tasks.busy:
            loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)

    @Slot()
    def withdraw(self) -> None:
        """Nobody leaves any more."""
        self._then = None
        self._is_asked = False
        self._soon.stop()
        self._question.hide()

    def _pending(self) -> Pending | None:
        tool = self._canvas.tool
        return None if tool is None or self._editor.document is None else tool.pending()

    def _settled(self) -> Pending | None:
        """Have the tool paint what is complete; return what is left."""
        tool, pending = self._canvas.tool, self._pending()
        if tool is None or pending is None or pending.problem is not None:
            return pending
        if self._editor.class_id in self._editor.locked:
            return Pending(_PROTECTED)
        self._canvas.finish_press()
        pending = self._pending()
        if pending is not None and pending.problem is None:
            tool.accept()
            pending = self._pending()
        is_stuck = pending is not None and pending.problem is None and not self._editor.tasks.busy
        return Pending(UNFINISHED) if is_stuck else pending

    def _show(self, pending: Pending) -> None:
        """Ask, or say what is waited for."""
        self._is_asked = pending.problem is not None
        text: Message = pending.problem or _WORKED_OUT
        self._question.keep_button.setVisible(self._is_asked)
        self._question.ask(translated(text))

    @Slot()
    def _on_acted(self) -> None:
        if self._then is not None:
            self._soon.start()

    @Slot()
    def _on_taken_up(self) -> None:
        """The user goes on while the outline is being worked out: it is painted, nobody leaves."""
        if self._then is not None and not self._is_asked:
            self.withdraw()

    @Slot()
    def _look(self) -> None:
        then, pending = self._then, self._pending()
        if then is None:
            return
        if self._is_asked:
            if pending is None or pending.problem is None:
                self.withdraw()
            else:
                self._show(pending)
        elif pending is None:
            self.withdraw()
            then()
        elif pending.problem is not None:
            self._show(pending)

    @Slot()
    def _on_kept(self) -> None:
        self.withdraw()
        self._canvas.setFocus()

    @Slot()
    def _on_discarded(self) -> None:
        then = self._then
        self.withdraw()
        if self._canvas.tool is not None:
            self._canvas.tool.cancel()
        self._canvas.setFocus()
        if then is not None:
            then()
