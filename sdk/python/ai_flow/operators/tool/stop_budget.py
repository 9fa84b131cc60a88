"""How long a stop hook may take, of the time between SIGTERM and SIGKILL of its task."""

import time
from datetime import timedelta
from typing import Any, Dict

# As the server's, docs/authoring-python.md.
DEFAULT_STOP_GRACE_SECONDS = 60.0
# Of the grace period; the rest is for the end of the process.
_SHARE = 0.85


def stop_budget(config: Dict[str, Any]) -> float:
    """Seconds, by the task's option `stop_grace`."""
    grace = config.get("stop_grace", DEFAULT_STOP_GRACE_SECONDS)
    if isinstance(grace, timedelta):
        grace = grace.total_seconds()
    return max(1.0, float(grace) * _SHARE)


def stop_deadline(config: Dict[str, Any]) -> float:
    """The same as a time of time.monotonic."""
    return time.monotonic() + stop_budget(config)
