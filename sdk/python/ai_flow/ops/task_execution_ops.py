"""Operations on task executions."""

from typing import TYPE_CHECKING, List, Optional, Sequence

from ai_flow.ops.calls import orchestrator, scheduler

if TYPE_CHECKING:
    from ai_flow.metadata import TaskExecutionMeta


def start_task_execution(workflow_execution_id: int, task_name: str) -> str:
    """Starts a run of the task and returns its key."""
    with scheduler() as client:
        return client.start_task_execution(workflow_execution_id, task_name)


def stop_task_execution(workflow_execution_id: int, task_name: str) -> None:
    with scheduler() as client:
        client.stop_task_execution(workflow_execution_id, task_name)


def rerun_tasks(workflow_execution_id: int, task_names: Optional[Sequence[str]] = None) -> int:
    """Starts tasks anew, by default every one whose latest run FAILED, and returns how many. Those
    after them follow by their rules. A finished execution is opened again."""
    with orchestrator() as client:
        return client.rerun_tasks(workflow_execution_id, task_names or ())


def mark_task(workflow_execution_id: int, task_name: str, status: str, note: str = "") -> int:
    """Records by hand that the task ended with SUCCESS or FAILED, as a run of its own, and returns
    that run's id. `note` is kept with it. The task must have no live run."""
    with orchestrator() as client:
        return client.mark_task(workflow_execution_id, task_name, status, note)


def get_task_execution(task_execution_id: int) -> "Optional[TaskExecutionMeta]":
    with scheduler() as client:
        return client.get_task_execution(task_execution_id)


def list_task_executions(
    workflow_execution_id: int, limit: Optional[int] = None, offset: Optional[int] = None
) -> "Optional[List[TaskExecutionMeta]]":
    with scheduler() as client:
        return client.list_task_executions(workflow_execution_id, limit, offset)
