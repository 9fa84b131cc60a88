"""Events that the system itself sends, and requests that may be sent as events.

A server takes the requests (start, stop and restart) from everybody who may send events. The others
are its own, and refused when a client sends them.
"""

import json
from typing import Any

from notification_service.model.event import Event

STATUS_CHANGED_KEY_PREFIX = "[task_status_change]."
STATUS_CHANGED_VALUE = "TASK_STATUS_CHANGED"
SCHEDULING_EVENT_KEY = "AIFLOW_SCHEDULING_EVENT"


def status_changed_key(namespace: str, workflow_name: str, task_name: str) -> str:
    return f"{STATUS_CHANGED_KEY_PREFIX}{namespace}.{workflow_name}.{task_name}"


class SchedulingEvent(Event):
    """The value is the type, the context a JSON object."""

    def __init__(self, event_type: str, **context: Any):
        super().__init__(SCHEDULING_EVENT_KEY, event_type)
        self.context = json.dumps(context)


class StartWorkflowExecutionEvent(SchedulingEvent):
    def __init__(self, workflow_id: int, snapshot_id: int):
        super().__init__(
            "START_WORKFLOW_EXECUTION", workflow_id=workflow_id, workflow_snapshot_id=snapshot_id
        )


class StopWorkflowExecutionEvent(SchedulingEvent):
    def __init__(self, workflow_execution_id: int):
        super().__init__("STOP_WORKFLOW_EXECUTION", workflow_execution_id=workflow_execution_id)


class StartTaskExecutionEvent(SchedulingEvent):
    def __init__(self, workflow_execution_id: int, task_name: str):
        super().__init__(
            "START_TASK_EXECUTION",
            workflow_execution_id=workflow_execution_id,
            task_name=task_name,
        )


class ReStartTaskExecutionEvent(SchedulingEvent):
    def __init__(self, workflow_execution_id: int, task_name: str):
        super().__init__(
            "RESTART_TASK_EXECUTION",
            workflow_execution_id=workflow_execution_id,
            task_name=task_name,
        )


class StopTaskExecutionEvent(SchedulingEvent):
    def __init__(self, workflow_execution_id: int, task_execution_id: int):
        super().__init__(
            "STOP_TASK_EXECUTION",
            workflow_execution_id=workflow_execution_id,
            task_execution_id=task_execution_id,
        )


class PeriodicRunTaskEvent(SchedulingEvent):
    def __init__(self, workflow_execution_id: int, task_name: str):
        super().__init__(
            "PERIODIC_RUN_TASK", workflow_execution_id=workflow_execution_id, task_name=task_name
        )


class PeriodicRunWorkflowEvent(SchedulingEvent):
    def __init__(self, workflow_id: int, schedule_id: int):
        super().__init__(
            "PERIODIC_RUN_WORKFLOW", workflow_id=workflow_id, workflow_schedule_id=schedule_id
        )


class TaskStatusEvent(SchedulingEvent):
    def __init__(
        self, workflow_execution_id: int, task_name: str, sequence_number: int, status: str
    ):
        super().__init__(
            "TASK_STATUS",
            workflow_execution_id=workflow_execution_id,
            task_name=task_name,
            sequence_number=sequence_number,
            task_status=getattr(status, "value", status),
        )


class TaskHeartbeatTimeoutEvent(SchedulingEvent):
    def __init__(self, workflow_execution_id: int, task_name: str, sequence_number: int):
        super().__init__(
            "TASK_HEARTBEAT_TIMEOUT",
            workflow_execution_id=workflow_execution_id,
            task_name=task_name,
            sequence_number=sequence_number,
        )


class TaskStatusChangedEvent(Event):
    """Announces that a task has a new status: what rules and listeners see."""

    def __init__(
        self,
        workflow_name: str,
        workflow_execution_id: int,
        task_name: str,
        status: str,
        namespace: str,
    ):
        super().__init__(
            status_changed_key(namespace, workflow_name, task_name), STATUS_CHANGED_VALUE
        )
        self.namespace = namespace
        self.context = json.dumps(
            {
                "namespace": namespace,
                "workflow_execution_id": workflow_execution_id,
                "workflow_name": workflow_name,
                "task_name": task_name,
                "task_status": getattr(status, "value", status),
            }
        )
