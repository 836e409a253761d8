"""Everything that can be done on the canvas as actions with shortcuts that the user can change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.look.icons import set_icon
from app.look.translation import translated
from core.system.messages import Message

_ARROWS = ("Left", "Right", "Up", "Down")
CANVAS_KEYS = frozenset(
    (
        *("Space", "Return", "Enter", "Esc", "Backspace", "Del"),
        *_ARROWS,
        *(f"Shift+{arrow}" for arrow in _ARROWS),
    )
)
"""Keys that mean something to the crosshair and to tools that have begun something."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action: ``keys`` are its usual shortcuts, the first is shown."""

    key: str
    title: Message
    group: Message
    keys: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False


class Actions:
    """The actions of a few widgets; their shortcuts work while one or a child has the focus.

    All of them are there from the start, whoever does later what they stand for.
    """

    def __init__(self, specs: Iterable[ActionSpec], owner: QWidget) -> None:
        self._owner = owner
        self._widgets: list[QWidget] = []
        self._specs = {spec.key: spec for spec in specs}
        self._actions = {key: _make(spec, owner) for key, spec in self._specs.items()}
        self._chosen: dict[str, tuple[str, ...]] = {}
        self.add_to(owner)
        for key in self._specs:
            self._apply(key)

    def add_to(self, widget: QWidget) -> None:
        """Let the shortcuts work in another widget, too."""
        self._widgets.append(widget)
        widget.addActions(list(self._actions.values()))

    def suspend(self) -> None:
        """Leave the shortcuts to what lies in front of the widgets for a while."""
        for widget in self._widgets:
            for action in self._actions.values():
                widget.removeAction(action)

    def resume(self) -> None:
        """Let them work again."""
        for widget in self._widgets:
            widget.addActions(list(self._actions.values()))

    def connect(self, spec: ActionSpec, slot: Callable[[], object]) -> QAction:
        """Have an action call ``slot``; return it."""
        action = self._actions[spec.key]
        action.triggered.connect(lambda _checked=False: slot())
        return action

    def __getitem__(self, key: str) -> QAction:
        return self._actions[key]

    def of(self, *specs: ActionSpec) -> list[QAction]:
        """Return several actions."""
        return [self._actions[spec.key] for spec in specs]

    @property
    def specs(self) -> Sequence[ActionSpec]:
        """All of them."""
        return tuple(self._specs.values())

    def keys(self, key: str) -> tuple[str, ...]:
        """Return the shortcuts of an action as portable text."""
        return self._chosen.get(key, self._specs[key].keys)

    def set_keys(self, key: str, keys: Iterable[str]) -> list[str]:
        """Give an action other shortcuts; whoever had one of them loses it.

        Returns:
            Keys of the actions that lost a shortcut.
        """
        wanted = tuple(dict.fromkeys(part for part in map(normal, keys) if part))
        losers = []
        for other in self._specs:
            left = tuple(part for part in self.keys(other) if normal(part) not in wanted)
            if other != key and left != self.keys(other):
                self._choose(other, left)
                losers.append(other)
        self._choose(key, wanted)
        return losers

    def taken_by_window(self, keys: str) -> str | None:
        """Return what else of the window has a shortcut now, None if nothing has it."""
        wanted, own = QKeySequence(keys), set(self._actions.values())
        if wanted.isEmpty():
            return None
        window = self._owner.window()
        for action in window.findChildren(QAction):
            if action not in own and wanted in action.shortcuts() and _is_everywhere(action):
                return action.text()
        for button in window.findChildren(QAbstractButton):
            if button.isVisible() and button.shortcut() == wanted:
                return button.accessibleName() or button.text()
        return None

    def reset(self) -> None:
        """Give every action its usual shortcuts."""
        self._chosen.clear()
        for key in self._specs:
            self._apply(key)

    def overrides(self) -> dict[str, list[str]]:
        """Return the shortcuts that are not the usual ones."""
        return {key: list(keys) for key, keys in self._chosen.items()}

    def restore(self, overrides: object) -> None:
        """Use what ``overrides`` returned once; what does not fit is left out."""
        self._chosen.clear()
        if isinstance(overrides, Mapping):
            for key, keys in overrides.items():
                is_list = isinstance(keys, list) and all(isinstance(part, str) for part in keys)
                if key in self._specs and is_list:
                    self._choose(key, tuple(keys))
        for key in self._specs:
            self._apply(key)

    def _choose(self, key: str, keys: tuple[str, ...]) -> None:
        if tuple(map(normal, keys)) == tuple(map(normal, self._specs[key].keys)):
            self._chosen.pop(key, None)
        else:
            self._chosen[key] = keys
        self._apply(key)

    def _apply(self, key: str) -> None:
        action, spec, keys = self._actions[key], self._specs[key], self.keys(key)
        action.setShortcuts([QKeySequence(part) for part in keys])
        title = translated(spec.title)
        action.setToolTip(f"{title} ({native(keys[0])})" if keys else title)


def _make(spec: ActionSpec, owner: QWidget) -> QAction:
    action = QAction(translated(spec.title), owner)
    action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    action.setCheckable(spec.checkable)
    if spec.icon:
        set_icon(action, spec.icon)
    return action


def _is_everywhere(action: QAction) -> bool:
    """Whether an action's shortcut works wherever the focus is."""
    return action.shortcutContext() in (
        Qt.ShortcutContext.WindowShortcut,
        Qt.ShortcutContext.ApplicationShortcut,
    )


def normal(keys: str) -> str:
    """Return a shortcut in one way of writing it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.PortableText)


def native(keys: str) -> str:
    """Return a shortcut as the system writes it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
