"""``convert``: annotations from one format to another."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperOption

from core.cli.shared_options import JsonOption

if TYPE_CHECKING:
    from core.data.formats import ImportResult
    from core.data.formats.format import Crowd
    from core.system.errors import InputError

_SHOWN = 10  # of what could not be carried over; --json has all


class ConvertCommand(TyperCommand):
    """Names the formats in its help, and only for it loads the modules that read them."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Put the keys of the formats into the texts of the options."""
        from core.data.formats.registry import READABLE, WRITABLE

        writable = [one.key for one in WRITABLE]
        keys = {
            "writable": _listed(writable),
            "only_readable": _listed([one.key for one in READABLE if one.key not in writable]),
        }
        for option in self.params:
            if isinstance(option, TyperOption) and option.help:
                option.help = option.help.format(**keys)
        super().format_help(ctx, formatter)


def _listed(keys: list[str]) -> str:
    return " or ".join([", ".join(keys[:-1]), keys[-1]] if len(keys) > 1 else keys)


def command(
    source: Annotated[
        Path,
        typer.Argument(metavar="SRC", help="Folder, annotation file, or project."),
    ],
    target: Annotated[Path, typer.Argument(metavar="DST", help="New or empty folder.")],
    to_format: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="{writable}.",
        ),
    ],
    from_format: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FORMAT",
            help="The same, or {only_readable}; recognised by itself if left out.",
        ),
    ] = None,
    crowd: Annotated[
        Literal["ignore", "class"] | None,
        typer.Option(
            "--crowd",
            help="COCO only: whether pixels of a crowd (iscrowd) are ignored, which is the default,"
            " or of its class.",
        ),
    ] = None,
    colors: Annotated[
        Path | None,
        typer.Option(
            "--colors",
            metavar="FILE",
            help="Masks in colours only: a file that names the class of each colour, such as"
            " crack:255,0,0 on each line; __ignore__ is for ignored pixels. A labelmap.txt in SRC"
            " says it without this.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Convert images with annotations; what cannot be carried over is listed."""
    import tempfile

    from core.cli.console import err, one_line, out, print_json
    from core.data.formats import registry
    from core.data.formats.writing import free_folder
    from core.system.files import require_writable

    if to_format not in {one.key for one in registry.WRITABLE}:
        raise registry.unknown_format(to_format, registry.WRITABLE)
    require_writable(free_folder(target).parent)
    with (
        tempfile.TemporaryDirectory(prefix="maskwright-") as scratch,
        _open(source, from_format, Path(scratch), crowd, colors) as (name, result),
    ):
        written = registry.write(to_format, result, target)
        problems = [*result.report.messages, *written.messages]
    lost = [one_line(str(problem)) for problem in problems]
    if json:
        data = {"from": name, "to": to_format, "folder": target.absolute(), "lost": lost}
        print_json({**data, "labels": result.labels})
        return
    for text in lost[:_SHOWN]:
        err().print(f"warning: {text}", markup=False)
    if len(lost) > _SHOWN:
        err().print(f"warning: {len(lost) - _SHOWN} more; --json has all")
    out().print(f"{name} → {to_format}: {target}", markup=False)


@contextlib.contextmanager
def _open(
    source: Path,
    from_format: str | None,
    scratch: Path,
    crowd: Crowd | None,
    colors: Path | None,
) -> Iterator[tuple[str, ImportResult]]:
    """Read a folder or file, or open a project, whose masks are read while it is open.

    Raises:
        InputError: nothing there, or nothing with masks.
    """
    from core.data.formats import registry
    from core.data.formats.color_tables import read_color_table
    from core.data.formats.detection import IMAGES_ONLY, detect_format
    from core.data.formats.format import ReadOptions
    from core.project import Project, is_project
    from core.system.errors import InputError

    if from_format is None and is_project(source):
        if crowd is not None:
            raise _no_crowds("project")
        if colors is not None:
            raise _no_colors("project")
        with Project.open(source, read_only=True) as project:
            yield "project", project.labelled_dataset()
        return
    name = from_format or detect_format(source)
    if name == IMAGES_ONLY:
        raise InputError(
            "{folder} holds no annotations in a known format; name it with --from.", folder=source
        )
    known = registry.FORMATS.get(name)
    if crowd is not None and (known is None or "crowd" not in known.options):
        raise _no_crowds(name)
    if colors is not None and (known is None or "colors" not in known.options):
        raise _no_colors(name)
    table = None if colors is None else read_color_table(colors)
    options = ReadOptions(extract_to=scratch, crowd=crowd or "ignore", colors=table)
    yield name, registry.read(name, source, options)


def _no_crowds(name: str) -> InputError:
    from core.system.errors import InputError

    return InputError("--crowd is for COCO; {name} has no crowds.", name=name)


def _no_colors(name: str) -> InputError:
    from core.system.errors import InputError

    return InputError("--colors is for masks in colours; {name} has none.", name=name)
