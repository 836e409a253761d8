"""``doctor``: does this machine have what the program needs?"""

from __future__ import annotations

import typer

from core.cli.environment import EXIT_BAD_INPUT
from core.cli.shared_options import JsonOption

_SIGNS = {"ok": "[green]ok[/]", "info": "[blue]--[/]", "warning": "[yellow]! [/]"}


def command(json: JsonOption = False) -> None:
    """Check this machine, with a way out for every problem; exit code 2 if something is missing."""
    from core.cli.console import err, out, print_json
    from core.system.doctor.diagnosis import examine

    console = err() if json else out()
    checks = []
    for check in examine():
        checks.append(check)
        sign = _SIGNS.get(check.severity, "[red]X [/]")
        console.print(f"{sign} [bold]{check.name:<16}[/]", end="")
        console.print(str(check.detail), markup=False)
        for step in check.fix:
            console.print(f"                    {step}", markup=False)
    broken = [check.name for check in checks if check.severity == "error"]
    if json:
        print_json({"ok": not broken, "checks": [check.as_json() for check in checks]})
    elif broken:
        console.print(f"\nTo be put right: {', '.join(broken)}.")
    else:
        console.print("\nEverything needed is here.")
    if broken:
        raise typer.Exit(EXIT_BAD_INPUT)
