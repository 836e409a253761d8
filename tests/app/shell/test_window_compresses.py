"""The Compression panel with real workers: analyse, prune, quantise, measure, compare, export."""

from __future__ import annotations

from app.panels.base import StepState
from app.services.targets import ShowCompression
from app.widgets.variant_names import variant_name

TIMEOUT_MS = 300_000
FIELDS = {
    "kind": "train",
    "model": "FastSCNN",
    "epochs": 1,
    "batch_size": 2,
    "image_size": [64, 64],
    "device": "cpu",
    "use_vdl": False,
}


def test_a_model_becomes_smaller_in_the_window(opened, qtbot, tmp_path, monkeypatch):
    context, window = opened.context, opened.window
    context.navigate(ShowCompression())
    panel = window.work_area.panels["compression"]
    failures = []
    context.error_occurred.disconnect(window._on_error_occurred)
    context.error_occurred.connect(failures.append)
    states = {}
    context.run_state_changed.connect(states.__setitem__)

    def finish(count: int) -> None:
        """Wait until so many runs are over, and the panel has read them."""
        over = ("done", "failed", "cancelled", "interrupted")
        qtbot.waitUntil(
            lambda: bool(failures) or [s in over for s in states.values()] == [True] * count,
            timeout=TIMEOUT_MS,
        )
        assert not failures
        logs = [context.run_folder(run).log_tail(3000) for run, s in states.items() if s != "done"]
        assert not logs, logs
        qtbot.waitUntil(lambda: not panel.busy, timeout=TIMEOUT_MS)

    context.start_run(FIELDS)
    finish(2)  # its evaluation follows by itself
    assert panel.status().state is StepState.WARNING  # so short a training finds nothing
    float_model = panel.current

    panel.page.sensitivity.empty.button.click()
    finish(3)
    assert len(panel.page.sensitivity.plot.groups) == 23
    estimate = panel.analysis.estimate()
    assert abs(estimate.flops - 0.4) < 0.001

    panel.choices.prune.epochs.setValue(1)
    panel.choices.prune.button.click()
    finish(5)  # the float model is measured beside it
    panel.choices.quantize.button.click()
    finish(6)
    table = panel.page.variants.table
    assert [variant_name(variant) for variant in table.rows.items] == [
        "trained model",
        "pruned −40 %",
        "int8",
    ]
    measured = [variant.measured for variant in table.rows.items]
    assert measured[0].size_bytes > measured[1].size_bytes
    assert measured[0].size_bytes > 2 * measured[2].size_bytes
    assert abs(measured[1].flops / measured[0].flops - 0.6) < 0.02
    assert all(one.latency_ms > 0 for one in measured)

    pruned = table.rows.items[1]
    panel.page.compare.choose(float_model.folder, pruned.folder)
    panel.page.compare.empty.button.click()
    finish(7)
    assert panel.page.compare.images.count() == 2
    assert panel.page.compare.pictures is not None

    table.select(pruned.folder)
    panel.choices.ship.ship_button.click()
    assert window.work_area.current_panel.key == "shipping"
    shipping = window.work_area.panels["shipping"]
    qtbot.waitUntil(lambda: not shipping.busy, timeout=20_000)
    assert shipping.current.folder == pruned.folder
    assert panel.status().state in (StepState.DONE, StepState.WARNING)  # it is hardly trained
