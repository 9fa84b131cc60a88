"""What rules are given, checked at the line that gives it. Private to the SDK."""

from typing import TYPE_CHECKING, Any, List

from ai_flow.common.exception.exceptions import ArgumentTypeError, ArgumentValueError
from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition
from ai_flow.model.status import TaskStatus

if TYPE_CHECKING:
    from ai_flow.model.operator import Operator


def shown(value: Any) -> str:
    """A value in a message: what it is, and of which type."""
    text = repr(value)
    if len(text) > 100:
        text = text[:100] + "..."
    return f"{text} ({type(value).__name__})"


def check_action(action: Any) -> None:
    try:
        TaskAction(action)
    except ValueError:
        raise ArgumentValueError(
            f"unknown action {action!r}; one of {', '.join(one.name for one in TaskAction)}, "
            f"as TaskAction.START"
        ) from None


def check_condition(condition: Any) -> None:
    if not isinstance(condition, Condition):
        raise ArgumentTypeError(
            f"a rule needs a Condition, not {shown(condition)}; for an event key use "
            f"action_on_event_received"
        )


def check_event_key(key: Any) -> None:
    if not isinstance(key, str):
        raise ArgumentTypeError(f"an event key must be a string, not {shown(key)}")
    if not key:
        raise ArgumentValueError("an event key must not be empty")


def check_statuses(statuses: Any) -> None:
    if not hasattr(statuses, "items"):
        raise ArgumentTypeError(
            f"upstream_task_status_dict must be a dict of operators to statuses, as "
            f"{{task: TaskStatus.SUCCESS}}, not {shown(statuses)}"
        )
    for task, status in statuses.items():
        _check_operator("upstream_task_status_dict", task)
        try:
            TaskStatus(status)
        except ValueError:
            raise ArgumentValueError(
                f"unknown status {status!r} of task {task.name!r}; one of "
                f"{', '.join(one.name for one in TaskStatus)}, as TaskStatus.SUCCESS"
            ) from None


def operators(what: str, tasks: Any) -> List["Operator"]:
    """One operator, or several, as a list."""
    from ai_flow.model.operator import Operator

    if isinstance(tasks, Operator):
        return [tasks]
    if isinstance(tasks, str) or not hasattr(tasks, "__iter__"):
        _check_operator(what, tasks)
    found = list(tasks)
    for task in found:
        _check_operator(what, task)
    return found


def _check_operator(what: str, task: Any) -> None:
    from ai_flow.model.operator import Operator

    if isinstance(task, Operator):
        return
    hint = "; give the operator itself, not its name" if isinstance(task, str) else ""
    raise ArgumentTypeError(f"{what} takes operators, not {shown(task)}{hint}")
