"""Where each stage of shipping a model stands, and why."""

from __future__ import annotations

from app.panels.base import StepState
from app.panels.ship.ship_runs import ShipRuns
from app.panels.ship.stage_bar import Stage, StageStatus
from core.portable.settings import Settings
from core.project.variant_choice import is_usable
from core.project.variants import ModelVariant
from core.system.messages import Message, message


def stage_statuses(
    runs: ShipRuns, model: ModelVariant | None, settings: Settings
) -> dict[Stage, StageStatus]:
    """Say where each stage stands.

    Args:
        runs: what is known of the project.
        model: the one chosen.
        settings: what decides about images.
    """
    if model is None:
        nothing = StageStatus(StepState.BLOCKED, message("Train a model first."))
        return dict.fromkeys(Stage, nothing)
    trials = (runs.own.get(model.folder), runs.validation.get(model.folder))
    tried = any(one is not None and not one.is_alive for one in trials)
    return {
        Stage.MODEL: _model(model),
        Stage.TRY: _status(
            tried,
            message("The model was tried on images."),
            message("Try the model on images of your own."),
        ),
        Stage.VERIFY: _verification(runs, model),
        Stage.RULES: _status(
            bool(settings.rules),
            message("Rules decide what is a reject."),
            message("Without rules, whatever is found is a reject."),
        ),
        Stage.EXPORT: _status(
            bool(runs.exports.get(model.folder)),
            message("The model is exported."),
            message("Choose a format and export the model."),
        ),
    }


def _model(model: ModelVariant) -> StageStatus:
    if not is_usable(model):
        reason = message("This model finds hardly anything: look at its errors first.")
        return StageStatus(StepState.WARNING, reason)
    return StageStatus(StepState.DONE, message("A model is chosen."))


def _verification(runs: ShipRuns, model: ModelVariant) -> StageStatus:
    found = runs.verified.get(model.folder)
    if found is None:
        return StageStatus(StepState.NEXT, message("Prove that the file does the same."))
    if found.is_verified:
        return StageStatus(StepState.DONE, message("The file does what the model does."))
    return StageStatus(StepState.WARNING, message("The file does not do what the model does."))


def _status(done: bool, reason: Message, invitation: Message) -> StageStatus:
    return StageStatus(StepState.DONE, reason) if done else StageStatus(StepState.NEXT, invitation)
