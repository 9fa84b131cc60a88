"""The conditions that the scheduler evaluates itself. A subclass of one is a condition of its
own."""

import json
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from ai_flow.model.condition import Condition
from ai_flow.model.filters import FieldFilter, check_scope, field_filters
from ai_flow.model.internal.events import STATUS_CHANGED_KEY_PREFIX, status_changed_key
from ai_flow.model.state import ValueState, ValueStateDescriptor
from ai_flow.model.status import TaskStatus

if TYPE_CHECKING:
    from ai_flow.model.context import Context
    from notification_service.model.event import Event


def match_events(event_keys: List[str], event: "Event") -> bool:
    """Whether the event's key is one of `event_keys`."""
    return event.key in event_keys


def _all_keys(conditions: List[Condition]) -> List[str]:
    """Each once, in order; a join may have very many."""
    return list(dict.fromkeys(key for c in conditions for key in c.expect_event_keys))


class SingleEventCondition(Condition):
    """Met by every event with the key, and with what else is asked for.

    `value`: the event's value is this text or number, or meets a filter of `ai_flow.model.filters`;
    a dict of JSON Pointers to values or filters looks into the value read as JSON. `one_of`: the
    value is one of these. `between`: it is a number from the first to the second. `context`: as a
    dict for `value`, but of the event's context. `sender`: it is this text or meets a filter.
    `scope`: "execution" takes only events sent to a workflow execution (to its own, for rules of
    tasks), "namespace" only those sent to a whole namespace. All of them have to be met.
    """

    # For conditions that were pickled by an earlier version.
    filters: Sequence[FieldFilter] = ()
    scope: Optional[str] = None

    def __init__(
        self,
        expect_event_key: str,
        *,
        value: Any = None,
        one_of: Optional[Sequence[Any]] = None,
        between: Optional[Sequence[Optional[float]]] = None,
        context: Any = None,
        sender: Any = None,
        scope: Optional[str] = None,
    ):
        super().__init__([expect_event_key])
        self.filters = field_filters(value, one_of, between, context, sender)
        self.scope = check_scope(scope)

    def is_met(self, event: "Event", context: "Context") -> bool:
        if self.scope is not None and self.scope != _scope_of(event):
            return False
        return all(filter.accepts(event) for filter in self.filters)


def _context_of(event: "Event") -> Any:
    """The event's context as a JSON object; an empty one when it is none."""
    try:
        found = json.loads(event.context or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _scope_of(event: "Event") -> str:
    """How it was addressed: an integer or a decimal string counts as the id of an execution."""
    found = _context_of(event).get("workflow_execution_id")
    if isinstance(found, str):
        confined = found.isascii() and found.isdigit()
    else:
        confined = isinstance(found, int) and not isinstance(found, bool)
    return "execution" if confined else "namespace"


class MeetAllCondition(Condition):
    """Met when each condition has been met; it then begins anew. `name` is unique in the
    workflow."""

    def __init__(self, name: str, conditions: List[Condition]):
        super().__init__(_all_keys(conditions))
        self.name = name
        self.conditions = conditions

    def is_met(self, event: "Event", context: "Context") -> bool:
        state = context.get_state(ValueStateDescriptor(self.name))
        assert isinstance(state, ValueState)
        slots = state.value()
        met = list(slots) if isinstance(slots, list) else [False] * len(self.conditions)
        for index, condition in enumerate(self.conditions):
            if match_events(condition.expect_event_keys, event):
                met[index] = condition.is_met(event, context)
        complete = all(met)
        state.update([False] * len(met) if complete else met)
        return complete


class MeetAnyCondition(Condition):
    """Met when one of the conditions is met."""

    def __init__(self, conditions: List[Condition]):
        super().__init__(_all_keys(conditions))
        self.conditions = conditions

    def is_met(self, event: "Event", context: "Context") -> bool:
        return any(
            condition.is_met(event, context)
            for condition in self.conditions
            if match_events(condition.expect_event_keys, event)
        )


class TaskStatusCondition(Condition):
    """Met when the task reaches the status."""

    def __init__(
        self, workflow_name: str, task_name: str, namespace: str, expect_status: TaskStatus
    ):
        super().__init__([status_changed_key(namespace, workflow_name, task_name)])
        self.workflow_name = workflow_name
        self.task_name = task_name
        self.namespace = namespace
        self.expect_status = expect_status

    def __setstate__(self, state: Dict[str, Any]) -> None:
        """One that an earlier version pickled knows its task by the key alone."""
        self.__dict__.update(state)
        if "task_name" in state:
            return
        (key,) = state["expect_event_keys"]
        names = key[len(STATUS_CHANGED_KEY_PREFIX) :].split(".", 2)
        if not key.startswith(STATUS_CHANGED_KEY_PREFIX) or len(names) != 3:
            raise ValueError(f"{key!r} is no key of a task's status")
        self.namespace, self.workflow_name, self.task_name = names

    def is_met(self, event: "Event", context: "Context") -> bool:
        return bool(_context_of(event).get("task_status") == self.expect_status)


class TaskStatusAllMetCondition(Condition):
    """Met when all the tasks, of this workflow, have their statuses."""

    def __init__(self, condition_list: List[TaskStatusCondition]):
        super().__init__(_all_keys(list(condition_list)))
        self.condition_list = condition_list

    def is_met(self, event: "Event", context: "Context") -> bool:
        return all(
            context.get_task_status(condition.task_name) == condition.expect_status
            for condition in self.condition_list
        )
