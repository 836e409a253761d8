"""What can be done about each finding, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from app.look.translation import tr, trn
from app.services.background import BackgroundTasks
from app.services.context import AppContext
from app.services.image_fixes import ImageFixes
from app.services.notices import Notice
from app.services.targets import LabelImage, LabelMostUseful, SetUpTraining
from app.widgets.image_status_text import subset_name
from app.widgets.problem_fixes import ask_folder
from core.data.validation import Finding
from core.project import ImageQuery, ImageSubset, Project
from core.project.split import Division

SHOW: Final = "show"
#: What can be done about a finding, by its code; the first button leads.
ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "missing_image": ("locate", SHOW, "remove"),
    "missing_mask": (SHOW, "import"),
    "duplicate_across_splits": (SHOW, "together"),
    "duplicate_in_subset": (SHOW, "leave_others_out"),
    "look_alike_across_splits": (SHOW, "together"),
    "group_across_splits": (SHOW, "together"),
    "all_ignored": (SHOW, "leave_out"),
    "unlabelled_images": (SHOW, "label"),
    "draft_masks": (SHOW, "review"),
    "images_without_subset": (SHOW, "split_new", "to_training"),
    "object_as_255": (SHOW, "import"),
    "class_without_pixels": ("label",),
    "class_in_one_image": (SHOW, "label"),
    "class_only_in_one_subset": (SHOW, "split"),
    "rare_class": (SHOW, "label", "class_weights"),
    "tiny_subset": (SHOW, "label", "split"),
    "many_sizes": (SHOW,),
    "small_objects": (SHOW, "larger_input"),
}
_ORDER: Final[tuple[ImageSubset, ...]] = ("test", "val", "train")


def action_text(action: str) -> str:
    """Return what the button of an action says."""
    return {
        SHOW: tr("Show the images"),
        "locate": tr("Locate the folder…"),
        "remove": tr("Remove from project"),
        "import": tr("Import again…"),
        "together": tr("Put into one subset"),
        "leave_out": tr("Leave out"),
        "leave_others_out": tr("Leave out all but one"),
        "label": tr("Label more"),
        "review": tr("Look through them"),
        "split_new": tr("Split now"),
        "to_training": tr("Add to training"),
        "split": tr("Split anew"),
        "class_weights": tr("Weight the classes"),
        "larger_input": tr("Larger input"),
    }[action]


def concerned_images(project: Project, group: Sequence[Finding]) -> list[int]:
    """Return the ids of the images that findings of one code are about; reads the database."""
    code = group[0].code
    found: list[int] = []
    for finding in group:
        params = finding.message.params
        if finding.file is not None:
            files = (params.get("image") or finding.file, params.get("other"))
            ids = [project.find_image(Path(str(file))) for file in files if file is not None]
            found += [one for one in ids if one is not None]
        elif code == "images_without_subset":
            found += project.labelled_without_subset()
        elif code == "group_across_splits":
            found += _of_group(project, str(params["group"]))
        elif code == "many_sizes":
            usual = params["width"], params["height"]
            found += [row.id for row in project.images() if (row.width, row.height) != usual]
        else:
            found += project.image_ids(_query(project, finding))
    return list(dict.fromkeys(found))


def _of_group(project: Project, group: str) -> list[int]:
    return [row.id for row in project.images(ImageQuery(text=group)) if row.group == group]


def _query(project: Project, finding: Finding) -> ImageQuery:
    params = finding.message.params
    match finding.code:
        case "unlabelled_images":
            return ImageQuery(state="unlabelled")
        case "draft_masks":
            return ImageQuery(state="draft")
        case "object_as_255":
            return ImageQuery(class_id=255)
        case "tiny_subset":
            return ImageQuery(subset=_subset(str(params["subset"])))
    ids = {label.name: label.id for label in project.labels()}
    return ImageQuery(
        class_id=ids.get(str(params.get("label"))),
        subset="train" if finding.code == "rare_class" else None,
    )


def _together(project: Project, found: Sequence[Sequence[int]]) -> dict[int, ImageSubset]:
    """Return one subset for the images of each finding.

    A test image stays what it is, as models have been measured with it; then a validation image.
    """
    wanted: dict[int, ImageSubset] = {}
    for ids in found:
        known = {wanted.get(row.id, row.subset) for row in project.images_by_id(ids)}
        subset = next((one for one in _ORDER if one in known), None)
        wanted.update(_all_to(ids, subset or "none"))
    return wanted


def _all_to(ids: Sequence[int], subset: ImageSubset) -> dict[int, ImageSubset]:
    return dict.fromkeys(ids, subset)


def _subset(name: str) -> ImageSubset | None:
    return next((known for known in _ORDER if known == name), None)


class FindingActions(QObject):
    """Carries out what the buttons say; what moves images can be undone."""

    def __init__(
        self,
        context: AppContext,
        tasks: BackgroundTasks,
        split: Callable[[], None],
        owner: QWidget,
    ) -> None:
        super().__init__(owner)
        self._context = context
        self._tasks = tasks
        self._split = split
        self._owner = owner

    @Slot(str, object)
    def act(self, action: str, group: Sequence[Finding]) -> None:
        """Do what a button says about findings of one code."""
        match action:
            case "import":
                self._context.import_requested.emit()
            case "label":
                self._context.navigate(LabelMostUseful())
            case "class_weights":
                self._context.navigate(SetUpTraining(class_weights=True))
            case "larger_input":
                self._context.navigate(SetUpTraining(larger_input=True))
            case "split":
                self._split()
            case "locate":
                self._locate(group)
            case "split_new":
                self._split_new()
            case _:
                self._with_images(action, group)

    def _locate(self, group: Sequence[Finding]) -> None:
        gone = next((finding.file for finding in group if finding.file is not None), None)
        if gone is None:
            return
        folder = ask_folder(self._owner, tr("Where are the images now?"), gone)
        if folder is not None:
            ImageFixes(self._context).locate(folder)

    def _with_images(self, action: str, group: Sequence[Finding]) -> None:
        project = self._context.project
        if project is None:
            return
        self._tasks.start(
            lambda _progress: [concerned_images(project, [finding]) for finding in group],
            on_done=lambda found: self._act_on(project, action, found),
            on_failed=self._context.error_occurred.emit,
        )

    def _act_on(self, project: Project, action: str, found: list[list[int]]) -> None:
        """Act on the images of each finding."""
        ids = list(dict.fromkeys(id_ for some in found for id_ in some))
        if project is not self._context.project or not ids:
            return
        match action:
            case "review":
                self._context.navigate(LabelImage(ids[0]))
            case "remove":
                ImageFixes(self._context).remove(ids)
            case "leave_out":
                self._move(project, _all_to(ids, "none"))
            case "leave_others_out":
                self._move(project, _all_to([id_ for some in found for id_ in some[1:]], "none"))
            case "to_training":
                self._move(project, _all_to(ids, "train"))
            case "together":
                self._move(project, _together(project, found))

    def _move(self, project: Project, wanted: dict[int, ImageSubset]) -> None:
        rows = project.images_by_id(list(wanted))
        before = {row.id: row.subset for row in rows if row.subset != wanted[row.id]}
        after = {id_: wanted[id_] for id_ in before}
        if not before:
            return
        try:
            for subset in set(after.values()):
                project.set_subset([id_ for id_, of in after.items() if of == subset], subset)
        except Exception as error:
            self._context.error_occurred.emit(error)
            return
        division = Division(project.counts().by_subset, before, after)
        names = ", ".join(subset_name(subset) for subset in dict.fromkeys(after.values()))
        self._tell(
            project,
            division,
            trn(
                "{count} image is in “{subset}” now.",
                "{count} images are in “{subset}” now.",
                len(before),
                subset=names,
            ),
        )

    def _split_new(self) -> None:
        project = self._context.project
        if project is None:
            return

        def done(division: Division) -> None:
            self._context.new_labels.tell(division)

        self._tasks.start(
            lambda progress: project.split(
                val=0.15,
                test=0.15,
                keep=("train", "val", "test"),
                find_groups=True,
                check=progress.check,
            ),
            on_done=done,
            on_failed=self._context.error_occurred.emit,
            key="split",
        )

    def _tell(self, project: Project, division: Division, text: str) -> None:
        self._context.dataset_changed.emit()
        self._context.notice_requested.emit(
            Notice(text, tr("Undo"), lambda: self._undo(project, division))
        )

    def _undo(self, project: Project, division: Division) -> None:
        if project is self._context.project:
            project.undo_division(division)
            self._context.dataset_changed.emit()
