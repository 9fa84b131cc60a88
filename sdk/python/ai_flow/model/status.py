"""Statuses of workflow executions and task executions."""

from enum import Enum


class WorkflowStatus(str, Enum):
    INIT = "INIT"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


class TaskStatus(str, Enum):
    INIT = "INIT"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    RETRYING = "RETRYING"


TASK_FINISHED_SET = frozenset((TaskStatus.SUCCESS, TaskStatus.FAILED, TaskStatus.STOPPED))
TASK_ALIVE_SET = frozenset(
    (TaskStatus.INIT, TaskStatus.QUEUED, TaskStatus.RETRYING, TaskStatus.RUNNING)
)
WORKFLOW_FINISHED_SET = frozenset(
    (WorkflowStatus.SUCCESS, WorkflowStatus.FAILED, WorkflowStatus.STOPPED)
)
WORKFLOW_ALIVE_SET = frozenset((WorkflowStatus.INIT, WorkflowStatus.RUNNING))

# The statuses that are announced, and so can be waited for.
ANNOUNCED_TASK_STATUSES = frozenset(
    (
        TaskStatus.RUNNING,
        TaskStatus.SUCCESS,
        TaskStatus.FAILED,
        TaskStatus.STOPPED,
        TaskStatus.RETRYING,
    )
)
