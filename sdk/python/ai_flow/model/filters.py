"""Filters: what a rule demands of an event besides its key. The scheduler applies them itself.

SingleEventCondition("loss", value=between(0, 0.1))
SingleEventCondition("model_ready", context={"/model/name": one_of("a", "b"), "/final": True})
"""

import json
import math
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ai_flow.common.exception.exceptions import ArgumentTypeError, ArgumentValueError
from ai_flow.model.param import check_json, check_pointer

# docs/formats/workflow-spec.md
MAX_FILTERS = 32
MAX_FILTER_VALUES = 1000
SCOPES = ("any", "execution", "namespace")


class EventFilter:
    """One demand on one value; made by `equals`, `one_of` and `between`. Immutable."""

    def __init__(
        self,
        one_of: Tuple[Any, ...] = (),
        min: Optional[float] = None,
        max: Optional[float] = None,
    ):
        self.one_of = one_of
        self.min = min
        self.max = max

    def accepts(self, value: Any) -> bool:
        """Whether a JSON value meets it."""
        if self.one_of and not any(_equal(wanted, value) for wanted in self.one_of):
            return False
        if self.min is None and self.max is None:
            return True
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def accepts_text(self, text: str) -> bool:
        """Whether a whole text meets it: as itself, or as the number that it reads as."""
        number = _parsed(text)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            return self.accepts(text)
        if self.min is None and self.max is None:
            return self.accepts(text) or self.accepts(number)
        in_range = EventFilter(min=self.min, max=self.max).accepts(number)
        equal = EventFilter(one_of=self.one_of)
        return in_range and (equal.accepts(text) or equal.accepts(number))


def equals(value: Any) -> EventFilter:
    """The value is this one."""
    return EventFilter((check_json("the value of a filter", value),))


def one_of(*values: Any) -> EventFilter:
    """The value is one of these; a single list may be given too."""
    if len(values) == 1 and isinstance(values[0], (list, tuple, set, frozenset)):
        values = tuple(values[0])
    if not 1 <= len(values) <= MAX_FILTER_VALUES:
        raise ArgumentValueError(f"one_of takes 1 to {MAX_FILTER_VALUES} values, not {len(values)}")
    return EventFilter(tuple(check_json("a value of a filter", value) for value in values))


def between(low: Optional[float] = None, high: Optional[float] = None) -> EventFilter:
    """The value is a number from `low` to `high`, both included; None leaves a side open."""
    for bound in (low, high):
        if bound is None:
            continue
        if isinstance(bound, bool) or not isinstance(bound, (int, float)):
            raise ArgumentTypeError(f"between takes numbers, not {bound!r}")
        if not math.isfinite(bound):
            raise ArgumentValueError(
                f"between takes finite numbers, not {bound!r}; None leaves it open"
            )
    if low is None and high is None:
        raise ArgumentValueError("between needs a bound, as between=(0, 10) or (None, 10)")
    if low is not None and high is not None and low > high:
        raise ArgumentValueError(
            f"between {low!r} and {high!r} is no number, so that it can never be met; the lower "
            f"bound comes first"
        )
    return EventFilter(min=low, max=high)


class FieldFilter:
    """A filter and where it looks: a field of the event, or with a pointer a value inside it."""

    def __init__(self, field: str, pointer: Optional[str], filter: EventFilter):
        self.field = field
        self.pointer = pointer
        self.filter = filter

    def accepts(self, event: Any) -> bool:
        text = getattr(event, self.field) or ""
        if self.pointer is None:
            return self.filter.accepts_text(text)
        found = _resolve(_parsed(text), self.pointer)
        return found is not _MISSING and self.filter.accepts(found)

    def spec(self) -> Dict[str, Any]:
        spec: Dict[str, Any] = {"field": self.field}
        if self.pointer is not None:
            spec["pointer"] = self.pointer
        if len(self.filter.one_of) == 1:
            spec["equals"] = self.filter.one_of[0]
        elif self.filter.one_of:
            spec["one_of"] = list(self.filter.one_of)
        for name in ("min", "max"):
            bound = getattr(self.filter, name)
            if bound is not None:
                spec[name] = bound
        return spec


def field_filters(
    value: Any = None,
    one_of_values: Any = None,
    between_bounds: Any = None,
    context: Any = None,
    sender: Any = None,
) -> List[FieldFilter]:
    """The filters that the keyword arguments of SingleEventCondition mean."""
    filters: List[FieldFilter] = []
    if isinstance(value, Mapping):
        filters += _pointers("value", value)
    elif value is not None:
        filters.append(FieldFilter("value", None, _text_filter("value", value)))
    if one_of_values is not None:
        if isinstance(one_of_values, (str, bytes)) or not hasattr(one_of_values, "__iter__"):
            raise ArgumentTypeError(f"one_of must be a list of values, not {one_of_values!r}")
        wanted = one_of(list(one_of_values))
        filters.append(FieldFilter("value", None, _text_filter("one_of", wanted)))
    if between_bounds is not None:
        if not isinstance(between_bounds, (list, tuple)) or len(between_bounds) != 2:
            raise ArgumentTypeError(f"between must be a pair (low, high), not {between_bounds!r}")
        filters.append(FieldFilter("value", None, between(*between_bounds)))
    if isinstance(context, Mapping):
        filters += _pointers("context", context)
    elif context is not None:
        raise ArgumentTypeError(
            f"context must be a dict of JSON Pointers to values or filters, not {context!r}"
        )
    if sender is not None:
        filters.append(FieldFilter("sender", None, _text_filter("sender", sender)))
    if len(filters) > MAX_FILTERS:
        raise ArgumentValueError(f"{len(filters)} filters are over the limit of {MAX_FILTERS}")
    return filters


def check_scope(scope: Any) -> Optional[str]:
    if scope is not None and scope not in SCOPES:
        raise ArgumentValueError(f"scope must be one of {', '.join(SCOPES)}, not {scope!r}")
    return None if scope == "any" else scope


def _pointers(field: str, wanted: Mapping[Any, Any]) -> List[FieldFilter]:
    return [
        FieldFilter(
            field,
            check_pointer(pointer),
            value if isinstance(value, EventFilter) else equals(value),
        )
        for pointer, value in wanted.items()
    ]


def _text_filter(what: str, value: Any) -> EventFilter:
    """A whole field is text: only text and numbers can be equal to it."""
    found = value if isinstance(value, EventFilter) else equals(value)
    for wanted in found.one_of:
        if isinstance(wanted, bool) or not isinstance(wanted, (str, int, float)):
            raise ArgumentTypeError(
                f"{what} of an event is text, which is never equal to {wanted!r}; write it as a "
                f"string, or give JSON Pointers into it, as value={{'/member': {wanted!r}}}"
            )
    return found


_MISSING = object()


def _no_constant(text: str) -> None:
    raise ValueError(text)


def _parsed(text: str) -> Any:
    """The text read as strict JSON."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return _MISSING


def _resolve(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(token, _MISSING)
        elif isinstance(value, list) and token.isascii() and token.isdigit():
            index = int(token) if len(token) <= 9 else len(value)
            value = value[index] if index < len(value) else _MISSING
        else:
            return _MISSING
    return value


def _equal(one: Any, other: Any) -> bool:
    """As JSON compares: 1 is 1.0, and True is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[k], other[k]) for k in one)
    return bool(one == other)


__all__ = ["EventFilter", "between", "equals", "one_of"]
