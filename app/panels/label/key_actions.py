"""What the Labelling panel can do, under which names and keys."""

from __future__ import annotations

from app.canvas.actions import ActionSpec
from app.canvas.tools import TOOLS as TOOL_GROUPS
from app.canvas.tools.tool import Tool
from core.system.messages import message

DIGITS = 9
"""Digit keys that choose a class, beside 0 for the background."""

TOOLS = message("Tools")
VIEW = message("View")
EDIT = message("Edit")
IMAGES = message("Images")
CLASSES = message("Classes")

PREVIOUS = ActionSpec("image.previous", message("Previous image"), IMAGES, ("A", "PgUp"), "back")
NEXT = ActionSpec("image.next", message("Next image"), IMAGES, ("D", "PgDown"), "forward")
NEXT_UNLABELLED = ActionSpec(
    "image.next_unlabelled", message("Next image without labels"), IMAGES, ("N",), "skip"
)
ACCEPT = ActionSpec(
    "image.labelled", message("Labelled, and next image"), IMAGES, ("Ctrl+Return",), "check"
)
REVIEWED = ActionSpec(
    "image.reviewed", message("Reviewed, and next image"), IMAGES, ("Ctrl+Shift+Return",)
)
STATE_UNLABELLED = ActionSpec(
    "state.unlabelled", message("State: not labelled"), IMAGES, ("Alt+1",)
)
STATE_DRAFT = ActionSpec("state.draft", message("State: draft"), IMAGES, ("Alt+2",))
STATE_LABELLED = ActionSpec("state.labelled", message("State: labelled"), IMAGES, ("Alt+3",))
STATE_REVIEWED = ActionSpec("state.reviewed", message("State: reviewed"), IMAGES, ("Alt+4",))
COMMENT = ActionSpec("image.comment", message("Write a comment"), IMAGES, ("Ctrl+M",))

UNDO = ActionSpec("edit.undo", message("Undo"), EDIT, ("Ctrl+Z",), "undo")
REDO = ActionSpec("edit.redo", message("Redo"), EDIT, ("Ctrl+Shift+Z", "Ctrl+Y"), "redo")
SMALLER = ActionSpec("tool.smaller", message("Smaller size or tolerance"), TOOLS, ("[",))
LARGER = ActionSpec("tool.larger", message("Larger size or tolerance"), TOOLS, ("]",))
SHAPE = ActionSpec("tool.shape", message("Round or square brush"), TOOLS, ("Q",))
OVER = ActionSpec(
    "tool.over", message("Paint over everything or the background only"), TOOLS, ("Shift+B",)
)

SELECTION = message("Chosen parts")
FILL_HOLES = ActionSpec("parts.fill_holes", message("Fill holes"), SELECTION, ("Shift+G",))
REMOVE_SPECKS = ActionSpec("parts.specks", message("Remove specks"), SELECTION, ("Shift+K",))
SMOOTH = ActionSpec("parts.smooth", message("Smooth"), SELECTION, ("Shift+S",))
DILATE = ActionSpec("parts.dilate", message("Grow"), SELECTION, ("Shift+D",))
ERODE = ActionSpec("parts.erode", message("Shrink"), SELECTION, ("Shift+E",))
CHANGE_CLASS = ActionSpec("parts.class", message("Change class"), SELECTION, ("Shift+C",))
DELETE_PARTS = ActionSpec("parts.delete", message("Delete parts"), SELECTION, ("Shift+Del",))
COPY = ActionSpec("parts.copy", message("Copy"), SELECTION, ("Ctrl+C",))
PASTE = ActionSpec("parts.paste", message("Paste"), SELECTION, ("Ctrl+V",))
COPY_TO_NEXT = ActionSpec("parts.copy_to_next", message("Copy to next image"), SELECTION, ("Y",))
INTERPOLATE = ActionSpec(
    "images.interpolate",
    message("Fill the frames up to the next labelled one"),
    IMAGES,
    ("Shift+I",),
)

FIT = ActionSpec("view.fit", message("Fit to the window"), VIEW, ("F",), "fit")
ACTUAL = ActionSpec("view.actual", message("One to one"), VIEW, ("Shift+F",), "one-to-one")
ZOOM_IN = ActionSpec("view.zoom_in", message("Zoom in"), VIEW, ("+", "="))
ZOOM_OUT = ActionSpec("view.zoom_out", message("Zoom out"), VIEW, ("-",))
MASKS = ActionSpec("view.masks", message("Show masks"), VIEW, ("M",), "eye", checkable=True)
STYLE = ActionSpec("view.style", message("Filled, outlines or both"), VIEW, ("T",))
FAINTER = ActionSpec("view.fainter", message("Fainter masks"), VIEW, (";",))
STRONGER = ActionSpec("view.stronger", message("Stronger masks"), VIEW, ("'",))
BOOK = ActionSpec("view.book", message("Defect book"), VIEW, ("Ctrl+B",), "book", checkable=True)
REGIONS = ActionSpec(
    "image.regions", message("Regions: where labels count"), IMAGES, ("Ctrl+R",), "regions"
)
SHORTCUTS = ActionSpec("view.shortcuts", message("Shortcuts"), VIEW, ("?",), "keyboard")

PICK = ActionSpec("class.pick", message("Take the class under the pointer"), CLASSES, ("X",))
PREVIOUS_CLASS = ActionSpec("class.previous", message("Previous class"), CLASSES, (",",))
NEXT_CLASS = ActionSpec("class.next", message("Next class"), CLASSES, (".",))
DONT_CARE = ActionSpec("class.dont_care", message("Paint “don't care”"), CLASSES, ("Z",))
ADD_CLASS = ActionSpec("class.add", message("Add a class"), CLASSES, ("Ctrl+Shift+A",))
FIND_CLASS = ActionSpec("class.find", message("Find a class"), CLASSES, ("/",))
RENAME_CLASS = ActionSpec("class.rename", message("Rename the class"), CLASSES, ("F2",))
RECOLOR_CLASS = ActionSpec(
    "class.recolor", message("Change the class's colour"), CLASSES, ("Shift+F2",)
)
MERGE_CLASS = ActionSpec(
    "class.merge", message("Merge the class into another one"), CLASSES, ("Ctrl+Shift+M",)
)
DELETE_CLASS = ActionSpec("class.delete", message("Delete the class"), CLASSES, ("Ctrl+Shift+Del",))
CLASS_UP = ActionSpec("class.up", message("Move the class up"), CLASSES, ("Alt+Up",))
CLASS_DOWN = ActionSpec("class.down", message("Move the class down"), CLASSES, ("Alt+Down",))
LOCK_CLASS = ActionSpec("class.lock", message("Protect the class, or not"), CLASSES, ("Shift+L",))
HIDE_CLASS = ActionSpec("class.hide", message("Show or hide the class"), CLASSES, ("Shift+H",))
HIDE_OTHERS = ActionSpec(
    "class.hide_others", message("Hide all other classes, or show all"), CLASSES, ("Shift+O",)
)

GOOD_EXAMPLE = ActionSpec(
    "class.good_example",
    message("Into the book: a good example"),
    CLASSES,
    ("Ctrl+E",),
)
BORDERLINE_EXAMPLE = ActionSpec(
    "class.borderline_example",
    message("Into the book: a borderline example"),
    CLASSES,
    ("Ctrl+Shift+E",),
)

DRAFTS = message("Model drafts")
PREDICT = ActionSpec("draft.predict", message("Draft this image"), DRAFTS, ("Shift+P",))
ACCEPT_ALL = ActionSpec(
    "draft.accept", message("Make all of the draft labels"), DRAFTS, ("Shift+A",)
)
ACCEPT_CLASS = ActionSpec(
    "draft.accept_class",
    message("Make what the draft says of the chosen class labels"),
    DRAFTS,
    ("Shift+V",),
)
ACCEPT_PART = ActionSpec(
    "draft.accept_part",
    message("Make the part of the draft under the pointer a label"),
    DRAFTS,
    ("V",),
)
COPY_PREDICTION = ActionSpec(
    "draft.copy",
    message("Let the model look at this image, and take what it says as labels"),
    DRAFTS,
    ("J",),
)
COPY_PREDICTED_CLASS = ActionSpec(
    "draft.copy_class",
    message("Let the model look at this image, and take what it says of the chosen class"),
    DRAFTS,
    ("Ctrl+J",),
)
REJECT = ActionSpec("draft.reject", message("Reject draft"), DRAFTS, ("Shift+X",))
CLICK_MODEL = ActionSpec(
    "draft.click_model", message("Choose the click model …"), DRAFTS, ("Shift+J",)
)
NEXT_UNCERTAIN = ActionSpec(
    "draft.next_uncertain", message("Next most uncertain"), DRAFTS, ("Shift+N",), "skip"
)
DRAFT_UNLABELLED = ActionSpec(
    "draft.images_unlabelled", message("Draft all without labels"), DRAFTS, ("Ctrl+L",)
)
DRAFT_SHOWN = ActionSpec(
    "draft.images_shown", message("Draft all images shown"), DRAFTS, ("Ctrl+K",)
)


def class_key(number: int) -> ActionSpec:
    """Return the action of a digit key."""
    return ActionSpec(
        f"class.{number}", message("Class {number}", number=number), CLASSES, (str(number),)
    )


def tool_key(tool: type[Tool]) -> ActionSpec:
    """Return the action that takes a tool up."""
    return ActionSpec(f"tool.{tool.key}", tool.title, TOOLS, (tool.shortcut,), tool.icon, True)


ALL: tuple[ActionSpec, ...] = (
    *(tool_key(tool) for group in TOOL_GROUPS for tool in group),
    *(class_key(number) for number in range(DIGITS + 1)),
    *(value for value in tuple(globals().values()) if isinstance(value, ActionSpec)),
)
"""A new action is one constant above."""
