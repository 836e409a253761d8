"""What became of things that a format's reader or writer could not carry over as they were."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.system.errors import InputError
from core.system.messages import Message, printable

Outcome = Literal["left out", "assumed", "changed"]
"""Of a thing: not carried over; taken for something that its source does not say; altered."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence of a report; it gives the number where it is about several things."""

    outcome: Outcome
    message: Message


class ConversionReport:
    """Collects a sentence for each thing that was left out, assumed or changed."""

    def __init__(self) -> None:
        self._remarks: list[Remark] = []
        self._alike: dict[tuple[Outcome, str], dict[str, None]] = {}

    @property
    def remarks(self) -> list[Remark]:
        """All that was noted; what was noted alike of many files is one remark, behind the rest."""
        return [
            *self._remarks,
            *(
                Remark(outcome, Message(template, {"count": len(files), "file": next(iter(files))}))
                for (outcome, template), files in self._alike.items()
            ),
        ]

    @property
    def messages(self) -> list[Message]:
        """All sentences, in the order in which they came up."""
        return [remark.message for remark in self.remarks]

    def left_out(self, message: Message) -> None:
        """Note something that is missing from the result."""
        self._remarks.append(Remark("left out", message))

    def assumed(self, message: Message) -> None:
        """Note something that the source leaves open."""
        self._remarks.append(Remark("assumed", message))

    def changed(self, message: Message) -> None:
        """Note something that is otherwise in the result than in the source."""
        self._remarks.append(Remark("changed", message))

    def alike(self, outcome: Outcome, text: Message, file: Path | str) -> None:
        """Note of one file what is true of others, too: all together become one sentence.

        Args:
            outcome: what became of it.
            text: sentence with the places ``{count}``, how many files, and ``{file}``, the first.
            file: the file; noted twice, it counts once.
        """
        self._alike.setdefault((outcome, text.template), {})[printable(str(file))] = None

    @contextlib.contextmanager
    def leaving_out(self) -> Iterator[None]:
        """Note what the block refuses with an ``InputError``, and go on behind the block."""
        try:
            yield
        except InputError as error:
            self.left_out(error.message)

    def require(self, found: Collection[object], otherwise: InputError) -> None:
        """Refuse a source of which nothing is left.

        Raises:
            InputError: ``found`` is empty: the first sentence about what was left out, else
                ``otherwise``.
        """
        if found:
            return
        for remark in self.remarks:
            if remark.outcome == "left out":
                raise InputError(remark.message.template, **remark.message.params)
        raise otherwise
