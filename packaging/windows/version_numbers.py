"""Windows' four numbers for a version of ours."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

_HIGHEST = 65535
_PRE_RELEASES = {"a": 1000, "b": 2000, "rc": 3000}
_FINAL = 4000


def version_numbers(version: str) -> tuple[int, int, int, int]:
    """Return the numbers that an executable's version resource holds.

    They grow as versions do, which Windows and roll-out tools go by: 0.2.0a1 is 0.2.0.1001,
    0.2.0rc1 is 0.2.0.3001, 0.2.0 is 0.2.0.4000, 0.2.0.post1 is 0.2.0.4001.

    Args:
        version: as in pyproject.toml.

    Returns:
        Four numbers, each 0 … 65535.

    Raises:
        ValueError: it is no version, has more than three numbers, or one that is too large.
    """
    try:
        parsed = Version(version)
    except InvalidVersion as error:
        raise ValueError(f"{version!r} is no version") from error
    release = (*parsed.release, 0, 0)[:3]
    if len(parsed.release) > 3 or parsed.epoch or parsed.local or parsed.dev is not None:
        raise ValueError(f"{version}: a release has at most three numbers, and rc1 or post1")
    last = _FINAL + (parsed.post or 0)
    if parsed.pre is not None:
        if parsed.post is not None:
            raise ValueError(f"{version}: pre-releases have no post-releases")
        last = _PRE_RELEASES[parsed.pre[0]] + parsed.pre[1]
        if parsed.pre[1] >= 1000:
            raise ValueError(f"{version}: too many pre-releases")
    numbers = (release[0], release[1], release[2], last)
    if max(numbers) > _HIGHEST:
        raise ValueError(f"{version}: Windows counts to {_HIGHEST}")
    return numbers
