"""Operations on workflow schedules."""

from typing import TYPE_CHECKING, List, Optional

from ai_flow.ops.calls import known_workflow, scheduler

if TYPE_CHECKING:
    from ai_flow.metadata import WorkflowScheduleMeta


def add_workflow_schedule(
    expression: str, workflow_name: str, namespace: str = "default"
) -> "WorkflowScheduleMeta":
    """`expression` is `cron@...` or `interval@days hours minutes seconds`."""
    with scheduler() as client:
        workflow = known_workflow(client, workflow_name, namespace)
        return client.add_workflow_schedule(workflow.id, expression)


def get_workflow_schedule(schedule_id: int) -> "Optional[WorkflowScheduleMeta]":
    with scheduler() as client:
        return client.get_workflow_schedule(schedule_id)


def list_workflow_schedules(
    workflow_name: str,
    namespace: str = "default",
    limit: Optional[int] = None,
    offset: Optional[int] = None,
) -> "Optional[List[WorkflowScheduleMeta]]":
    with scheduler() as client:
        return client.list_workflow_schedules(namespace, workflow_name, limit, offset)


def delete_workflow_schedule(schedule_id: int) -> None:
    with scheduler() as client:
        client.delete_workflow_schedule(schedule_id)


def delete_workflow_schedules(workflow_name: str, namespace: str = "default") -> None:
    with scheduler() as client:
        client.delete_workflow_schedules(namespace, workflow_name)


def pause_workflow_schedule(schedule_id: int) -> None:
    with scheduler() as client:
        client.pause_workflow_schedule(schedule_id)


def resume_workflow_schedule(schedule_id: int) -> None:
    with scheduler() as client:
        client.resume_workflow_schedule(schedule_id)
