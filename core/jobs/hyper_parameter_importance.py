"""How far hyper-parameters go along with results: the one figure that VisualDL needs pandas for.

Its server is given this instead of its own: 40 MB less in an installation, and a
second less until the page is there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np


def put_in_place() -> None:
    """Let VisualDL find ``shares`` where it looks for its own; before its server is imported."""
    module = ModuleType("visualdl.utils.importance")
    module.__dict__["calc_all_hyper_param_importance"] = shares
    sys.modules[module.__name__] = module


def shares(
    hparams: Sequence[Mapping[str, Any]], metrics: Sequence[Mapping[str, Any]]
) -> list[dict[str, str | float]]:
    """Return each hyper-parameter's share of all correlations with results.

    Args:
        hparams: ``name`` and ``values``, a number or None for each run.
        metrics: likewise.

    Returns:
        ``name`` and ``value`` of each hyper-parameter; the values are 0 or more and their sum is 1,
        or 0 where nothing goes along with anything.
    """
    sums = {str(one["name"]): 0.0 for one in hparams} if metrics else {}
    for metric in metrics:
        for one in hparams:
            sums[str(one["name"])] += correlation(one["values"], metric["values"])
    total = sum(sums.values())
    return [
        {"name": name, "value": value / total if total else 0.0} for name, value in sums.items()
    ]


def correlation(one: Sequence[float | None], other: Sequence[float | None]) -> float:
    """Return Pearson's coefficient without its sign, 0 – 1, of the runs that have both values.

    0 for fewer than three runs, as VisualDL has it, and where one of the two never changes.
    """
    pairs = np.array([one, other], dtype=np.float64)
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    if pairs.shape[1] < 3 or not np.ptp(pairs, axis=1).all():
        return 0.0
    coefficients = np.asarray(np.corrcoef(pairs))
    return float(abs(coefficients[0, 1]))
