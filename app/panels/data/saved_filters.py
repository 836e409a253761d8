"""Filters that are kept with the project, in a menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMenu

from app.look.translation import tr
from app.panels.data.filter_bar import FilterBar
from app.services.context import AppContext
from app.widgets.image_status_text import state_name, subset_name
from core.project import ImageQuery, Project


class SavedFilters(QObject):
    """Fills the menu of the filter bar's button whenever it is opened.

    Args:
        context: of the window.
        filters: whose menu it is.
        text: returns what is searched for.
    """

    def __init__(self, context: AppContext, filters: FilterBar, text: Callable[[], str]) -> None:
        super().__init__(filters)
        self._context = context
        self._filters = filters
        self._text = text
        self.menu = QMenu(filters)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill)
        filters.saved_button.setMenu(self.menu)

    def name(self, query: ImageQuery) -> str:
        """Return a filter for people."""
        parts = [
            "" if query.subset is None else subset_name(query.subset),
            "" if query.class_id is None else self._class_name(query.class_id),
            "" if query.state is None else state_name(query.state),
            f"“{query.text}”" if query.text else "",
        ]
        return " · ".join(part for part in parts if part)

    @Slot()
    def _fill(self) -> None:
        project, menu = self._context.project, self.menu
        menu.clear()
        if project is None:
            return
        kept, now = project.saved_filters(), self._now()
        for query in kept:
            action = menu.addAction(self.name(query))
            action.setCheckable(True)
            action.setChecked(query == now)
            action.triggered.connect(lambda _on, query=query: self._apply(query))
        if not kept:
            menu.addAction(tr("Nothing is saved yet")).setEnabled(False)
        menu.addSeparator()
        if now in kept:
            forget = menu.addAction(tr("Forget “{name}”", name=self.name(now)))
            others = [query for query in kept if query != now]
            forget.triggered.connect(lambda: self._keep(project, others))
            forget.setEnabled(not project.read_only)
        else:
            save = menu.addAction(tr("Save these filters"))
            save.setToolTip(tr("Choose a subset, class or state, or search for something first"))
            save.setEnabled(now != ImageQuery() and not project.read_only)
            save.triggered.connect(lambda: self._keep(project, [now, *kept]))

    def _now(self) -> ImageQuery:
        bar = self._filters
        return ImageQuery(
            bar.subset_value, bar.state_value, bar.class_id, text=self._text().strip()
        )

    def _apply(self, query: ImageQuery) -> None:
        self._filters.show_query(query)
        self._context.search_wanted.emit(query.text)

    def _keep(self, project: Project, filters: list[ImageQuery]) -> None:
        try:
            project.set_saved_filters(filters)
        except Exception as error:
            self._context.error_occurred.emit(error)

    def _class_name(self, class_id: int) -> str:
        project = self._context.project
        labels = () if project is None else project.labels()
        return next((one.name for one in labels if one.id == class_id), f"#{class_id}")
