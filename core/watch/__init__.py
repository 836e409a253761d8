"""A folder that is watched: what arrives is judged once, logged, counted and shown.

``Watcher`` does it; ``WatchLog`` answers questions about it, in other processes too.
"""

from core.watch.reports import DayCounts, Judged, Notice, WatchStatus
from core.watch.watch_log import WatchLog
from core.watch.watch_settings import WatchSettings
from core.watch.watcher import Watcher

__all__ = [
    "DayCounts",
    "Judged",
    "Notice",
    "WatchLog",
    "WatchSettings",
    "WatchStatus",
    "Watcher",
]
