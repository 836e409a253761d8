"""Images that people should label: copies that wait in the output folder, then in a project.

A copy is made before the result is logged, so nothing is lost where the image itself is moved on.
An image that a project has, by its path or its content, is marked there and not added again.
A project has one writer: while a window has it open, the copies wait, or the window takes them.
"""

from __future__ import annotations

import contextlib
import filecmp
import time
from pathlib import Path
from typing import Final

from core.project import Project
from core.system.files import make_folder, sha256_file, write_bytes_atomic
from core.watch.kept_pictures import safe_stem
from core.watch.log_rows import ToLabel
from core.watch.watch_log import WatchLog

TO_LABEL: Final = "to_label"
_WATCHED: Final = "watched"


class LabelQueue:
    """The folder ``to_label`` of an output folder.

    Args:
        out: the output folder.
        log: where the images are noted, and in which folder they arrived.
        watched: that folder; only who puts images needs it.
    """

    def __init__(self, out: Path, log: WatchLog, watched: Path | None = None) -> None:
        self._folder = out / TO_LABEL
        self._log = log
        self._watched = None if watched is None else str(watched.absolute())

    def put(self, path: str, content: str, data: bytes) -> str:
        """Keep a copy of an image; the same call again changes nothing.

        Args:
            path: of the image below the watched folder.
            content: its hash.
            data: its bytes.

        Returns:
            The name of the copy.
        """
        if self._log.setting(_WATCHED) != self._watched:
            self._log.write_settings({_WATCHED: self._watched})
        name = f"{safe_stem(path)}-{content[:8]}.{path.rpartition('.')[2]}"
        file = make_folder(self._folder) / name
        if not file.is_file() or file.stat().st_size != len(data):
            write_bytes_atomic(file, data)
        return name

    def waiting(self) -> list[ToLabel]:
        """Return what waits; what people took out of the folder themselves does not any more."""
        if not self._folder.is_dir():  # none yet, or its disk is away
            return self._log.to_label()
        waiting: list[ToLabel] = []
        taken: list[ToLabel] = []
        for one in self._log.to_label():
            (waiting if (self._folder / one.file).is_file() else taken).append(one)
        if taken:
            self._log.mark_delivered([one.id for one in taken], when=time.time())
        return waiting

    def deliver(self, project: Project) -> int:
        """Move what waits into a project that is open for writing; returns how many images.

        They become unlabelled images in no subset, marked, with the reason as their comment. What
        is in the project already, under another path or by a delivery that was killed, is not added
        again, and neither are copies of each other; they are marked all the same.

        Raises:
            InputError: the project cannot be written to, or its disk is full.
        """
        waiting = self.waiting()
        if not waiting:
            return 0
        files = {one.id: self._folder / one.file for one in waiting}
        known = {one.id: self._known(project, one) for one in waiting}
        unknown = [id_ for id_, image_id in known.items() if image_id is None]
        contents = {id_: sha256_file(files[id_]) for id_ in unknown}
        first = {contents[id_]: files[id_] for id_ in reversed(unknown)}
        if first:
            project.add_images(dict.fromkeys(first[contents[id_]] for id_ in unknown), copy=True)
            added = {content: project.find_image(file) for content, file in first.items()}
            known |= {id_: added[contents[id_]] for id_ in unknown}
            project.remember_contents(id_ for id_ in added.values() if id_ is not None)
        delivered: list[int] = []
        for one in waiting:
            image_id = known[one.id]
            if image_id is None:  # its copy failed; the next delivery tries again
                continue
            if not project.image(image_id).comment:
                project.set_comment(image_id, "; ".join(one.why))
            project.set_flagged([image_id], True)
            delivered.append(one.id)
        self._log.mark_delivered(delivered, when=time.time())
        for id_ in delivered:
            if not files[id_].is_relative_to(project.folder):  # else it is used where it lies
                files[id_].unlink(missing_ok=True)
        return len(delivered)

    def _known(self, project: Project, one: ToLabel) -> int | None:
        """Return the id of the image if the project has the very file that was judged."""
        watched, copy = self._log.setting(_WATCHED), self._folder / one.file
        image_id = None
        if isinstance(watched, str):
            image_id = project.find_image(Path(watched) / one.path)
        if image_id is not None:
            with contextlib.suppress(OSError):  # another one may have come by its name since
                if filecmp.cmp(project.image(image_id).path, copy, shallow=False):
                    return image_id
        return project.find_same(copy, name=one.path.rpartition("/")[2])

    def remove_leftovers(self) -> None:
        """Delete what a killed program left half-written."""
        for file in self._folder.glob(".tmp-*"):
            file.unlink(missing_ok=True)


def deliver_to_project(out: Path, project: Project) -> int:
    """Take the images that a watcher has chosen into an open project; it may go on meanwhile.

    Args:
        out: the watcher's output folder.
        project: open for writing.

    Returns:
        How many images were added.

    Raises:
        InputError: nothing was watched there, or the project cannot be written to.
    """
    with WatchLog(out) as log:
        return LabelQueue(out, log).deliver(project)
