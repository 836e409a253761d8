"""The part of a project that data goes into and comes out of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from core.data.dataset_statistics import DatasetStatistics
from core.data.formats import ImportResult, paddlex_seg
from core.data.validation import Finding
from core.datasets import Subset
from core.project import import_undo as undo
from core.project import new_labels, project_folder, revision
from core.project.class_matching import ClassMap
from core.project.class_table import read_labels
from core.project.counted_classes import count_what_counts
from core.project.exporting import labelled_dataset
from core.project.findings import find_problems
from core.project.import_undo import ImportInfo
from core.project.importing import Incoming, ProgressCallback, take_over
from core.project.mask_store import LabelMap
from core.project.revision import Revision
from core.project.rows import CountedMask, ImageSubset, ImportReport, UndoReport
from core.project.split import Division, split_images, undo_division
from core.project.statistics import read_shown_masks, read_statistics
from core.project.storage import ProjectPart
from core.system.messages import message, printable

_TRAINED: tuple[Subset, ...] = ("train", "val")


class DataExchange(ProjectPart):
    """Imports, subsets, statistics, revisions and exports."""

    # Imports

    def add_images(
        self,
        paths: Iterable[Path | str],
        *,
        copy: bool = False,
        subset: ImageSubset = "none",
        progress: ProgressCallback | None = None,
    ) -> ImportReport:
        """Add images without masks; undone like any import.

        Args:
            paths: image files.
            copy: copy them into the project's ``images/`` instead of using them where they are.
            subset: where they belong.
            progress: called with (done, total).
        """
        incoming = [Incoming(project_folder.absolute(path), subset, _no_mask) for path in paths]
        source = printable(str(incoming[0].image.parent)) if incoming else ""
        report = take_over(self._storage, incoming, source=source, copy=copy, progress=progress)
        self._note_import(source, report)
        return report

    def import_result(
        self,
        result: ImportResult,
        *,
        source: Path | str = "",
        copy: bool = False,
        replace: bool = False,
        class_map: ClassMap | None = None,
        progress: ProgressCallback | None = None,
    ) -> ImportReport:
        """Take over images, masks, classes and subsets in one step.

        An image that has another mask already keeps it and is reported. What cannot be read is
        reported in ``lost`` and does not stop the rest.

        Args:
            result: what a module of ``core.data.formats`` read.
            source: what to call it in the list of imports.
            copy: copy the images into the project's ``images/``.
            replace: put the imported masks in place of existing ones, which stay in the history.
            class_map: the import's class name → the project's, or how it is dropped; by default
                equal names match and others become new classes.
            progress: called with (done, total); an exception from it ends the import, and the
                project is as it was.

        Raises:
            InputError: too many classes, or the disk is full.
        """
        incoming = [
            Incoming(
                project_folder.absolute(item.image_path),
                item.subset or "none",
                item.mask or _no_mask,
                item.shapes,
            )
            for item in result.items
        ]
        report = take_over(
            self._storage,
            incoming,
            source=printable(str(source)),
            class_names=result.labels,
            colors=result.colors,
            class_map=class_map,
            copy=copy,
            replace=replace,
            progress=progress,
        )
        self._note_import(printable(str(source)), report)
        # Only now, as masks have more to say when they are read.
        return dataclasses.replace(report, lost=(*result.report.messages, *report.lost))

    def import_data_folder(
        self,
        folder: Path | str,
        *,
        copy: bool = False,
        replace: bool = False,
        class_map: ClassMap | None = None,
        progress: ProgressCallback | None = None,
    ) -> ImportReport:
        """Import a folder in PaddleX's SEG layout with its subsets; see ``import_result``."""
        return self.import_result(
            paddlex_seg.read(Path(folder)),
            source=folder,
            copy=copy,
            replace=replace,
            class_map=class_map,
            progress=progress,
        )

    def last_import(self) -> ImportInfo | None:
        """Return what ``undo_last_import`` would undo."""
        return undo.last_import(self._storage)

    def undo_last_import(self) -> UndoReport | None:
        """Undo the newest import as one step; None if there is none.

        New images go, images that got a mask get back what they had, new classes go unless used.
        Images whose mask or comment was changed since stay as they are. Files stay.
        """
        report = undo.undo_last_import(self._storage)
        if report is not None:
            self.trail.note(
                message(
                    "An import was undone: {count} {count:image|images} removed.",
                    count=report.removed,
                )
            )
        return report

    def _note_import(self, source: str, report: ImportReport) -> None:
        if report.added or report.masks:
            self.trail.note(
                message(
                    "Imported from {source}: {added} new {added:image|images}, {masks} "
                    "{masks:mask|masks}.",
                    source=source,
                    added=report.added,
                    masks=report.masks,
                )
            )

    def _note_division(self, division: Division) -> None:
        counts = division.counts
        self.trail.note(
            message(
                "Divided: {changed} {changed:image|images} moved; training {train}, validation "
                "{val}, test {test}.",
                changed=len(division.after),
                train=counts["train"],
                val=counts["val"],
                test=counts["test"],
            )
        )

    # Subsets and checks

    def split(
        self,
        *,
        val: float,
        test: float,
        group: str | None = None,
        seed: int = 0,
        keep: Collection[ImageSubset] = (),
        find_groups: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> Division:
        """Divide the images that have a mask into train, val and test.

        Images of one group share a subset, and classes are spread, the rarest first; each wanted
        subset gets at least one image where there are enough. Images that the user took out of
        all subsets stay out, unless that is all there are.

        Args:
            val: share of the validation subset, 0 … 1.
            test: share of the test subset, 0 … 1.
            group: regular expression searched in the path; images with the same first group (or
                whole match) belong together from now on. By default the groups stay as they are.
            seed: another seed, another split.
            keep: subsets whose images stay where they are; the others follow their group, and the
                shares are of all together.
            find_groups: join images that look alike, and without ``group`` those of one part by
                their names.
            check: called again and again; may raise to stop.

        Returns:
            What was done; ``undo_division`` takes it back.

        Raises:
            InputError: no masks, impossible shares, or a faulty expression.
        """
        division = split_images(
            self._storage,
            val=val,
            test=test,
            group=group,
            seed=seed,
            keep=keep,
            find_groups=find_groups,
            check=check,
        )
        self._note_division(division)
        return division

    @property
    def divides_itself(self) -> bool:
        """Whether ``divide_new_labels`` does anything."""
        return new_labels.divides_itself(self._database)

    def set_divides_itself(self, wanted: bool) -> None:
        """Let new labels get a subset by themselves, or not; remembered in the project."""
        new_labels.set_divides_itself(self._database, wanted)

    def divide_new_labels(self, *, check: Callable[[], None] = lambda: None) -> Division | None:
        """Give labelled images without a subset one, once there are enough to divide.

        No image that has a subset is moved. Images of one part, told by groups, names and looks,
        share a subset. The test set is closed once it is large enough. Images that the user took
        out of all subsets stay out.

        Args:
            check: called again and again; may raise to stop.

        Returns:
            What was done; None where there was nothing to do.
        """
        division = new_labels.divide_new_labels(self._storage, check=check)
        if division is not None:
            self._note_division(division)
        return division

    def labelled_without_subset(self) -> list[int]:
        """Return the ids of the labelled images that wait for a subset."""
        return new_labels.waiting(self._database)

    def undo_division(self, division: Division) -> None:
        """Give images back the subsets that they had, but for those that were moved since."""
        undo_division(self._database, division)
        self.trail.note(message("A division was taken back."))

    def statistics(self, *, check: Callable[[], None] = lambda: None) -> DatasetStatistics:
        """Count classes, pixels and sizes of the images that a revision made now would hold.

        Of masks with regions, what these leave; those that were not counted yet are decoded, and
        ``check`` is called meanwhile and may raise to stop. While no labelled image has a subset,
        all count as ``train``.
        """
        count_what_counts(self._storage, check=check)
        return read_statistics(self._database, read_labels(self._database))

    def shown_masks(
        self, *, revision_id: int | None = None, validation: bool = False
    ) -> dict[int, list[CountedMask]]:
        """Return, by class id (255: ignored), the masks that show it; ``counted_mask`` reads one.

        Of labelled images in ``train`` or in no subset yet, with ``validation`` in ``val``, too;
        or of a revision's training images. Decodes nothing, so what regions leave of a mask may
        not show the class.
        """
        return read_shown_masks(self._database, revision_id=revision_id, validation=validation)

    def findings(
        self, *, compare_content: bool = False, progress: ProgressCallback | None = None
    ) -> tuple[Finding, ...]:
        """Return what is wrong, or may be, errors first; looks at each file, so takes a while.

        Args:
            compare_content: also read image files to find equal ones (each once; remembered).
            progress: called with (done, total); what it raises ends the search.
        """

        def check() -> None:
            if progress is not None:
                progress(0, 1)

        statistics = self.statistics(check=check)
        return find_problems(
            self._storage, statistics, compare_content=compare_content, progress=progress
        )

    # Revisions

    def create_revision(self, *, needed: Sequence[Subset] = _TRAINED) -> Revision:
        """Freeze the labelled and reviewed images that belong to a subset; drafts stay out.

        The same content gives the stored revision again.

        Raises:
            InputError: fewer than two classes, or a ``needed`` subset has no labelled image.
        """
        return revision.freeze(self._storage, read_labels(self._database), needed=needed)

    def revision(self, revision_id: int) -> Revision:
        """Return a stored revision; raises ``KeyError``."""
        return revision.load(self._storage, revision_id)

    def same_validation(self, one: int, other: int) -> bool:
        """Whether two stored revisions have the same classes, validation images and masks.

        Only then scores of models that were measured on them can be compared.
        """
        return revision.same_validation(self._storage, one, other)

    def labelled_dataset(self) -> ImportResult:
        """Return all images that have a mask, for the writers of ``core.data.formats``."""
        return labelled_dataset(self._storage)


def _no_mask() -> LabelMap | None:
    return None
