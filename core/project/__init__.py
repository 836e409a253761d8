"""The project: images, masks, splits, revisions and runs."""

from core.data.label_class import LabelClass
from core.project.class_matching import ClassMap, Dropped
from core.project.project import Project
from core.project.project_folder import is_project
from core.project.revision import Revision
from core.project.rows import (
    GarbageReport,
    ImageCounts,
    ImageQuery,
    ImageRow,
    ImageSubset,
    ImportReport,
    MaskVersion,
    RunRow,
    RunState,
    State,
    UndoReport,
)

__all__ = [
    "ClassMap",
    "Dropped",
    "GarbageReport",
    "ImageCounts",
    "ImageQuery",
    "ImageRow",
    "ImageSubset",
    "ImportReport",
    "LabelClass",
    "MaskVersion",
    "Project",
    "Revision",
    "RunRow",
    "RunState",
    "State",
    "UndoReport",
    "is_project",
]
