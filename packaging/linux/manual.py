"""The manual page, made from what the command line says of itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer

from core.cli.commands import build_app

_HEAD = """\
.TH MASKWRIGHT 1 "{day}" "Maskwright {version}" "User Commands"
.SH NAME
maskwright \\- desktop workbench for semantic segmentation
.SH SYNOPSIS
.B maskwright
.br
.B maskwright
.I COMMAND
[\\fIOPTIONS\\fR]
.SH DESCRIPTION
Without a command the window opens. The commands do the same steps without a window; each explains
itself with
.BR \\-\\-help .
.SH COMMANDS
"""

_TAIL = """\
.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
a bug of ours
.TP
.B 2
bad input; one sentence on standard error says which
.TP
.B 130
stopped by Ctrl-C
.SH ENVIRONMENT
.TP
.B MASKWRIGHT_DEBUG
If set, tracebacks are shown.
.TP
.B MASKWRIGHT_PRETRAINED
Folder with weights to start from.
.SH FILES
.TP
.I project.db
A folder with this file is a project; everything about it is in that folder.
.TP
.I /opt/maskwright/licences/NOTICE.txt
What is installed with Maskwright, and under which licences.
"""


def manual_page(version: str, day: datetime) -> str:
    """Return the manual page in the language of man."""
    commands: dict[str, Any] = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
    parts = [_HEAD.format(day=f"{day:%Y-%m-%d}", version=version)]
    for name, command in commands.items():
        if not command.hidden:
            about = command.get_short_help_str(limit=300)
            parts.append(f".TP\n.B {_escaped(name)}\n{_escaped(about)}\n")
    return "".join([*parts, _TAIL])


def _escaped(text: str) -> str:
    """Escape what man would take for its own."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
