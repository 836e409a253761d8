"""``--data``: a folder in SEG layout, or a project whose images are frozen for the job."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.cli.console import err, existing_folder
from core.cli.job_runner import count_progress
from core.data.dataset_statistics import DatasetStatistics
from core.data.validation import validate_folder
from core.datasets import Subset, find_list, list_file, read_list
from core.project import Project, Revision, is_project
from core.system.errors import InputError
from core.system.installation import program_name


@dataclass(frozen=True, slots=True)
class DataSource:
    """A data set to read: ``folder`` is in SEG layout; a project's is temporary."""

    folder: Path
    revision: Revision | None = None

    def place(self, target: Path) -> Path:
        """Return where a job reads it: a project's images are listed in ``target``."""
        return self.folder if self.revision is None else target

    def count(self, subset: Subset) -> int:
        """Return how many images a subset's list names; faulty lines are not counted."""
        file = find_list(self.folder, subset)
        return len(read_list(file, self.folder).items) if file.is_file() else 0

    def write(self, target: Path) -> None:
        """Write a project's lists to ``target``; a folder stays where it is."""
        if self.revision is not None:
            self.revision.write_data_folder(target)


@contextlib.contextmanager
def open_data(path: Path, *, needed: Sequence[Subset]) -> Iterator[DataSource]:
    """Open what ``--data`` names.

    Raises:
        InputError: no such folder, or a project without labelled images in a ``needed`` subset.
    """
    folder = existing_folder(path, option="--data")
    if not is_project(folder):
        yield DataSource(folder)
        return
    with Project.open(folder, read_only=True) as project:
        revision = project.create_revision(needed=needed)
    with tempfile.TemporaryDirectory(prefix="maskwright-") as temporary:
        lists = revision.write_data_folder(Path(temporary) / "dataset")
        yield DataSource(lists, revision)


def check_data(source: DataSource, *, needed: Sequence[Subset]) -> DatasetStatistics:
    """Look at every image and mask and return the statistics; warnings go to stderr.

    Raises:
        InputError: the first thing that makes training impossible.
    """
    with count_progress("checking the data") as update:
        report = validate_folder(source.folder, progress=update)
    errors = [finding for finding in report.findings if finding.severity == "error"]
    if errors:
        more = len(errors) - 1
        if not more:
            raise InputError("{problem}", problem=str(errors[0].message))
        raise InputError(
            "{problem} ({more} more; {program} validate {folder} shows all).",
            problem=str(errors[0].message).rstrip("."),
            more=more,
            folder=source.folder,
            program=program_name(),
        )
    for subset in needed:
        if not report.statistics.images.get(subset):
            raise InputError(
                "{file} does not exist or is empty; divide the data with {program} split {folder}.",
                file=list_file(source.folder, subset),
                folder=source.folder,
                program=program_name(),
            )
    warnings = [finding for finding in report.findings if finding.severity == "warning"]
    for finding in warnings[:5]:
        err().print(f"warning: {finding.message}", markup=False)
    if len(warnings) > 5:
        err().print(f"warning: {len(warnings) - 5} more; {program_name()} validate shows all")
    return report.statistics
