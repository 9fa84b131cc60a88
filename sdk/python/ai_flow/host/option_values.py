"""Checks of option values. Each raises ValueError with one clause that begins with the option."""

import difflib
import math
from datetime import timedelta
from typing import Any, Iterable, Optional, Sequence

# src/model/limits.h
MAX_DURATION_MS = 3650 * 24 * 3600 * 1000


def milliseconds(name: str, value: Any) -> int:
    """Seconds or a timedelta. What is above zero stays above zero, which mostly means no limit."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ValueError(f"{name} must be seconds, as a number or a timedelta, not {value!r}")
    if value * 1000 > MAX_DURATION_MS:
        raise ValueError(f"{name} of {value!r} seconds is over the limit of 3650 days")
    return max(int(round(value * 1000)), math.ceil(min(value, 1)))


def whole(name: str, value: Any, least: Optional[int] = None, most: Optional[int] = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be a whole number of at most {most}, not {value}")
    return value


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
    return value


def text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a string that is not empty, not {value!r}")
    return value


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def nearest(name: str, known: Iterable[str]) -> Optional[str]:
    """The known option that `name` is most likely a slip of the pen for."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
    return found[0] if found else None
