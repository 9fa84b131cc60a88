"""The context of the task that the environment describes (docs/formats/task-environment.md)."""

import json
import os
from datetime import datetime
from typing import Any, Dict, List, Optional

from ai_flow.model.internal.contexts import TaskExecutionContext
from ai_flow.model.operator import Operator
from ai_flow.model.task_execution import TaskExecutionKey
from ai_flow.model.workflow import Workflow
from notification_service.model.event import Event


class TaskNotFound(Exception):
    """The environment names a task that the workflow file does not define."""


def find_task(workflows: List[Workflow], path: str) -> Operator:
    namespace = os.environ.get("AIFLOW_NAMESPACE")
    workflow_name = _required("AIFLOW_WORKFLOW")
    task_name = _required("AIFLOW_TASK")
    for workflow in workflows:
        if workflow.name != workflow_name or namespace not in (None, workflow.namespace):
            continue
        if task_name in workflow.tasks:
            return workflow.tasks[task_name]
        known = ", ".join(repr(name) for name in workflow.tasks)
        raise TaskNotFound(
            f"{path}: workflow {workflow_name!r} has no task {task_name!r} (it has {known}); does "
            f"the file define other tasks here than where it was uploaded?"
        )
    known = ", ".join(f"{w.namespace}.{w.name}" for w in workflows) or "none"
    raise TaskNotFound(
        f"{path}: no workflow {namespace or '*'}.{workflow_name} (the file defines: {known})"
    )


def task_context(task: Operator) -> TaskExecutionContext:
    key = TaskExecutionKey(
        int(os.environ.get("AIFLOW_WORKFLOW_EXECUTION_ID", "0")),
        task.name,
        int(os.environ.get("AIFLOW_SEQUENCE_NUMBER", "1")),
    )
    return TaskExecutionContext(
        task.workflow,
        key,
        _trigger_event(task.workflow.namespace),
        params=_params(),
        due_time=_due_time(),
        try_number=int(os.environ.get("AIFLOW_TRY_NUMBER", "1")),
    )


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise TaskNotFound(f"{name} is not set: run-task is started by a server, not by hand")
    return value


def _params() -> Dict[str, Any]:
    path = os.environ.get("AIFLOW_PARAMS_FILE")
    return dict(json.loads(_read(path))) if path else {}


def _due_time() -> Optional[datetime]:
    text = os.environ.get("AIFLOW_DUE_TIME")
    # Python 3.9 does not read the letter.
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def _trigger_event(namespace: str) -> Optional[Event]:
    key = os.environ.get("AIFLOW_EVENT_KEY")
    if not key:
        return None
    value_file = os.environ.get("AIFLOW_EVENT_VALUE_FILE")
    value = _read(value_file) if value_file else os.environ.get("AIFLOW_EVENT_VALUE")
    event = Event(key, value)
    event.namespace = namespace
    event.sender = os.environ.get("AIFLOW_EVENT_SENDER")
    created = os.environ.get("AIFLOW_EVENT_CREATE_TIME")
    event.create_time = int(created) if created else None
    offset = os.environ.get("AIFLOW_EVENT_OFFSET")
    event.offset = int(offset) if offset else None
    context_file = os.environ.get("AIFLOW_EVENT_CONTEXT_FILE")
    event.context = _read(context_file) if context_file else None
    return event


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
