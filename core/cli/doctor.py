"""``doctor``: does this machine have what the program needs?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.environment import EXIT_BAD_INPUT
from core.cli.shared_options import JsonOption
from core.system.errors import InputError

if TYPE_CHECKING:
    from core.system.doctor.check import Check

_SIGNS = {"ok": "[green]ok[/]", "info": "[blue]--[/]", "warning": "[yellow]! [/]"}


def command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Also write a diagnostic bundle: a zip of logs, settings, versions and these "
            "findings, without images, masks, weights or tokens.",
        ),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            "--project",
            metavar="DIR",
            help="With --out: a project, whose last runs go into the bundle.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check this machine, with a way out for every problem; exit code 2 if something is missing."""
    from core.cli import console
    from core.project.project_folder import require_project
    from core.system.doctor.diagnosis import examine
    from core.system.files import make_folder

    if project is not None and out is None:
        raise InputError("--project goes with --out, the bundle that it adds runs to.")
    if project is not None:  # before the doctor, who takes some seconds
        require_project(project.absolute())
    if out is not None:
        make_folder(out.absolute().parent)
    printer = console.err() if json else console.out()
    checks = []
    for check in examine():
        checks.append(check)
        sign = _SIGNS.get(check.severity, "[red]X [/]")
        printer.print(f"{sign} [bold]{check.name:<16}[/]", end="")
        printer.print(str(check.detail), markup=False)
        for step in check.fix:
            printer.print(f"                    {step}", markup=False)
    bundle = None if out is None else _write_bundle(out, project, checks)
    broken = [check.name for check in checks if check.severity == "error"]
    if json:
        found = {"ok": not broken, "checks": [check.as_json() for check in checks]}
        console.print_json(found if bundle is None else {**found, "bundle": str(bundle)})
        if broken:
            raise typer.Exit(EXIT_BAD_INPUT)
        return
    printer.print(
        f"\nTo be put right: {', '.join(broken)}." if broken else "\nEverything needed is here."
    )
    if bundle is not None:
        printer.print(f"Diagnostic bundle: {bundle}", markup=False)
    if broken:
        raise typer.Exit(EXIT_BAD_INPUT)


def _write_bundle(target: Path, project: Path | None, checks: Sequence[Check]) -> Path:
    from contextlib import ExitStack

    from core.cli.console import log_file
    from core.project import Project
    from core.report.diagnostic_bundle import Sources, write_bundle
    from core.system.folders import user_settings_folder

    settings = user_settings_folder() / "settings.json"
    with ExitStack() as stack:
        opened = None
        if project is not None:
            opened = stack.enter_context(Project.open(project, read_only=True))
        write_bundle(target, Sources(log_file().parent, settings, opened), checks)
    return target.absolute()
