"""Operations on task executions."""

from typing import TYPE_CHECKING, List, Optional

from ai_flow.ops.calls import scheduler

if TYPE_CHECKING:
    from ai_flow.metadata import TaskExecutionMeta


def start_task_execution(workflow_execution_id: int, task_name: str) -> str:
    """Starts a run of the task and returns its key."""
    with scheduler() as client:
        return client.start_task_execution(workflow_execution_id, task_name)


def stop_task_execution(workflow_execution_id: int, task_name: str) -> None:
    with scheduler() as client:
        client.stop_task_execution(workflow_execution_id, task_name)


def get_task_execution(task_execution_id: int) -> "Optional[TaskExecutionMeta]":
    with scheduler() as client:
        return client.get_task_execution(task_execution_id)


def list_task_executions(
    workflow_execution_id: int, limit: Optional[int] = None, offset: Optional[int] = None
) -> "Optional[List[TaskExecutionMeta]]":
    with scheduler() as client:
        return client.list_task_executions(workflow_execution_id, limit, offset)
