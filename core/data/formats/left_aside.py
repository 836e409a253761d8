"""What no reader of a folder looks at, and what reading it had to assume, as remarks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from core.data.formats.conversion_report import ConversionReport
from core.data.formats.image_index import leads_nowhere
from core.images.io import IMAGE_SUFFIXES, UNREAD_SUFFIXES
from core.system.files import encoding_remark
from core.system.folders import walk_visible
from core.system.messages import message


def note_left_aside(
    source: Path, report: ConversionReport, *, check: Callable[[], object] | None = None
) -> None:
    """Note pictures in formats that are not read, and links that are not followed.

    Args:
        source: what was read; a single file says nothing of others.
        report: told.
        check: called once a folder; what it raises ends the search.
    """
    if not source.is_dir():
        return

    def skipped(link: Path) -> None:
        report.alike(
            "left out",
            message(
                "{count} links lead out of the chosen folder and are not followed (the first is"
                " {file})."
            ),
            link,
        )

    unread: dict[str, list[Path]] = {}
    for place, _, names in walk_visible(source, check=check, on_skipped_link=skipped):
        for name in names:
            suffix = Path(name).suffix.lower()
            if suffix in IMAGE_SUFFIXES and leads_nowhere(place / name):
                report.alike(
                    "left out",
                    message(
                        "{count} {count:image is a link to a file that does|images are links to "
                        "files that do} not exist (the first is {file})."
                    ),
                    place / name,
                )
            if suffix in UNREAD_SUFFIXES:
                unread.setdefault(suffix, []).append(place / name)
    for suffix, files in sorted(unread.items()):
        report.left_out(
            message(
                "{count} {count:file|files} of the type {suffix} {count:is|are} not read; save "
                "them as PNG or JPEG (the first is {file}).",
                count=len(files),
                suffix=suffix,
                file=min(files),
            )
        )


def note_encodings(encodings: Mapping[Path, str], report: ConversionReport) -> None:
    """Note the text files whose encoding was assumed."""
    for file, encoding in encodings.items():
        report.assumed(encoding_remark(file, encoding))
