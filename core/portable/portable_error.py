"""Errors that are the input's fault, worded for the person who gave it."""

from __future__ import annotations

from typing import Any


class PortableError(ValueError):
    """Bad input: one sentence that says what is wrong, in which file, and what to do.

    Args:
        template: English sentence with ``{name}`` places.
        **params: what goes into the places; paths become text.
    """

    def __init__(self, template: str, /, **params: Any) -> None:
        self.template = template
        self.params = {
            name: value if isinstance(value, (int, float, bool)) else str(value)
            for name, value in params.items()
        }
        super().__init__(template.format(**self.params))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.template, self.params))


def _rebuild(cls: type[PortableError], template: str, params: dict[str, Any]) -> PortableError:
    return cls(template, **params)
