"""Parameters of workflows: what an execution is started with."""

import json
import math
import re
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from ai_flow.common.exception.exceptions import AIFlowException

# docs/formats/workflow-spec.md
PARAM_TYPES = ("string", "integer", "number", "boolean", "json")
EVENT_FIELDS = ("key", "value", "context", "sender", "offset", "create_time")
MAX_PARAMS = 200

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "json",
    list: "json",
    object: "json",
}


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


#: The default of a parameter that has none: it must be given with each start.
REQUIRED = _Required()


class Param:
    """One parameter: `Workflow("daily", params={"day": Param(str, description="ISO date")})`.

    `type` is `str`, `int`, `float`, `bool`, or `dict`, `list` or `object` for any JSON value; the
    names "string", "integer", "number", "boolean" and "json" say the same. Without a default, every
    start has to give a value. `name` is only for parameters that are given as a list.
    """

    def __init__(
        self,
        type: Any = str,
        default: Any = REQUIRED,
        description: str = "",
        name: Optional[str] = None,
    ):
        try:
            found = type if type in PARAM_TYPES else _TYPES[type]
        except (KeyError, TypeError):
            raise AIFlowException(
                f"parameter type {type!r} is not known; one of str, int, float, bool, dict, list, "
                f"object"
            ) from None
        if not isinstance(description, str):
            raise AIFlowException(
                f"the description of a parameter must be a string: {description!r}"
            )
        if default is not REQUIRED:
            check_param_value("the default of a parameter", found, default)
        self.type: str = found
        self.default = default
        self.description = description
        self.name = name

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


class EventField:
    """A parameter's value in a trigger: taken from the event that starts the execution.

    `EventField("value")` is the event's value as text; with a JSON Pointer, the member of the field
    read as JSON: `EventField("context", "/rows/0")`.
    """

    def __init__(self, field: str = "value", pointer: Optional[str] = None):
        if field not in EVENT_FIELDS:
            raise AIFlowException(
                f"events have no field {field!r}; one of {', '.join(EVENT_FIELDS)}"
            )
        if pointer is not None:
            check_pointer(pointer)
            if field not in ("value", "context"):
                raise AIFlowException(f"a JSON Pointer leads into value or context, not {field}")
        self.field = field
        self.pointer = pointer


def check_pointer(pointer: object) -> str:
    """A JSON Pointer (RFC 6901): empty, or `/` and names."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise AIFlowException(f"{pointer!r} is no JSON Pointer; these begin with '/', as '/rows/0'")
    if re.search(r"~(?![01])", pointer):
        raise AIFlowException(
            f"{pointer!r} is no JSON Pointer: '~' is followed by 0 (for '~') or 1 (for '/')"
        )
    return pointer


def check_json(what: str, value: Any) -> Any:
    """`value` as JSON would return it; AIFlowException when it is no JSON value."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise AIFlowException(f"{what} is no JSON value: {value!r:.60} ({error})") from None


def check_param_value(what: str, type: str, value: Any) -> Any:
    """`value` as JSON would return it; AIFlowException when it is not of the type."""
    if type == "json":
        return check_json(what, value)
    if type == "string":
        fits = isinstance(value, str)
    elif type == "boolean":
        fits = isinstance(value, bool)
    elif isinstance(value, bool):
        fits = False
    elif type == "integer":
        # What the server reads as an integer.
        fits = isinstance(value, int) and -(1 << 63) <= value < 1 << 63
    else:
        fits = isinstance(value, (int, float)) and math.isfinite(value)
    if not fits:
        raise AIFlowException(f"{what} must be of type {type}, not {value!r:.60}")
    return value


def inferred(value: Any) -> Param:
    """The parameter that `params={"n": 3}` means: of the type of its default."""
    if isinstance(value, Param):
        return value
    for kind in (bool, int, float, str):
        if type(value) is kind:
            return Param(kind, value)
    return Param(object, value)


def normalized(params: Union[Mapping[str, Any], Sequence[Param], None]) -> Dict[str, Param]:
    """Name -> parameter, in order; AIFlowException when names or values are impossible."""
    named: Dict[str, Param] = {}
    if params is None:
        return named
    if isinstance(params, Mapping):
        items = [(name, value) for name, value in params.items()]
    elif isinstance(params, (list, tuple)) and all(isinstance(p, Param) for p in params):
        items = [(param.name, param) for param in params]
    else:
        raise AIFlowException(
            "params must be a dict of names to defaults or Params, or a list of Params with names"
        )
    if len(items) > MAX_PARAMS:
        raise AIFlowException(f"{len(items)} parameters are over the limit of {MAX_PARAMS}")
    seen: Dict[str, str] = {}
    for name, value in items:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise AIFlowException(
                f"parameter name {name!r} must be letters (A-Z), digits and '_', beginning with no "
                f"digit"
            )
        other = seen.setdefault(name.upper(), name)
        if other != name or name in named:
            raise AIFlowException(
                f"parameters {other!r} and {name!r} would be the same environment variable "
                f"AIFLOW_PARAM_{name.upper()}"
            )
        try:
            named[name] = inferred(value)
        except AIFlowException as error:
            raise AIFlowException(f"parameter {name!r}: {error}") from None
    return named


def trigger_params(params: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """The mapping of a trigger as data: name -> {"value": ...} or {"field": ..., "pointer":
    ...}."""
    mapped: Dict[str, Any] = {}
    if params is not None and not isinstance(params, Mapping):
        raise AIFlowException("params of a WorkflowRule must be a dict of names to values")
    for name, value in (params or {}).items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise AIFlowException(f"parameter name {name!r} is impossible")
        if isinstance(value, EventField):
            mapped[name] = {"field": value.field}
            if value.pointer is not None:
                mapped[name]["pointer"] = value.pointer
        elif isinstance(value, Param):
            raise AIFlowException(
                f"parameter {name!r}: a WorkflowRule gives values or EventFields; Params belong to "
                f"the workflow"
            )
        else:
            mapped[name] = {"value": check_json(f"parameter {name!r}", value)}
    return mapped


__all__: List[str] = ["REQUIRED", "EventField", "Param"]
