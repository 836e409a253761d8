"""What the parts of the Labelling panel share."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.canvas.actions import Actions
from app.canvas.editor import Editor
from app.canvas.tools import TOOLS
from app.canvas.tools.tool import Tool
from app.panels.label import key_actions as keys
from app.panels.label.label_classes import LabelClasses
from app.panels.label.remembered import RememberedChoices
from app.panels.label.session import Session
from app.panels.label.stored_drafts import StoredDrafts
from app.panels.label.unfinished_work import UnfinishedWork
from app.panels.label.widgets.labelling_inspector import LabellingInspector
from app.panels.label.widgets.labelling_view import LabellingView
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.widgets.thumbnails import ThumbnailLoader
from core.project import Project


class Workspace:
    """Given to every part, which need not know the others: what concerns them is a signal of its.

    Attributes:
        project: whose images are labelled; the panel sets it.
        context: the application's state.
        remembered: the user's choices, kept in the settings.
        tasks: work of the panel in the background.
        loader: the thumbnails.
        editor: what is being labelled, and with what.
        session: which image is open, and whether it is saved.
        classes: the project's classes.
        drafts: what jobs have left of models' drafts.
        actions: everything that can be done, with its keys; parts connect what they do.
        view, inspector: all widgets.
        notices: the line that tells something once.
        unfinished: what a tool has begun; whoever leaves asks it first.
        tools: the canvas's tools by key.
    """

    def __init__(self, context: AppContext, owner: QWidget) -> None:
        self.project: Project | None = None
        self.context = context
        self.remembered = RememberedChoices(context.store, owner)
        self.tasks = BackgroundTasks(owner)
        self.loader = ThumbnailLoader(owner)
        self.editor = Editor(owner)
        self.session = Session(self.editor, owner)
        self.classes = LabelClasses()
        self.drafts = StoredDrafts(context, owner)
        self.actions = Actions(keys.ALL, owner)
        self.view = LabellingView(self.editor, self.loader, self.actions)
        self.inspector = LabellingInspector(self.editor, self.actions)
        self.actions.add_to(self.inspector)
        self.notices = self.view.notice
        self.unfinished = UnfinishedWork(self.view.canvas, self.editor, self.view.question, owner)
        self.tools: dict[str, Tool] = {
            tool.key: tool(self.editor, self.view.canvas) for group in TOOLS for tool in group
        }

    @property
    def busy(self) -> bool:
        """Whether something is being read or changed in the background."""
        parts = (self.tasks, self.session, self.editor.tasks, self.drafts, self.unfinished)
        return any(part.busy for part in parts)

    def shut_down(self) -> None:
        """Save everything and wait."""
        self.drafts.shut_down()
        self.tasks.shut_down()
        self.editor.shut_down()
        self.session.shut_down()
        self.loader.shut_down()
