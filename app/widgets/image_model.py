"""A project's images as rows of a Qt model: 100 000 of them, of which only some are in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cachetools import LRUCache
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QWidget

from app.widgets.image_status_text import subset_name
from core.project import ImageRow, Project

_Index = QModelIndex | QPersistentModelIndex
_PAGE = 64
_MAX_PAGES = 64
ROW_ROLE = Qt.ItemDataRole.UserRole


class ImageListModel(QAbstractListModel):
    """The ids of a query's images; their rows are fetched a page at a time when asked for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._ids: Sequence[int] = ()
        self._places: dict[int, int] = {}
        self._pages: LRUCache[int, list[ImageRow | None]] = LRUCache(_MAX_PAGES)

    def set_images(self, project: Project | None, ids: Sequence[int]) -> None:
        """Show other images."""
        self.beginResetModel()
        self._project = project
        self._ids = ids
        self._places = {}
        self._pages.clear()
        self.endResetModel()

    def refresh(self) -> None:
        """Rows changed in the project, the list of ids did not."""
        self._pages.clear()
        if self._ids:
            self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: N802, B008
        """Number of images."""
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, tooltip, or with ``ROW_ROLE`` the ``ImageRow``."""
        if role not in (
            ROW_ROLE,
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
            Qt.ItemDataRole.AccessibleDescriptionRole,
        ):
            return None
        row = self.row(index.row())
        if role == ROW_ROLE or row is None:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        return "\n".join((str(row.path), f"{row.width} × {row.height}", subset_name(row.subset)))

    def row(self, place: int) -> ImageRow | None:
        """Return the image at ``place``; None if it was removed meanwhile."""
        if not 0 <= place < len(self._ids):
            return None
        number, inside = divmod(place, _PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._fetch(number)
        return page[inside]

    def place(self, image_id: int) -> int | None:
        """Return where an image is in the list."""
        if not self._places:
            self._places = {id_: place for place, id_ in enumerate(self._ids)}
        return self._places.get(image_id)

    def ids_at(self, places: Sequence[int]) -> list[int]:
        """Return the image ids at these places."""
        return [self._ids[place] for place in places]

    def _fetch(self, number: int) -> list[ImageRow | None]:
        ids = list(self._ids[number * _PAGE : (number + 1) * _PAGE])
        rows = {} if self._project is None else {r.id: r for r in self._project.images_by_id(ids)}
        page = [rows.get(id_) for id_ in ids]
        self._pages[number] = page
        return page
