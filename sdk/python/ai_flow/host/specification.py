"""Turns authored workflows and triggers into the language-neutral specification of
docs/formats/workflow-spec.md."""

import os
import sys
from typing import Any, Dict, List, Optional, Tuple

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.host.condition_spec import condition_spec, custom_leaves
from ai_flow.host.task_options import task_options
from ai_flow.host.workflow_options import workflow_options
from ai_flow.model.action import TaskAction
from ai_flow.model.operator import AIFlowOperator, Operator
from ai_flow.model.param import trigger_params
from ai_flow.model.rule import TaskRule, WorkflowRule
from ai_flow.model.source_location import Location
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.empty import EmptyOperator
from ai_flow.version import __version__

SPEC_VERSION = 2


class SpecificationError(Exception):
    """A workflow that cannot be uploaded; the message is one paragraph."""


def _placed(location: Location, message: str) -> str:
    if location is None:
        return message
    relative = os.path.relpath(location[0])
    shown = location[0] if relative.startswith("..") else relative
    return f"{shown}:{location[1]}: {message}"


def _at(location: Location, message: str) -> SpecificationError:
    return SpecificationError(_placed(location, message))


def workflow_spec(
    workflow: Workflow, file_name: Optional[str], warnings: List[str]
) -> Dict[str, Any]:
    """The specification; `file_name` is the workflow file relative to the bundle's top folder, None
    where it is not known."""
    where = f"workflow {workflow.name!r}"
    if not workflow.tasks:
        raise _at(
            workflow._defined_at, f"{where} has no tasks; create operators in its `with` block"
        )
    for task_name in workflow.rules:
        if task_name not in workflow.tasks:
            raise _at(workflow._defined_at, f"{where} has a rule for unknown task {task_name!r}")
    spec: Dict[str, Any] = {
        "version": SPEC_VERSION,
        "namespace": workflow.namespace,
        "name": workflow.name,
    }
    placed = _placed(workflow._defined_at, where)
    try:
        spec.update(workflow_options(workflow.config, placed, warnings))
    except (ValueError, AIFlowException) as error:
        raise _at(workflow._defined_at, f"{where}: {error}") from error
    tasks = [_task(workflow, task, warnings) for task in workflow.tasks.values()]
    if any(task["operator"] == "host" for task in tasks) or _asks_a_host(workflow):
        spec["host"] = python_host(file_name)
    spec["tasks"] = tasks
    return spec


def trigger_spec(rule: WorkflowRule) -> Dict[str, Any]:
    """What a trigger is without its code: members `condition`, `params` (empty: none) and `host`
    (None: no user-written condition). SpecificationError when it is impossible."""
    if not isinstance(rule, WorkflowRule):
        raise SpecificationError(f"a trigger is a WorkflowRule, not {rule!r}")
    if type(rule).trigger is not WorkflowRule.trigger:
        raise SpecificationError(
            f"{type(rule).__name__} has a trigger() of its own, which nobody would call; write a "
            f"subclass of Condition instead"
        )
    try:
        condition = condition_spec(rule.condition, None)
        params = trigger_params(rule.params)
    except (ValueError, AIFlowException) as error:
        raise SpecificationError(f"workflow rule: {error}") from error
    custom = any(True for _ in custom_leaves(rule.condition))
    return {
        "condition": condition,
        "params": params,
        "host": python_host(None) if custom else None,
    }


def python_host(file_name: Optional[str]) -> Dict[str, Any]:
    """What runs user code; without a file, only pickled rules."""
    host = {
        "language": "python",
        "interpreter": sys.executable,
        "version": "{}.{}".format(*sys.version_info[:2]),
        "sdk_version": __version__,
    }
    if file_name is not None:
        host["file"] = file_name
    return host


def _asks_a_host(workflow: Workflow) -> bool:
    return any(
        True
        for rules in workflow.rules.values()
        for rule in rules
        for _ in custom_leaves(rule.condition)
    )


def _task(workflow: Workflow, task: Operator, warnings: List[str]) -> Dict[str, Any]:
    where = f"workflow {workflow.name!r}, task {task.name!r}"
    placed = _placed(task._defined_at, where)
    own_workflow = (workflow.namespace, workflow.name)
    try:
        spec: Dict[str, Any] = {"name": task.name}
        spec.update(_operator(task))
        has_process = spec["operator"] != "empty"
        spec.update(task_options(task.config, has_process, placed, warnings))
        rules = [_rule(rule, own_workflow) for rule in workflow.rules.get(task.name, [])]
        if rules:
            spec["rules"] = rules
        return spec
    except (ValueError, AIFlowException) as error:
        raise _at(task._defined_at, f"{where}: {error}") from error


def _rule(rule: TaskRule, own_workflow: Tuple[str, str]) -> Dict[str, Any]:
    if type(rule).trigger is not TaskRule.trigger:
        raise ValueError(
            f"{type(rule).__name__} has a trigger() of its own, which nobody would call; write a "
            f"subclass of Condition instead"
        )
    return {
        "action": _action(rule.action),
        "condition": condition_spec(rule.condition, own_workflow),
    }


def _operator(task: Operator) -> Dict[str, Any]:
    if type(task) is BashOperator:
        if not isinstance(task.bash_command, str):
            raise ValueError("bash_command must be a string")
        return {"operator": "bash", "command": task.bash_command}
    if type(task) is EmptyOperator:
        return {"operator": "empty"}
    if not isinstance(task, AIFlowOperator):
        raise ValueError(
            f"{type(task).__name__} has nothing to run; use BashOperator, PythonOperator, a "
            f"subclass of AIFlowOperator, or EmptyOperator for a task that does nothing"
        )
    if type(task).start is AIFlowOperator.start:
        raise ValueError(f"{type(task).__name__} does not implement start(context)")
    return {"operator": "host"}


def _action(action: Any) -> str:
    try:
        return TaskAction(action).value
    except ValueError:
        raise ValueError(f"unknown action {action!r}; one of START, STOP, RESTART") from None
