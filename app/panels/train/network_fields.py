"""The arguments of the chosen network, as rows of the form of advanced settings."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel

from app.look.translation import translated
from app.widgets.layout import row
from core.models.catalog import NETWORKS, ModelName, OptionValue


class NetworkFields(QObject):
    """One box for each argument of each network; only the chosen network's are shown."""

    changed = Signal()

    def __init__(
        self,
        form: QFormLayout,
        *,
        caption: Callable[[str], QLabel],
        prepare: Callable[[QComboBox], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._form = form
        self._model: ModelName | None = None
        self._boxes: dict[ModelName, dict[str, tuple[QComboBox, OptionValue, int]]] = {}
        for model, network in NETWORKS.items():
            for option in network.options:
                title = translated(option.title)
                box = QComboBox()
                box.setAccessibleName(title)
                for value, text in option.choices:
                    box.addItem(translated(text), value)
                box.setCurrentIndex(box.findData(option.default))
                prepare(box)
                box.currentIndexChanged.connect(self._on_changed)
                self._boxes.setdefault(model, {})[option.name] = (
                    box,
                    option.default,
                    form.rowCount(),
                )
                form.addRow(caption(title), row(box, 1))
        self.show_network(None)

    def show_network(self, model: ModelName | None) -> None:
        """Show this network's arguments."""
        self._model = model
        for name, boxes in self._boxes.items():
            for _, _, place in boxes.values():
                self._form.setRowVisible(place, name == model)

    def values(self) -> dict[str, OptionValue]:
        """Return the arguments that differ from the network's defaults, by their names."""
        boxes = {} if self._model is None else self._boxes.get(self._model, {})
        return {
            name: box.currentData()
            for name, (box, default, _) in boxes.items()
            if box.currentData() != default
        }

    def reset(self) -> None:
        """Go back to the defaults of all networks."""
        for boxes in self._boxes.values():
            for box, default, _ in boxes.values():
                box.setCurrentIndex(box.findData(default))

    @Slot()
    def _on_changed(self) -> None:
        self.changed.emit()
