"""The client of the current API, for what the scheduler service does not have."""

import json
import uuid
from datetime import datetime
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from ai_flow.bundle.trigger import CompiledTrigger
from ai_flow.common.exception.exceptions import ArgumentTypeError, ArgumentValueError
from ai_flow.metadata import (
    BackfillMeta,
    FailedEventMeta,
    PoolMeta,
    WorkflowEventTriggerMeta,
    WorkflowScheduleMeta,
)
from ai_flow.metadata.times import local_datetime
from ai_flow.model.status import TaskStatus
from ai_flow.rpc.client.channel import limits, open_connection, wait_ready
from ai_flow.rpc.protobuf import orchestrator_pb2 as pb
from ai_flow.rpc.protobuf import orchestrator_pb2_grpc as pb_grpc


class OrchestratorClient:
    """Thread-safe. What the server refuses is a CallError with its message. A call whose answer is
    lost is made again: its request id keeps it from being carried out twice. `server_uri` is
    host:port, or several with commas: when one does not answer, the next one is asked."""

    def __init__(self, server_uri: str):
        self.server_uri = server_uri
        self._connection = open_connection(server_uri, pb_grpc.OrchestratorStub)

    def wait_for_ready(self) -> None:
        """Waits up to 10 s for the server; UnavailableError when none is there."""
        wait_ready(self._connection)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "OrchestratorClient":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _call(self, method: str, request: Any, request_id: Optional[str] = None) -> Any:
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = request_id or uuid.uuid4().hex
        return self._connection.call(method, request, limits())

    def _pages(self, method: str, request: Any, field: str) -> Iterator[Any]:
        while True:
            response = self._call(method, request)
            yield from getattr(response, field)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    # Executions.

    def start_workflow_execution(
        self,
        name: str,
        namespace: str,
        params: Optional[Mapping[str, Any]] = None,
        request_id: Optional[str] = None,
    ) -> int:
        request = pb.StartWorkflowExecutionRequest(
            namespace=namespace, name=name, params_json=params_json(params)
        )
        return int(self._call("StartWorkflowExecution", request, request_id).execution_id)

    def rerun_tasks(self, execution_id: int, task_names: Sequence[str] = ()) -> int:
        request = pb.RerunTasksRequest(execution_id=execution_id, task_names=task_names)
        return int(self._call("RerunTasks", request).started)

    def mark_task(self, execution_id: int, task_name: str, status: str, note: str = "") -> int:
        request = pb.MarkTaskRequest(
            execution_id=execution_id,
            task_name=task_name,
            status=status.value if isinstance(status, TaskStatus) else status,
            note=note,
        )
        return int(self._call("MarkTask", request).task_execution_id)

    # Schedules and triggers.

    def add_workflow_schedule(
        self,
        expression: str,
        name: str,
        namespace: str,
        timezone: Optional[str] = None,
        catchup: Optional[str] = None,
        skip_if_active: bool = False,
        params: Optional[Mapping[str, Any]] = None,
    ) -> WorkflowScheduleMeta:
        request = pb.AddWorkflowScheduleRequest(
            namespace=namespace,
            name=name,
            expression=expression,
            timezone=timezone or "",
            catchup=catchup or "",
            skip_if_active=skip_if_active,
            params_json=params_json(params),
        )
        added = self._call("AddWorkflowSchedule", request)
        return WorkflowScheduleMeta(
            id=added.id,
            workflow_id=added.workflow_id,
            expression=added.expression,
            create_time=local_datetime(added.create_time),
            is_paused=added.paused,
        )

    def backfill_workflow(
        self,
        name: str,
        namespace: str,
        begin: datetime,
        end: datetime,
        schedule_id: Optional[int] = None,
        expression: Optional[str] = None,
        timezone: Optional[str] = None,
        params: Optional[Mapping[str, Any]] = None,
        dry_run: bool = False,
    ) -> BackfillMeta:
        request = pb.BackfillWorkflowRequest(
            namespace=namespace,
            name=name,
            schedule_id=schedule_id or 0,
            expression=expression or "",
            timezone=timezone or "",
            from_time=_epoch_ms(begin),
            to_time=_epoch_ms(end),
            params_json=params_json(params),
            dry_run=dry_run,
        )
        done = self._call("BackfillWorkflow", request)
        return BackfillMeta(
            started=done.started,
            due_times=[datetime.fromtimestamp(due / 1000) for due in done.due_times],
            execution_ids=list(done.execution_ids),
        )

    def add_workflow_trigger(
        self, trigger: CompiledTrigger, name: str, namespace: str
    ) -> WorkflowEventTriggerMeta:
        request = pb.AddWorkflowTriggerRequest(
            namespace=namespace,
            name=name,
            condition_json=trigger.condition_json,
            params_json=trigger.params_json,
            pickled_rule=trigger.pickled_rule,
            host_json=trigger.host_json,
        )
        added = self._call("AddWorkflowTrigger", request)
        return WorkflowEventTriggerMeta(
            id=added.id,
            workflow_id=added.workflow_id,
            rule=added.pickled_rule,
            create_time=local_datetime(added.create_time),
            is_paused=added.paused,
        )

    # Pools.

    def set_pool(
        self, name: str, slots: int, description: str = "", executor: Optional[str] = None
    ) -> PoolMeta:
        request = pb.SetPoolRequest(
            name=name, slots=slots, description=description, executor=executor
        )
        return _pool_meta(self._call("SetPool", request))

    def delete_pool(self, name: str) -> None:
        self._call("DeletePool", pb.DeletePoolRequest(name=name))

    def list_pools(self) -> List[PoolMeta]:
        return [_pool_meta(p) for p in self._pages("ListPools", pb.ListPoolsRequest(), "pools")]

    # Events about which a condition gave no answer.

    def list_failed_events(self) -> List[FailedEventMeta]:
        found = self._pages("ListFailedEvents", pb.ListFailedEventsRequest(), "failed_events")
        return [_failed_event_meta(event) for event in found]

    def retry_failed_event(self, failed_event_id: int) -> None:
        self._call("RetryFailedEvent", pb.FailedEventRequest(failed_event_id=failed_event_id))

    def drop_failed_event(self, failed_event_id: int) -> None:
        self._call("DropFailedEvent", pb.FailedEventRequest(failed_event_id=failed_event_id))


def params_json(params: Optional[Mapping[str, Any]]) -> str:
    if params is None:
        return ""
    if not isinstance(params, Mapping) or not all(isinstance(name, str) for name in params):
        raise ArgumentTypeError(f"params must be a dict of names to values, not {params!r}")
    try:
        values: Dict[str, Any] = dict(params)
        return json.dumps(values, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ArgumentValueError(f"params are no JSON values: {error}") from None


def _epoch_ms(time: datetime) -> int:
    """A time without a zone is local, as those of ai_flow.metadata are."""
    return round(time.timestamp() * 1000)


def _pool_meta(pool: Any) -> PoolMeta:
    return PoolMeta(pool.name, pool.slots, pool.description, pool.slots_in_use, pool.waiting, pool.executor)


def _failed_event_meta(event: Any) -> FailedEventMeta:
    return FailedEventMeta(
        id=event.id,
        workflow_id=event.workflow_id,
        workflow_execution_id=event.execution_id or None,
        trigger_id=event.trigger_id or None,
        namespace=event.namespace,
        workflow_name=event.workflow_name,
        task_name=event.task_name or None,
        condition=event.condition,
        event_offset=event.event_offset,
        event_key=event.event_key,
        event_value=event.event_value,
        time=local_datetime(event.time),
        error=event.error,
    )
