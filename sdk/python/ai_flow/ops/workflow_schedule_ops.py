"""Operations on workflow schedules."""

from typing import TYPE_CHECKING, Any, List, Mapping, Optional

from ai_flow.ops.calls import orchestrator, scheduler

if TYPE_CHECKING:
    from datetime import datetime

    from ai_flow.metadata import BackfillMeta, WorkflowScheduleMeta


def add_workflow_schedule(
    expression: str,
    workflow_name: str,
    namespace: str = "default",
    timezone: Optional[str] = None,
    catchup: Optional[str] = None,
    skip_if_active: bool = False,
    params: Optional[Mapping[str, Any]] = None,
) -> "WorkflowScheduleMeta":
    """Starts executions at due times. `expression` is `cron@minute hour day month weekday [zone]`
    or `interval@days hours minutes seconds`.

    `timezone` is that of an expression that names none. `catchup` says what happens to due times
    that passed while no server ran: "none", "one" (default) or "all". With `skip_if_active`, none
    starts while another execution of the workflow is unfinished. `params` are those of the
    executions.
    """
    with orchestrator() as client:
        return client.add_workflow_schedule(
            expression, workflow_name, namespace, timezone, catchup, skip_if_active, params
        )


def backfill_workflow(
    workflow_name: str,
    begin: "datetime",
    end: "datetime",
    namespace: str = "default",
    schedule_id: Optional[int] = None,
    expression: Optional[str] = None,
    timezone: Optional[str] = None,
    params: Optional[Mapping[str, Any]] = None,
    dry_run: bool = False,
) -> "BackfillMeta":
    """Starts an execution for each due time from `begin` to before `end` that has none yet: those
    of a schedule, or of an expression. With `dry_run` it only says which these are. Times without a
    zone are local."""
    with orchestrator() as client:
        return client.backfill_workflow(
            workflow_name,
            namespace,
            begin,
            end,
            schedule_id=schedule_id,
            expression=expression,
            timezone=timezone,
            params=params,
            dry_run=dry_run,
        )


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
