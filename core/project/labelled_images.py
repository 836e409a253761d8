"""The part of a project that is its classes, images and masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from core.data.label_class import LabelClass
from core.images.io import IGNORE_INDEX
from core.images.palette import Color
from core.portable.cleaning import InspectedArea
from core.project import (
    class_changes,
    class_table,
    counted_areas,
    image_masks,
    image_table,
    mask_store,
    relocation,
    removed_images,
    same_content,
    saved_filters,
    shape_table,
)
from core.project.counted_classes import count_what_counts
from core.project.mask_store import LabelMap
from core.project.relocation import Relocation
from core.project.removed_images import RemovedImages
from core.project.rows import (
    CountedMask,
    GarbageReport,
    ImageCounts,
    ImageQuery,
    ImageRow,
    ImageSubset,
    MaskVersion,
    State,
)
from core.project.storage import ProjectPart
from core.system.errors import InputError
from core.system.messages import Message, message

_EVERYTHING = ImageQuery()
#: Images that a line of the audit trail names.
_MOST_NAMED: Final = 3
_STATED: Final[Mapping[State, Message]] = {
    "unlabelled": message("{images}: marked as not labelled."),
    "draft": message("{images}: marked as drafts."),
    "labelled": message("{images}: marked as labelled."),
    "reviewed": message("{images}: marked as reviewed."),
}


class LabelledImages(ProjectPart):
    """Classes, images and their masks."""

    # Classes

    def labels(self) -> tuple[LabelClass, ...]:
        """Return the classes in the order of the list."""
        return class_table.read_labels(self._database)

    def add_class(self, name: str, color: Color | None = None) -> LabelClass:
        """Append a class; raises ``InputError`` for an empty or taken name."""
        with self._database.transaction() as connection:
            added = class_table.add_class(connection, name, color)
        self.trail.note(message("The class “{name}” was added.", name=added.name))
        return added

    def rename_class(self, class_id: int, name: str) -> None:
        """Rename a class; raises ``InputError`` for an empty or taken name."""
        before = self._class_name(class_id)
        with self._database.transaction() as connection:
            class_table.rename_class(connection, class_id, name)
        self.trail.note(
            message("The class “{before}” was renamed “{name}”.", before=before, name=name.strip())
        )

    def recolor_class(self, class_id: int, color: Color) -> None:
        """Give a class another colour (red, green, blue; 0 … 255)."""
        with self._database.transaction() as connection:
            class_table.recolor_class(connection, class_id, color)

    def order_classes(self, class_ids: Sequence[int]) -> None:
        """Change the order of the list; ids stay."""
        with self._database.transaction() as connection:
            class_table.order_classes(connection, class_ids)

    def images_with_class(self, class_id: int) -> int:
        """Return how many images have a class in their mask."""
        return class_changes.images_with_class(self._storage, class_id)

    def merge_class(
        self,
        class_id: int,
        replacement: int,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Give all pixels of a class to another one and delete it, in one transaction.

        The ids of other classes stay. So do earlier masks, those of revisions too; where an
        earlier mask comes back, its pixels of the deleted class go to ``replacement`` as well.

        Args:
            class_id: the class that goes.
            replacement: who gets its pixels; 255 ignores them.
            progress: called with (masks done, masks in all).

        Returns:
            How many masks were written anew.

        Raises:
            InputError: the class with id 0, which erasing leaves behind; reading only, a mask
                cannot be read, or one was changed meanwhile.
        """
        gone, heir = self._class_name(class_id), self._class_name(replacement)
        masks = class_changes.replace_class(self._storage, class_id, replacement, progress=progress)
        self.trail.note(
            message(
                "The class “{name}” was deleted; “{heir}” got its pixels ({count} "
                "{count:mask|masks}).",
                name=gone,
                heir=heir,
                count=masks,
            )
        )
        return masks

    def _class_name(self, class_id: int) -> str:
        if class_id == IGNORE_INDEX:
            return "255"
        return next((one.name for one in self.labels() if one.id == class_id), str(class_id))

    # Images

    def images(
        self, query: ImageQuery = _EVERYTHING, *, limit: int | None = None, offset: int = 0
    ) -> list[ImageRow]:
        """Return a page of the images that a query finds, in its order."""
        return image_table.select(
            self._database, self._storage.resolver, query, limit=limit, offset=offset
        )

    def image_ids(self, query: ImageQuery = _EVERYTHING) -> list[int]:
        """Return the ids of all images that a query finds, in its order."""
        return image_table.select_ids(self._database, query)

    def images_by_id(self, ids: Sequence[int]) -> list[ImageRow]:
        """Return the images with these ids, in their order; unknown ids are left out."""
        return image_table.select_by_ids(self._database, self._storage.resolver, ids)

    def image(self, image_id: int) -> ImageRow:
        """Return one image; raises ``InputError`` if it was removed."""
        rows = self.images_by_id([image_id])
        if not rows:
            raise InputError("The image {id} is not in the project any more.", id=image_id)
        return rows[0]

    def find_image(self, path: Path | str) -> int | None:
        """Return the id of the image at ``path``, or that was copied from there."""
        return image_table.find(self._database, self._storage.resolver.store(Path(path)))

    def find_same(self, file: Path, *, name: str = "") -> int | None:
        """Return the id of an image with the very content of a file, whatever its path is.

        Looked at are those whose content is known (``remember_contents``, or after a search for
        equal images) and those of the file's name.

        Args:
            file: an image file.
            name: another name that it may have in the project.
        """
        return same_content.find_same(self._storage, file, name=name)

    def remember_contents(self, ids: Iterable[int]) -> None:
        """Let ``find_same`` know these images by their content; reads their files."""
        same_content.hash_contents(self._storage, ids)

    def counts(self, query: ImageQuery = _EVERYTHING) -> ImageCounts:
        """Count the images that a query finds, by subset and state."""
        return image_table.count(self._database, query)

    def class_counts(
        self, query: ImageQuery = _EVERYTHING, *, check: Callable[[], None] = lambda: None
    ) -> dict[int, int]:
        """Return in how many of the images each class id occurs where labels count (255: ignored).

        Masks with regions that were not counted yet are decoded; ``check`` is called meanwhile and
        may raise to stop.
        """
        count_what_counts(self._storage, check=check)
        return image_table.count_classes(self._database, query)

    def saved_filters(self) -> tuple[ImageQuery, ...]:
        """Return the filters that people kept, newest first."""
        return saved_filters.read(self._database)

    def set_saved_filters(self, filters: Sequence[ImageQuery]) -> None:
        """Keep these filters, in their order, and no others."""
        saved_filters.write(self._database, filters)

    def shows_classes(self) -> bool:
        """Return whether a labelled image shows a class other than the one with id 0.

        Decodes nothing: where labels count is known from the last time that classes were counted.
        """
        return image_table.shows_classes(self._database)

    def set_subset(self, ids: Iterable[int], subset: ImageSubset) -> None:
        """Move images into a subset, or out of all, where ``divide_new_labels`` leaves them."""
        chosen = list(ids)
        with self._database.transaction() as connection:
            image_table.update(connection, chosen, "subset", subset)
            image_table.update(connection, chosen, "left_out", int(subset == "none"))
        if subset == "none":
            self._note_images(chosen, message("{images}: taken out of all subsets."))
        else:
            self._note_images(chosen, message("{images}: moved to {subset}.", subset=subset))

    def set_state(self, ids: Iterable[int], state: State) -> None:
        """Change how far the labelling of images is."""
        chosen = list(ids)
        self._set(chosen, "state", state)
        self._note_images(chosen, _STATED[state])

    def set_comment(self, image_id: int, comment: str) -> None:
        """Note something about an image."""
        self._set([image_id], "comment", comment)

    def set_flagged(self, ids: Iterable[int], flagged: bool) -> None:
        """Mark images, or unmark them."""
        self._set(ids, "flagged", int(flagged))

    def set_scores(self, scores: Mapping[int, float | None]) -> None:
        """Remember the mIoU (0 … 1) of images by id; ``order="worst"`` sorts by it."""
        with self._database.transaction() as connection:
            image_table.update_each(connection, "score", scores)

    def remove_images(self, ids: Iterable[int]) -> RemovedImages:
        """Take images off the list; image files, masks, revisions and runs stay.

        Returns:
            What ``restore_images`` needs to bring them back.
        """
        chosen = list(ids)
        names = self._image_names(chosen)
        with self._database.transaction() as connection:
            removed = removed_images.take_out(connection, chosen)
        self.trail.note(message("{images}: removed from the project.", images=names))
        return removed

    def restore_images(self, removed: RemovedImages) -> None:
        """Bring removed images back with their masks, subsets and notes.

        Raises:
            InputError: their masks were removed meanwhile, or they are in the project again.
        """
        with self._database.transaction() as connection:
            removed_images.put_back(connection, removed)
        self.trail.note(message("Removed images were brought back."))

    def relocate_images(
        self, folder: Path, *, check: Callable[[], object] = lambda: None
    ) -> Relocation:
        """Look for images that are gone in a folder, and take them from there.

        An image is the one that is looked for if its name and its size agree; where several do,
        the one whose folders agree most. See ``core.project.relocation``.

        Args:
            folder: where they are now, or above it.
            check: called often; what it raises ends the look, and nothing is changed.

        Raises:
            InputError: reading only.
        """
        return relocation.relocate(self._storage, folder, check=check)

    def _set(self, ids: Iterable[int], column: str, value: str | int | None) -> None:
        with self._database.transaction() as connection:
            image_table.update(connection, ids, column, value)

    def _image_names(self, ids: Sequence[int]) -> str:
        """Return the names of a few images, and how many more there are."""
        named = [row.name for row in self.images_by_id(ids[:_MOST_NAMED])]
        more = len(ids) - len(named)
        return ", ".join(named) + (f" +{more}" if more > 0 else "")

    def _note_images(self, ids: Sequence[int], what: Message) -> None:
        if ids:
            params = {**what.params, "images": self._image_names(ids)}
            self.trail.note(Message(what.template, params))

    # Masks

    def label_map(self, image_id: int) -> LabelMap | None:
        """Return the mask (H, W) uint8 of class ids, 255 ignored; None where there is none.

        Raises:
            InputError: the image was removed, or the mask's file deleted from outside.
        """
        return image_masks.label_map(self._storage, image_id)

    def shapes_text(self, image_id: int) -> str | None:
        """Return the shapes that an image's mask shows, None where there are none.

        ``core.annotation.shape_text`` reads them; the file may be damaged.
        """
        return shape_table.read(self._database, image_id)

    def save_label_map(
        self,
        image_id: int,
        mask: LabelMap,
        *,
        state: State | None = None,
        shapes_text: str | None = None,
    ) -> str:
        """Save a mask; it survives whatever happens once this returns. The old one is kept.

        Args:
            image_id: whose mask.
            mask: uint8 (H, W) of class ids, 255 ignored; the image's size.
            state: how far the labelling is now; by default an unlabelled image becomes labelled
                and others keep their state.
            shapes_text: the shapes that the mask shows, from ``core.annotation.shape_text``; by
                default those that were saved with the same mask before, if any.

        Returns:
            The mask's hash.

        Raises:
            InputError: another size than the image, a value that is no class, disk full.
        """
        before = [row.mask_hash for row in self.images_by_id([image_id])]
        saved = image_masks.save_label_map(
            self._storage, image_id, mask, state=state, shapes_text=shapes_text
        )
        if [saved] != before:
            self._note_images([image_id], message("{images}: labels changed."))
        return saved

    def clear_label_map(self, image_id: int, *, state: State = "unlabelled") -> None:
        """Leave an image without a mask; the old one stays in its history."""
        image_masks.clear_label_map(self._storage, image_id, state=state)
        self._note_images([image_id], message("{images}: labels removed."))

    def mask_history(self, image_id: int) -> list[MaskVersion]:
        """Return the earlier masks of an image, newest first; ``mask`` reads one."""
        return image_masks.history(self._storage, image_id)

    def mask(self, mask_hash: str) -> LabelMap:
        """Return a stored mask (H, W) uint8, without the classes that were deleted since.

        Raises:
            InputError: its file is gone.
        """
        mask = self._storage.masks.read(mask_hash)
        table = class_table.present_ids(self._database, mask_hash)
        return mask if table is None else table[mask]

    # Where labels count

    def own_area(self, image_id: int | None = None) -> InspectedArea:
        """Return the regions of one image, or those of all (None); everything where none are drawn.

        Raises:
            InputError: they are damaged.
        """
        return counted_areas.read_own(self._database, image_id)

    def counted_area(self, image_id: int) -> InspectedArea:
        """Return where an image's labels count: by its own regions, or else by those of all.

        Raises:
            InputError: they are damaged.
        """
        return counted_areas.read_counted(self._database, image_id)

    def counted_label_map(self, image_id: int) -> LabelMap | None:
        """Return ``label_map`` as runs get it: 255 where labels do not count.

        Raises:
            InputError: as for ``label_map``, or the regions are damaged.
        """
        mask = self.label_map(image_id)
        return None if mask is None else counted_areas.counted(mask, self.counted_area(image_id))

    def counted_mask(self, counted: CountedMask) -> LabelMap:
        """Return ``mask`` as runs get it: 255 where labels do not count.

        Raises:
            InputError: as for ``mask``, or the regions are damaged.
        """
        mask = self.mask(counted.hash)
        if counted.area is None:
            return mask
        return counted_areas.counted(mask, counted_areas.area_from_text(counted.area))

    def set_own_area(self, area: InspectedArea, image_id: int | None = None) -> None:
        """Keep the regions of one image, or those of all (None).

        Revisions made from now on ignore what does not count; masks stay as they were drawn.

        Args:
            area: polygons alone; none of them takes the regions away.
            image_id: whose.
        """
        with self._database.transaction() as connection:
            counted_areas.write(connection, image_id, area)
        if image_id is None:
            self.trail.note(message("Where labels count was changed for all images."))
        else:
            self._note_images([image_id], message("{images}: where labels count was changed."))

    def collect_garbage(self) -> GarbageReport:
        """Delete earlier versions of masks, except where a revision or an undo needs them."""
        files = self._storage.masks
        with self._database.transaction() as connection:
            mask_store.forget_unused(connection, files.in_flight())
            shape_table.forget_stale(connection)
            known = {row[0] for row in connection.execute("SELECT hash FROM mask")}
        return files.remove_unless(known)
