"""The fields of a training: few in sight, the others folded; a sentence under a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.look.icons import set_icon
from app.look.theme import GRID
from app.look.translation import tr
from app.panels.train.augmentation_strip import AugmentationStrip
from app.panels.train.network_fields import NetworkFields
from app.panels.train.preset_inputs import EarlierRun
from app.widgets.focus_policy import UnfocusedWheelFilter
from app.widgets.layout import button, column, label, row
from app.widgets.name_box import NameBox
from core.advice.presets import CE_AND_DICE, Preset
from core.models.catalog import NETWORKS
from core.models.optimizer_choice import learning_rate
from core.system.devices import DeviceInfo
from core.transforms.recipes import Augmentation

#: Names of the optimizers, which are proper names in every language.
OPTIMIZERS = {"momentum": "Momentum (SGD)", "adamw": "AdamW"}

#: Suggested fields that have no place in the form.
_UNSEEN = (
    "sampling",
    "epoch_images",
    "backbone_lr_multiplier",
    "warmup_steps",
    "ema_decay",
    "adjust_scores",
    "flip_test",
    "take_last",
)
_DICE = "dice"
_SIDE_STEP = 32
_ENLARGED = 1.5
_MOST = 100_000
_FIELD_WIDTH = GRID * 14
_CAPTION_WIDTH = GRID * 22


class TrainingForm(QWidget):
    """Edits the fields of ``TrainSpec`` that the cards above it do not choose."""

    changed = Signal()
    device_chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wheel = UnfocusedWheelFilter(self)
        self._problems: dict[str, QLabel] = {}
        self._filling = False
        self._usual_weights = ""
        self._unseen: dict[str, Any] = {}
        self.width_box = self._number(1, 8192, tr("Image width"), step=_SIDE_STEP)
        self.height_box = self._number(1, 8192, tr("Image height"), step=_SIDE_STEP)
        self.batch_box = self._number(1, 1024, tr("Batch"))
        self.minutes_box = self._number(0, _MOST, tr("Time"), step=5)
        _count_in(self.minutes_box, lambda count: tr("{count:minute|minutes}", count=count))
        self.minutes_box.setSpecialValueText(tr("no limit"))
        self.epochs_box = self._number(1, _MOST, tr("Epochs"))
        self.scale_box = self._decimal(0, 16, tr("Scale of the images"))
        self.scale_box.setSpecialValueText(tr("fitted"))
        self.device_box = self._box(tr("Device"))
        self.optimizer_box = self._choice(
            tr("Optimizer"), [(text, name) for name, text in OPTIMIZERS.items()]
        )
        self.rate_box = self._decimal(0.0, 1.0, tr("Learning rate"), step=0.005, decimals=4)
        self.weights_box = self._choice(
            tr("Class weights"), [(tr("none"), "none"), (tr("balanced"), "balanced")]
        )
        self.loss_box = self._choice(
            tr("Loss"),
            [
                (tr("cross entropy + Dice"), _DICE),
                (tr("cross entropy"), False),
                (tr("0.8 cross entropy + 0.2 Lovász"), True),
            ],
        )
        self.augmentation_boxes = {
            "horizontal_flip": self._decimal(0, 1, tr("Flip left to right")),
            "vertical_flip": self._decimal(0, 1, tr("Flip upside down")),
            "min_scale": self._decimal(0.05, 1, tr("Smallest crop")),
            "min_zoom": self._decimal(0.05, 1, tr("Shrunk to")),
            "class_crop": self._decimal(0, 1, tr("Around a class")),
            "aspect_ratio": self._decimal(0, 1, tr("Largest stretch")),
            "distort": self._decimal(0, 1, tr("Change colours")),
            "blur": self._decimal(0, 1, tr("Blur")),
        }
        self.variants = AugmentationStrip()
        self.stop_box = QCheckBox(tr("stop when mIoU has not risen for"))
        self.patience_box = self._number(1, 1000, tr("Evaluations without a rise"))
        self.patience_box.setFixedWidth(_FIELD_WIDTH + GRID * 4)
        _count_in(
            self.patience_box, lambda count: tr("{count:evaluation|evaluations}", count=count)
        )
        self.patience_box.setValue(5)
        self.save_box = self._number(1, 1000, tr("Evaluate and save every"))
        _count_in(self.save_box, lambda count: tr("{count:epoch|epochs}", count=count))
        self.seed_box = self._number(0, 2**31 - 1, tr("Seed"))
        self.resume_box = self._choice(
            tr("Continue a run"), [(tr("no, start anew"), None)], NameBox()
        )
        self.weights_edit = QLineEdit()
        self.weights_edit.setAccessibleName(tr("Weights to start from"))
        self.weights_edit.setPlaceholderText(tr("random weights"))
        self.browse_button = button(tr("Choose…"), tooltip=tr("A .pdparams file"))
        self.advanced_button = QToolButton()
        self.advanced_button.setText(tr("Advanced settings"))
        self.advanced_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.advanced_button.setCheckable(True)
        set_icon(self.advanced_button, "chevron-right")
        form = _form()
        self.network_options = NetworkFields(
            form, caption=_caption, prepare=self._prepare_option, parent=self
        )
        self._fill_advanced(form)
        self.advanced = QWidget()
        self.advanced.setLayout(form)
        self.advanced.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(self._basic_form())
        layout.addWidget(self.advanced_button)
        self.advanced_button.setProperty("role", "fold")
        layout.addWidget(self.advanced)
        self._connect()

    def fill(self, preset: Preset) -> None:
        """Take over suggested settings."""
        self._filling = True
        self.width_box.setValue(preset.image_size[0])
        self.height_box.setValue(preset.image_size[1])
        self.batch_box.setValue(preset.batch_size)
        self.minutes_box.setValue(max(1, round(preset.minutes)))
        self.epochs_box.setValue(preset.epochs)
        self.scale_box.setValue(preset.image_scale or 0.0)
        self.loss_box.setCurrentIndex(0)
        self.stop_box.setChecked(preset.early_stop)
        self.patience_box.setValue(preset.early_stop_patience)
        self._unseen = {name: getattr(preset, name) for name in _UNSEEN}
        self.optimizer_box.setCurrentIndex(self.optimizer_box.findData(preset.optimizer))
        self.rate_box.setValue(preset.learning_rate)
        self.weights_box.setCurrentIndex(self.weights_box.findData(preset.class_weights))
        self.save_box.setValue(preset.save_interval_epochs)
        augmentation = preset.augmentation
        for name, box in self.augmentation_boxes.items():
            box.setValue(getattr(augmentation, name))
        self.network_options.show_network(preset.model)
        self.network_options.reset()
        self._show_usual_weights(NETWORKS[preset.model].default_weights or "")
        self._filling = False
        self.changed.emit()

    def weight_classes(self) -> None:
        """Let rare classes count as much as frequent ones."""
        self.weights_box.setCurrentIndex(self.weights_box.findData("balanced"))

    def enlarge_input(self) -> None:
        """Show the network the images half as large again."""
        if self.scale_box.value():
            self.scale_box.setValue(self.scale_box.value() * _ENLARGED)
            return
        for box in (self.width_box, self.height_box):
            box.setValue(round(box.value() * _ENLARGED / _SIDE_STEP) * _SIDE_STEP)

    def values(self) -> dict[str, Any]:
        """Return the fields by their names in ``TrainSpec``, all but ``kind`` and ``model``."""
        boxes = self.augmentation_boxes
        weights = self.weights_edit.text().strip()
        minutes = self.minutes_box.value()
        loss = self.loss_box.currentData()
        unseen = dict(self._unseen)
        if not minutes:  # so many rounds through the images
            unseen["epoch_images"] = None
        return {
            **unseen,
            "minutes": minutes or None,
            "image_scale": round(self.scale_box.value(), 4) or None,
            "model_params": self.network_options.values(),
            "image_size": (self.width_box.value(), self.height_box.value()),
            "batch_size": self.batch_box.value(),
            "epochs": self.epochs_box.value(),
            "device": self.device_box.currentData() or "auto",
            "optimizer": self.optimizer_box.currentData(),
            "learning_rate": self.rate_box.value(),
            "class_weights": self.weights_box.currentData(),
            "use_mixed_loss": [list(part) for part in CE_AND_DICE] if loss == _DICE else loss,
            "augmentation": Augmentation(**{name: box.value() for name, box in boxes.items()}),
            "early_stop": self.stop_box.isChecked(),
            "early_stop_patience": self.patience_box.value(),
            "save_interval_epochs": self.save_box.value(),
            "seed": self.seed_box.value(),
            "pretrain_weights": weights or None,
            "resume": self.resume_box.currentData(),
        }

    @property
    def weights_differ(self) -> bool:
        """Whether the weights to start from are others than the network's usual ones."""
        usual = self._usual_weights if self.resume_box.currentData() is None else ""
        return bool(usual) and self.weights_edit.text().strip() != usual

    def _show_usual_weights(self, name: str) -> None:
        """Name the weights that the network usually starts from; "": from none."""
        resumes = self.resume_box.currentData() is not None
        if name and not resumes:
            self.weights_edit.setText(name)
        elif self.weights_edit.text().strip() == self._usual_weights:
            self.weights_edit.clear()
        self._usual_weights = name

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Put each sentence under its field, and unfold what hides one."""
        for name, place in self._problems.items():
            place.setText(problems.get(name, ""))
            place.setVisible(name in problems)
        hidden = {"learning_rate", "pretrain_weights", "resume", "epochs", "image_scale"}
        if hidden & set(problems):
            self.advanced_button.setChecked(True)

    def set_devices(self, devices: tuple[DeviceInfo, ...]) -> None:
        """Offer these devices, the first one chosen unless the user chose another.

        A processor that is the best there is, is ``auto``: several processes, where they help.
        """
        chosen = self.device_box.currentData()
        self.device_box.blockSignals(True)
        self.device_box.clear()
        for place, device in enumerate(devices):
            memory = f"{device.memory_bytes / 1e9:.0f} GB"
            cores = tr("{cores} {cores:core|cores}", cores=device.cores) if device.cores else memory
            name = "auto" if place == 0 and device.kind == "cpu" else device.spec_name
            self.device_box.addItem(f"{device.name} ({cores})", name)
        self.device_box.setCurrentIndex(max(0, self.device_box.findData(chosen)))
        self.device_box.blockSignals(False)

    def set_runs(self, runs: tuple[EarlierRun, ...]) -> None:
        """Offer runs to continue."""
        chosen = self.resume_box.currentData()
        self.resume_box.blockSignals(True)
        self.resume_box.clear()
        self.resume_box.addItem(tr("no, start anew"), None)
        for run in runs:
            folder = run.last_checkpoint or run.best_model
            if folder is not None:
                self.resume_box.addItem(run.name, str(folder))
        self.resume_box.setCurrentIndex(max(0, self.resume_box.findData(chosen)))
        self.resume_box.blockSignals(False)

    @Slot()
    def _on_resume_chosen(self) -> None:
        """A run that goes on has its weights already."""
        if not self._filling:
            self._show_usual_weights(self._usual_weights)

    # Building

    def _connect(self) -> None:
        self.device_box.currentIndexChanged.connect(self._on_device_chosen)
        self.optimizer_box.currentIndexChanged.connect(self._on_optimizer_chosen)
        self.resume_box.currentIndexChanged.connect(self._on_resume_chosen)
        self.stop_box.toggled.connect(self._on_edited)
        self.weights_edit.textChanged.connect(self._on_edited)
        self.browse_button.clicked.connect(self._on_browse)
        self.network_options.changed.connect(self._on_edited)
        self.advanced_button.toggled.connect(self._on_folded)

    def _basic_form(self) -> QFormLayout:
        form = _form()
        size = row(self.width_box, label("×"), self.height_box, 1)
        self._add(form, tr("Image size"), "image_size", size)
        self._add(form, tr("Batch"), "batch_size", row(self.batch_box, 1))
        self._add(form, tr("Time"), "minutes", row(self.minutes_box, 1))
        self._add(form, tr("Device"), "device", row(self.device_box, 1))
        return form

    def _fill_advanced(self, form: QFormLayout) -> None:
        self._add(form, tr("Epochs, at most"), "epochs", row(self.epochs_box, 1))
        self._add(form, tr("Scale of the images"), "image_scale", row(self.scale_box, 1))
        form.addRow(_caption(tr("Optimizer")), row(self.optimizer_box, 1))
        self._add(form, tr("Learning rate"), "learning_rate", row(self.rate_box, 1))
        self._add(form, tr("Class weights"), "class_weights", row(self.weights_box, 1))
        self._add(form, tr("Loss"), "use_mixed_loss", row(self.loss_box, 1))
        tips = {
            "min_scale": tr("The smallest part of an image that is cut out and enlarged, 0 … 1"),
            "aspect_ratio": tr("How much wider or higher a cut-out may get, 0 … 1"),
        }
        for name, box in self.augmentation_boxes.items():
            box.setToolTip(tips.get(name, tr("Probability for each training image, 0 … 1")))
            form.addRow(_caption(box.accessibleName()), row(box, 1))
        form.addRow(self.variants)
        self._add(form, tr("Early stop"), "early_stop", row(self.stop_box, self.patience_box, 1))
        self._add(form, tr("Evaluate and save every"), "save", row(self.save_box, 1))
        self._add(form, tr("Seed"), "seed", row(self.seed_box, 1))
        self._add(form, tr("Continue a run"), "resume", row(self.resume_box, 1))
        weights = row(self.weights_edit, self.browse_button)
        self._add(form, tr("Weights to start from"), "pretrain_weights", weights)

    def _add(self, form: QFormLayout, title: str, name: str, field: QLayout) -> None:
        place = label("", "danger", wrap=True)
        place.hide()
        self._problems[name] = place
        form.addRow(_caption(title), column(field, place, spacing=2))

    def _number(self, low: int, high: int, name: str, *, step: int = 1) -> QSpinBox:
        box = QSpinBox()
        box.setRange(low, high)
        box.setSingleStep(step)
        box.setAccessibleName(name)
        box.setFixedWidth(_FIELD_WIDTH)
        self._ignore_wheel(box)
        box.valueChanged.connect(self._on_edited)
        return box

    def _decimal(
        self, low: float, high: float, name: str, *, step: float = 0.1, decimals: int = 2
    ) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setDecimals(decimals)
        box.setRange(low, high)
        box.setSingleStep(step)
        box.setAccessibleName(name)
        box.setFixedWidth(_FIELD_WIDTH)
        self._ignore_wheel(box)
        box.valueChanged.connect(self._on_edited)
        return box

    def _choice(
        self, name: str, choices: list[tuple[str, Any]], box: QComboBox | None = None
    ) -> QComboBox:
        box = self._box(name, box)
        for text, value in choices:
            box.addItem(text, value)
        box.currentIndexChanged.connect(self._on_edited)
        return box

    def _box(self, name: str, box: QComboBox | None = None) -> QComboBox:
        box = box or QComboBox()
        box.setAccessibleName(name)
        box.setMinimumWidth(_FIELD_WIDTH * 2)
        self._ignore_wheel(box)
        return box

    def _prepare_option(self, box: QComboBox) -> None:
        box.setMinimumWidth(_FIELD_WIDTH * 2)
        self._ignore_wheel(box)

    def _ignore_wheel(self, box: QWidget) -> None:
        """Let the wheel scroll the page unless the field was clicked first."""
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.installEventFilter(self._wheel)

    @Slot()
    def _on_edited(self) -> None:
        if not self._filling:
            self.changed.emit()

    @Slot()
    def _on_optimizer_chosen(self) -> None:
        """Take the rate that suits the optimizer: one's usual rate makes the other diverge."""
        if not self._filling:
            optimizer = self.optimizer_box.currentData()
            self.rate_box.setValue(learning_rate(self.batch_box.value(), optimizer))

    @Slot()
    def _on_device_chosen(self) -> None:
        self.device_chosen.emit()

    @Slot(bool)
    def _on_folded(self, shown: bool) -> None:
        self.advanced.setVisible(shown)
        set_icon(self.advanced_button, "chevron-down" if shown else "chevron-right")

    @Slot()
    def _on_browse(self) -> None:
        start = str(Path(self.weights_edit.text()).parent) if self.weights_edit.text() else ""
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Weights to start from"), start, tr("Weights (*.pdparams)")
        )
        if path:
            self.weights_edit.setText(path)


def _count_in(box: QSpinBox, unit: Callable[[int], str]) -> None:
    """Name behind the number what it counts."""

    def show(count: int) -> None:
        box.setSuffix(f" {unit(count)}")

    box.valueChanged.connect(show)
    show(box.value())


def _caption(text: str) -> QLabel:
    made = label(text, "muted")
    made.setFixedWidth(_CAPTION_WIDTH)
    return made


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(GRID * 3)
    form.setVerticalSpacing(GRID)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return form
