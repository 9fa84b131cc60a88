"""Turns authored workflows into the language-neutral specification of
docs/formats/workflow-spec.md."""

import json
import os
import sys
from datetime import timedelta
from typing import Any, Dict, List, Optional

from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition
from ai_flow.model.internal.conditions import (
    MeetAllCondition,
    MeetAnyCondition,
    SingleEventCondition,
    TaskStatusAllMetCondition,
    TaskStatusCondition,
)
from ai_flow.model.operator import AIFlowOperator, Operator
from ai_flow.model.source_location import Location
from ai_flow.model.status import ANNOUNCED_TASK_STATUSES, TaskStatus
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.version import __version__

SPEC_VERSION = 1
MAX_CONDITION_DEPTH = 32
ON_ALIVE = ("ignore", "queue", "restart")
# Options of tasks with a meaning of their own that no release carries out yet.
NOT_YET_SUPPORTED = (
    "periodic_expression",
    "overlap",
    "catchup",
    "retries",
    "retry_delay",
    "retry_exponential_backoff",
    "max_retry_delay",
    "execution_timeout",
    "queue_timeout",
    "start_timeout",
)
WORKFLOW_NOT_YET_SUPPORTED = ("execution_timeout",)


class SpecificationError(Exception):
    """A workflow that cannot be uploaded; the message is one paragraph."""


def _at(location: Location, message: str) -> SpecificationError:
    if location is None:
        return SpecificationError(message)
    relative = os.path.relpath(location[0])
    shown = location[0] if relative.startswith("..") else relative
    return SpecificationError(f"{shown}:{location[1]}: {message}")


def workflow_spec(workflow: Workflow, file_name: str, warnings: List[str]) -> Dict[str, Any]:
    """The specification; `file_name` is the workflow file relative to the bundle's top folder."""
    where = f"workflow {workflow.name!r}"
    if not workflow.tasks:
        raise _at(
            workflow._defined_at, f"{where} has no tasks; create operators in its `with` block"
        )
    for task_name in workflow.rules:
        if task_name not in workflow.tasks:
            raise _at(workflow._defined_at, f"{where} has a rule for unknown task {task_name!r}")
    for option in WORKFLOW_NOT_YET_SUPPORTED:
        if workflow.config.get(option) is not None:
            raise _at(workflow._defined_at, f"{where}: option {option!r} is not supported yet")
    spec: Dict[str, Any] = {
        "version": SPEC_VERSION,
        "namespace": workflow.namespace,
        "name": workflow.name,
    }
    keep_open = workflow.config.get("keep_open", False)
    if not isinstance(keep_open, bool):
        raise _at(workflow._defined_at, f"{where}: keep_open must be True or False")
    if keep_open:
        spec["keep_open"] = True
    tasks = [_task(workflow, task, warnings) for task in workflow.tasks.values()]
    if any(task["operator"] == "host" for task in tasks):
        spec["host"] = {
            "language": "python",
            "file": file_name,
            "interpreter": sys.executable,
            "version": "{}.{}".format(*sys.version_info[:2]),
            "sdk_version": __version__,
        }
    config = _config(workflow, warnings)
    if config:
        spec["config"] = config
    spec["tasks"] = tasks
    return spec


def _config(workflow: Workflow, warnings: List[str]) -> Dict[str, Any]:
    config: Dict[str, Any] = {}
    for name, value in workflow.config.items():
        if name == "keep_open":
            continue
        try:
            config[name] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError):
            config[name] = repr(value)
            warnings.append(
                f"workflow {workflow.name!r}: option {name!r} is no JSON value; its repr is kept"
            )
    return config


def _task(workflow: Workflow, task: Operator, warnings: List[str]) -> Dict[str, Any]:
    where = f"workflow {workflow.name!r}, task {task.name!r}"
    try:
        spec: Dict[str, Any] = {"name": task.name}
        spec.update(_operator(task))
        spec.update(_options(task, where, warnings))
        rules = [
            {"action": _action(rule.action), "condition": _condition(workflow, rule.condition)}
            for rule in workflow.rules.get(task.name, [])
        ]
        if rules:
            spec["rules"] = rules
        return spec
    except ValueError as error:
        raise _at(task._defined_at, f"{where}: {error}") from error


def _operator(task: Operator) -> Dict[str, Any]:
    not_yet = getattr(task, "NOT_YET", None)
    if not_yet is not None:
        raise ValueError(str(not_yet))
    if type(task) is BashOperator:
        if not isinstance(task.bash_command, str):
            raise ValueError("bash_command must be a string")
        return {"operator": "bash", "command": task.bash_command}
    if not isinstance(task, AIFlowOperator):
        raise ValueError(
            f"{type(task).__name__} has nothing to run; use BashOperator, PythonOperator or a "
            f"subclass of AIFlowOperator"
        )
    if type(task).start is AIFlowOperator.start:
        raise ValueError(f"{type(task).__name__} does not implement start(context)")
    return {"operator": "host"}


def _options(task: Operator, where: str, warnings: List[str]) -> Dict[str, Any]:
    spec: Dict[str, Any] = {}
    for name, value in task.config.items():
        if value is None:
            continue
        if name in NOT_YET_SUPPORTED:
            # A zero or False asks for nothing.
            if value:
                raise ValueError(f"option {name!r} is not supported yet")
        elif name == "on_alive":
            if value not in ON_ALIVE:
                raise ValueError(f"on_alive must be one of {', '.join(ON_ALIVE)}, not {value!r}")
            spec["on_alive"] = str(value)
        elif name == "optional":
            if not isinstance(value, bool):
                raise ValueError("optional must be True or False")
            spec["optional"] = value
        elif name == "max_pending_starts":
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError("max_pending_starts must be a whole number of at least 1")
            spec["max_pending_starts"] = value
        elif name == "stop_grace":
            spec["stop_grace_ms"] = _milliseconds(name, value)
        elif name == "env":
            spec["env"] = _environment(value)
        else:
            warnings.append(f"{where}: option {name!r} is not known and has no effect")
    return spec


def _milliseconds(name: str, value: Any) -> int:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise ValueError(f"{name} must be seconds, as a number or a timedelta")
    return int(round(value * 1000))


def _environment(value: Any) -> Dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("env must be a dict of strings")
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise ValueError(f"env must be a dict of strings, not {name!r}: {text!r}")
        if not name or "=" in name or "\0" in name + text:
            raise ValueError(f"env has an impossible name or value at {name!r}")
        if name.startswith("AIFLOW_") and name in RESERVED_ENVIRONMENT:
            raise ValueError(f"env may not set {name}, which the server sets")
    return dict(value)


# docs/formats/task-environment.md
RESERVED_ENVIRONMENT = frozenset(
    "AIFLOW_" + name
    for name in (
        "NAMESPACE WORKFLOW TASK WORKFLOW_EXECUTION_ID SEQUENCE_NUMBER TRY_NUMBER ATTEMPT_KEY "
        "ATTEMPT_TOKEN EVENT_KEY EVENT_VALUE EVENT_OFFSET EVENT_VALUE_FILE EVENT_CONTEXT_FILE "
        "NOTIFICATION_URI SERVER_URI WORKING_DIR BUNDLE_DIR ATTEMPT_DIR LOG_FILE RESULT_FILE"
    ).split()
)


def _action(action: Any) -> str:
    try:
        return TaskAction(action).value
    except ValueError:
        raise ValueError(f"unknown action {action!r}; one of START, STOP, RESTART") from None


def _condition(workflow: Workflow, condition: Any, depth: int = 1) -> Dict[str, Any]:
    """By exact type: a subclass of a built-in condition is the user's own."""
    if depth > MAX_CONDITION_DEPTH:
        raise ValueError(f"conditions are nested deeper than {MAX_CONDITION_DEPTH}")
    kind = type(condition)
    if kind is SingleEventCondition:
        return {"type": "event", "key": _event_key(condition.expect_event_keys[0])}
    if kind is MeetAllCondition:
        if not isinstance(condition.name, str) or not condition.name:
            raise ValueError("MeetAllCondition needs a name, unique within the workflow")
        children = _children(workflow, kind.__name__, condition.conditions, depth)
        return {"type": "all_of", "name": condition.name, "conditions": children}
    if kind is MeetAnyCondition:
        children = _children(workflow, kind.__name__, condition.conditions, depth)
        return {"type": "any_of", "conditions": children}
    if kind is TaskStatusCondition:
        return _task_status(condition)
    if kind is TaskStatusAllMetCondition:
        for child in condition.condition_list:
            if type(child) is not TaskStatusCondition:
                raise ValueError("TaskStatusAllMetCondition takes TaskStatusConditions only")
            if (child.namespace, child.workflow_name) != (workflow.namespace, workflow.name):
                raise ValueError(
                    "TaskStatusAllMetCondition takes tasks of its own workflow only; use "
                    "MeetAllCondition to include those of another"
                )
        children = _children(workflow, kind.__name__, condition.condition_list, depth)
        return {"type": "all_task_status", "conditions": children}
    if isinstance(condition, Condition):
        raise ValueError(
            f"{kind.__name__} is a condition of your own; these arrive with the next release. "
            f"Compose the built-in ones of ai_flow.model.internal.conditions until then"
        )
    raise ValueError(f"{condition!r} is not a Condition")


def _children(workflow: Workflow, kind: str, conditions: Any, depth: int) -> List[Dict[str, Any]]:
    if not conditions:
        raise ValueError(f"{kind} without conditions can never be met")
    return [_condition(workflow, child, depth + 1) for child in conditions]


def _event_key(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise ValueError(f"event key must be a string that is not empty, not {key!r}")
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
