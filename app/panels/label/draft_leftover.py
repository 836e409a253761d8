"""What is left of a draft while parts of it are accepted, when that is undone, and later."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.panels.label.draft_job import StoredDraft
from core.annotation.draft import Draft
from core.annotation.draft_remainder import write_remainder
from core.images.io import IGNORE_INDEX
from core.project import ImageRow

if TYPE_CHECKING:
    from app.panels.label.labelling_panel import LabellingPanel

_KEPT_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class _Kept:
    draft: Draft
    stored: StoredDraft | None
    steps: list[tuple[int, Draft]]

    @property
    def nbytes(self) -> int:
        """Steps share the confidence, the largest part is a label map each."""
        return self.draft.label_map.nbytes * (2 + len(self.steps))


class DraftRest:
    """Follows the draft of the open image; drafts of other images wait until they are back."""

    def __init__(self, panel: LabellingPanel) -> None:
        self._panel = panel
        self._image_id: int | None = None
        self._stored: StoredDraft | None = None
        self._steps: list[tuple[int, Draft]] = []
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    def clear(self) -> None:
        """Another project is opened."""
        self._kept.clear()
        self.drop()

    def drop(self) -> None:
        """Nothing is proposed for the open image any more."""
        self._image_id, self._stored, self._steps = None, None, []

    def begin(self, image_id: int, stored: StoredDraft | None) -> None:
        """A draft of an image is shown; ``stored`` is where a job keeps it."""
        self._image_id, self._stored, self._steps = image_id, stored, []

    def accepted(self, before: Draft, after: Draft) -> None:
        """A part was taken over as the last step of the open image."""
        self._steps.append((self._depth(), before))
        self._write(after)

    def undone(self) -> Draft | None:
        """Return what is proposed again if the last step that was accepted is taken back."""
        found = None
        while self._steps and self._depth() < self._steps[-1][0]:
            found = self._steps.pop()[1]
        if found is not None:
            self._write(found)
        return found

    def keep(self, draft: Draft) -> None:
        """The image is left; its draft waits for it."""
        if self._image_id is None:
            return
        self._kept[self._image_id] = _Kept(draft, self._stored, self._steps)
        self._kept.move_to_end(self._image_id)
        while sum(kept.nbytes for kept in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        self.drop()

    def take_back(self, row: ImageRow) -> Draft | None:
        """Return the draft that waits for an image whose labelling is not done."""
        kept = self._kept.pop(row.id, None)
        if kept is None or kept.draft.label_map.shape != (row.height, row.width):
            return None
        if not is_open(row):
            return None
        self.begin(row.id, kept.stored)
        self._steps = kept.steps
        return kept.draft

    def _depth(self) -> int:
        document = self._panel.editor.document
        return 0 if document is None else len(document.undo_stack)

    def _write(self, draft: Draft) -> None:
        stored = self._stored
        if stored is None:
            return
        rest = draft.label_map != IGNORE_INDEX
        self._panel.draft.tasks.start(
            lambda _progress: write_remainder(stored.run_dir, stored.record.index, rest),
            on_done=lambda _none: None,
            on_failed=self._panel.context.error_occurred.emit,
            key="rest",
        )


def is_open(row: ImageRow) -> bool:
    """Whether proposals for an image are still wanted."""
    return row.state in ("unlabelled", "draft")
