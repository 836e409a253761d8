"""The command tree."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import core
from core.cli import (
    benchmark,
    bundle,
    convert,
    data,
    demo,
    doctor,
    evaluate,
    export,
    gpu,
    learning_curve,
    open_window,
    predict,
    prune,
    quantize,
    rules,
    sensitivity,
    serve,
    train,
    verify,
    watch,
)
from core.cli.console import complain
from core.cli.environment import EXIT_INTERRUPTED
from core.system.installation import program_name


class _Commands(TyperGroup):
    """Answers Ctrl-C with a sentence; Typer alone would end without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that ``ctx`` names."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            complain("stopped")
            raise typer.Exit(EXIT_INTERRUPTED) from None


def build_app() -> typer.Typer:
    """Return all commands; importing them loads neither the engine nor the window."""
    app = typer.Typer(
        name=program_name(),
        cls=_Commands,
        help="Semantic segmentation from labels to a model. Without a command the window opens.",
        no_args_is_help=True,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        pretty_exceptions_enable=False,
    )
    app.callback()(_main)
    app.command("open")(open_window.command)
    app.command("demo")(demo.command)
    app.command("train")(train.command)
    app.command("learning-curve")(learning_curve.command)
    app.command("evaluate")(evaluate.command)
    app.command("predict")(predict.command)
    app.command("sensitivity")(sensitivity.command)
    app.command("prune")(prune.command)
    app.command("quantize")(quantize.command)
    app.command("export")(export.command)
    app.command("verify")(verify.command)
    app.command("benchmark")(benchmark.command)
    app.command("rules")(rules.command)
    app.command("bundle")(bundle.command)
    app.command("serve")(serve.command)
    app.command("watch")(watch.command)
    app.command("convert", cls=convert.ConvertCommand)(convert.command)
    app.command("validate")(data.validate)
    app.command("split")(data.split)
    app.command("doctor")(doctor.command)
    app.add_typer(gpu.build_app(), name="gpu")
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"maskwright {core.__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Semantic segmentation from labels to a model. Without a command the window opens."""
