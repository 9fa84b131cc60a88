"""Operations on workflow executions."""

from typing import TYPE_CHECKING, Any, List, Mapping, Optional

from ai_flow.ops.calls import orchestrator, scheduler

if TYPE_CHECKING:
    from ai_flow.metadata import WorkflowExecutionMeta


def start_workflow_execution(
    workflow_name: str,
    namespace: str = "default",
    params: Optional[Mapping[str, Any]] = None,
    request_id: Optional[str] = None,
) -> int:
    """Starts an execution of the latest snapshot and returns its id.

    `params` are values of the workflow's parameters; those that are not given have their defaults.
    A start with a `request_id` that was used before starts nothing and returns the same id.
    """
    with orchestrator() as client:
        return client.start_workflow_execution(workflow_name, namespace, params, request_id)


def stop_workflow_execution(workflow_execution_id: int) -> None:
    with scheduler() as client:
        client.stop_workflow_execution(workflow_execution_id)


def stop_workflow_executions(workflow_name: str, namespace: str = "default") -> None:
    with scheduler() as client:
        client.stop_workflow_executions(namespace, workflow_name)


def get_workflow_execution(workflow_execution_id: int) -> "Optional[WorkflowExecutionMeta]":
    with scheduler() as client:
        return client.get_workflow_execution(workflow_execution_id)


def list_workflow_executions(
    workflow_name: str,
    namespace: str = "default",
    limit: Optional[int] = None,
    offset: Optional[int] = None,
) -> "Optional[List[WorkflowExecutionMeta]]":
    with scheduler() as client:
        return client.list_workflow_executions(namespace, workflow_name, limit, offset)


def delete_workflow_execution(workflow_execution_id: int) -> None:
    with scheduler() as client:
        client.delete_workflow_execution(workflow_execution_id)
