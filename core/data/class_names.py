"""Whether a data set's classes are those of a model."""

from __future__ import annotations

from collections.abc import Sequence

from core.system.errors import InputError
from core.system.messages import Message, message


def compare_class_names(data: Sequence[str], model: Sequence[str]) -> Message | None:
    """Compare class names of equal number, index by index; letter case does not count.

    Args:
        data: class names of the data.
        model: class names of the model; its bare indices ("0", "1", …) say nothing.

    Returns:
        A warning that names the first class that differs, or None.

    Raises:
        InputError: a class stands at another index, so that every number would be wrong.
    """
    given = [name.strip().casefold() for name in data]
    known = [name.strip().casefold() for name in model]
    if known == given or known == [str(index) for index in range(len(known))]:
        return None
    for index, name in enumerate(given):
        if known[index] != name and name in known:
            raise InputError(
                "The class {name} is number {data} in the data but number {model} in the model, so "
                "every score would be wrong: put labels.txt and the masks in the model's order "
                "({labels}).",
                name=data[index],
                data=index,
                model=known.index(name),
                labels=", ".join(model),
            )
    index = next(index for index, name in enumerate(given) if known[index] != name)
    return message(
        "Class {index} is called {data} in the data and {model} in the model: the scores only mean "
        "something if it is the same class.",
        index=index,
        data=data[index],
        model=model[index],
    )
