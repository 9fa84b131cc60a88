"""Conditions as data (docs/formats/workflow-spec.md), and the user-written ones among them.

An exact type check decides what the scheduler evaluates itself; a subclass of a built-in condition
is the user's own. The user-written leaves of a rule are numbered depth-first from 0: that number is
how a condition host finds the one it is asked about (docs/formats/host-protocol.md).
"""

from typing import Any, Dict, Iterator, List, Optional, Tuple

from ai_flow.model.condition import Condition
from ai_flow.model.internal.conditions import (
    MeetAllCondition,
    MeetAnyCondition,
    SingleEventCondition,
    TaskStatusAllMetCondition,
    TaskStatusCondition,
)
from ai_flow.model.status import ANNOUNCED_TASK_STATUSES, TaskStatus

MAX_CONDITION_DEPTH = 32
MAX_EVENT_KEY_BYTES = 1024
MAX_EVENT_KEYS = 1000

_SETS = (set, frozenset)
_LEAVES = (SingleEventCondition, TaskStatusCondition)
_COMPOSITES = (MeetAllCondition, MeetAnyCondition, TaskStatusAllMetCondition)


def is_custom(condition: Any) -> bool:
    return isinstance(condition, Condition) and type(condition) not in _LEAVES + _COMPOSITES


def _parts(condition: Any) -> List[Any]:
    """The conditions that a built-in one is made of, in the order in which they are numbered."""
    if type(condition) is TaskStatusAllMetCondition:
        return list(condition.condition_list)
    if type(condition) in _COMPOSITES:
        return list(condition.conditions)
    return []


def custom_leaves(condition: Any) -> Iterator[Condition]:
    """The user-written conditions, in depth-first order. What they are made of is their own."""
    if is_custom(condition):
        yield condition
    for part in _parts(condition):
        yield from custom_leaves(part)


def condition_spec(
    condition: Any, own_workflow: Optional[Tuple[str, str]], depth: int = 1
) -> Dict[str, Any]:
    """The condition as data; ValueError when it is impossible. `own_workflow` is namespace and name
    of the workflow whose task the rule belongs to; None: it is a trigger's."""
    if depth > MAX_CONDITION_DEPTH:
        raise ValueError(f"conditions are nested deeper than {MAX_CONDITION_DEPTH}")
    kind = type(condition)
    if is_custom(condition):
        return _custom(condition)
    if kind is SingleEventCondition:
        return _event(condition)
    if kind is TaskStatusCondition:
        return _task_status(condition)
    if kind not in _COMPOSITES:
        raise ValueError(f"{condition!r} is not a Condition")
    parts = _parts(condition)
    if not parts:
        raise ValueError(f"{kind.__name__} without conditions can never be met")
    spec: Dict[str, Any] = {"type": "any_of"}
    if kind is MeetAllCondition:
        if not isinstance(condition.name, str) or not condition.name:
            raise ValueError("MeetAllCondition needs a name, unique within the workflow")
        spec = {"type": "all_of", "name": condition.name}
    elif kind is TaskStatusAllMetCondition:
        _check_join(parts, own_workflow)
        spec = {"type": "all_task_status"}
    spec["conditions"] = [condition_spec(part, own_workflow, depth + 1) for part in parts]
    return spec


def _check_join(parts: List[Any], own_workflow: Optional[Tuple[str, str]]) -> None:
    if own_workflow is None:
        raise ValueError(
            "TaskStatusAllMetCondition compares the tasks of one execution, and a trigger has "
            "none; use MeetAllCondition over TaskStatusConditions"
        )
    for part in parts:
        if type(part) is not TaskStatusCondition:
            raise ValueError("TaskStatusAllMetCondition takes TaskStatusConditions only")
        if (part.namespace, part.workflow_name) != own_workflow:
            raise ValueError(
                "TaskStatusAllMetCondition takes tasks of its own workflow only; use "
                "MeetAllCondition to include those of another"
            )


def _event(condition: SingleEventCondition) -> Dict[str, Any]:
    spec: Dict[str, Any] = {"type": "event", "key": _event_key(condition.expect_event_keys[0])}
    if condition.scope is not None:
        spec["scope"] = condition.scope
    if condition.filters:
        spec["filters"] = [filter.spec() for filter in condition.filters]
    return spec


def _custom(condition: Condition) -> Dict[str, Any]:
    name = type(condition).__name__
    keys = getattr(condition, "expect_event_keys", None)
    if not isinstance(keys, (list, tuple) + _SETS):
        raise ValueError(
            f"{name} has no list of event keys; call super().__init__(expect_event_keys) in its "
            f"__init__"
        )
    if not keys:
        raise ValueError(f"{name} expects no event, so that it can never be met")
    checked = [_event_key(key) for key in keys]
    # A set has another order in each process.
    event_keys = list(dict.fromkeys(sorted(checked) if isinstance(keys, _SETS) else checked))
    if len(event_keys) > MAX_EVENT_KEYS:
        raise ValueError(
            f"{name} expects {len(event_keys)} event keys, the limit is {MAX_EVENT_KEYS}"
        )
    return {"type": "custom", "name": name, "event_keys": event_keys}


def _event_key(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise ValueError(f"event key must be a string that is not empty, not {key!r}")
    size = len(key.encode("utf-8", "surrogatepass"))
    if size > MAX_EVENT_KEY_BYTES:
        raise ValueError(
            f"event key {key[:40]!r}... has {size} bytes, the limit is {MAX_EVENT_KEY_BYTES}"
        )
    return key


def _task_status(condition: TaskStatusCondition) -> Dict[str, Any]:
    status: Optional[TaskStatus]
    try:
        status = TaskStatus(condition.expect_status)
    except ValueError:
        status = None
    if status not in ANNOUNCED_TASK_STATUSES:
        allowed = ", ".join(sorted(s.value for s in ANNOUNCED_TASK_STATUSES))
        raise ValueError(
            f"status {condition.expect_status!r} cannot be waited for; one of {allowed}"
        )
    assert status is not None
    return {
        "type": "task_status",
        "namespace": condition.namespace,
        "workflow": condition.workflow_name,
        "task": condition.task_name,
        "status": status.value,
    }
