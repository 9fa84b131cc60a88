"""The client of the scheduler service: one method for each of its calls."""

from typing import Any, Callable, Dict, List, Optional, TypeVar

from google.protobuf import json_format

from ai_flow.common.exception.exceptions import NotFoundError, call_error
from ai_flow.metadata import (
    NamespaceMeta,
    TaskExecutionMeta,
    WorkflowEventTriggerMeta,
    WorkflowExecutionMeta,
    WorkflowMeta,
    WorkflowScheduleMeta,
    WorkflowSnapshotMeta,
)
from ai_flow.rpc.client import convert
from ai_flow.rpc.client.channel import limits, open_connection, wait_ready
from ai_flow.rpc.protobuf import message_pb2 as pb
from ai_flow.rpc.protobuf import scheduler_service_pb2 as service_pb
from ai_flow.rpc.protobuf import scheduler_service_pb2_grpc as service_grpc

_SUCCESS = str(pb.SUCCESS)
_NOT_FOUND = str(pb.RESOURCE_DOES_NOT_EXIST)
_NOTHING = "resource_does_not_exist"
# Return codes as the names that all exceptions use.
_CODES = {
    pb.INTERNAL_ERROR: "INTERNAL",
    pb.TEMPORARILY_UNAVAILABLE: "UNAVAILABLE",
    pb.IO_ERROR: "DATA_LOSS",
    pb.BAD_REQUEST: "INVALID_ARGUMENT",
    pb.INVALID_PARAMETER_VALUE: "INVALID_ARGUMENT",
    pb.ENDPOINT_NOT_FOUND: "UNIMPLEMENTED",
    pb.MALFORMED_REQUEST: "INVALID_ARGUMENT",
    pb.INVALID_STATE: "FAILED_PRECONDITION",
    pb.PERMISSION_DENIED: "PERMISSION_DENIED",
    pb.FEATURE_DISABLED: "UNIMPLEMENTED",
    pb.CUSTOMER_UNAUTHORIZED: "UNAUTHENTICATED",
    pb.REQUEST_LIMIT_EXCEEDED: "RESOURCE_EXHAUSTED",
    pb.RESOURCE_ALREADY_EXISTS: "ALREADY_EXISTS",
    pb.RESOURCE_DOES_NOT_EXIST: "NOT_FOUND",
    pb.QUOTA_EXCEEDED: "RESOURCE_EXHAUSTED",
    pb.MAX_BLOCK_SIZE_EXCEEDED: "RESOURCE_EXHAUSTED",
    pb.MAX_READ_SIZE_EXCEEDED: "RESOURCE_EXHAUSTED",
}
# A second time they change nothing. The others are repeated only when they were never sent.
_HARMLESS = ("get", "list", "update", "enable", "disable", "pause", "resume", "stopWorkflow")
_Meta = TypeVar("_Meta")


class SchedulerClient:
    """Thread-safe. Getters and lists return None when there is nothing; what the server refuses is
    a CallError with its message. `page_size` 0 or None is no limit. `server_uri` is host:port, or
    several with commas: when one does not answer, the next one is asked."""

    def __init__(self, server_uri: str):
        self.server_uri = server_uri
        self._connection = open_connection(server_uri, service_grpc.SchedulerServiceStub)

    def wait_for_ready(self) -> None:
        """Waits up to 10 s for the server; UnavailableError when none is there."""
        wait_ready(self._connection)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "SchedulerClient":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # How answers are read.

    def _answer(self, method: str, request: Any) -> Any:
        """Of a success, or that the thing does not exist."""
        response = self._connection.call(
            method, request, limits(), repeat=method.startswith(_HARMLESS)
        )
        code = response.return_code
        if code in (_SUCCESS, _NOT_FOUND):
            return response
        name = _CODES.get(int(code), "UNKNOWN") if code.isdigit() else "UNKNOWN"
        message = response.error_msg or f"{method} failed: {code}"
        raise call_error(name, message, self._connection.current_uri)

    def _data(self, method: str, request: Any) -> Optional[str]:
        """Text of the answer; None when the thing does not exist."""
        response = self._answer(method, request)
        return str(response.data) if response.return_code == _SUCCESS else None

    def _must(self, method: str, request: Any) -> str:
        response = self._answer(method, request)
        if response.return_code == _SUCCESS:
            return str(response.data)
        message = response.error_msg
        if message in ("", _NOTHING):
            message = f"{method}: {_NOTHING} ({' '.join(str(request).split())})"
        raise NotFoundError(message, address=self._connection.current_uri)

    def _get(
        self, method: str, request: Any, message: Any, meta: Callable[[Any], _Meta]
    ) -> Optional[_Meta]:
        data = self._data(method, request)
        return None if data is None else meta(self._parsed(method, data, message))

    def _parsed(self, method: str, data: str, message: Any) -> Any:
        try:
            return json_format.Parse(data, message)
        except json_format.ParseError as error:
            text = f"the answer to {method} cannot be read: {error}"
            raise call_error("INTERNAL", text, self._connection.current_uri) from error

    def _change(
        self, method: str, request: Any, message: Any, meta: Callable[[Any], _Meta]
    ) -> _Meta:
        return meta(self._parsed(method, self._must(method, request), message))

    def _list(
        self, method: str, request: Any, message: Any, field: str, meta: Callable[[Any], _Meta]
    ) -> Optional[List[_Meta]]:
        data = self._data(method, request)
        if data is None:
            return None
        found = [meta(proto) for proto in getattr(self._parsed(method, data, message), field)]
        return found or None

    # Namespaces.

    def add_namespace(self, name: str, properties: Optional[Dict[str, str]]) -> NamespaceMeta:
        request = pb.NamespaceProto(name=name, properties=properties)
        return self._change("addNamespace", request, pb.NamespaceProto(), convert.namespace_meta)

    def get_namespace(self, name: str) -> Optional[NamespaceMeta]:
        return self._get(
            "getNamespace", pb.NameRequest(name=name), pb.NamespaceProto(), convert.namespace_meta
        )

    def update_namespace(
        self, name: str, properties: Optional[Dict[str, str]]
    ) -> Optional[NamespaceMeta]:
        request = pb.NamespaceProto(name=name, properties=properties)
        return self._get("updateNamespace", request, pb.NamespaceProto(), convert.namespace_meta)

    def list_namespaces(
        self, page_size: Optional[int] = None, offset: Optional[int] = None
    ) -> Optional[List[NamespaceMeta]]:
        return self._list(
            "listNamespaces",
            pb.ListRequest(page_size=page_size, offset=offset),
            service_pb.NamespaceListProto(),
            "namespaces",
            convert.namespace_meta,
        )

    def delete_namespace(self, name: str) -> None:
        self._must("deleteNamespace", pb.NameRequest(name=name))

    # Workflows.

    def add_workflow(
        self, name: str, namespace: str, content: str, pickled_workflow: bytes
    ) -> WorkflowMeta:
        request = pb.WorkflowProto(
            name=name, namespace=namespace, content=content, pickled_workflow=pickled_workflow
        )
        return self._change("addWorkflow", request, pb.WorkflowProto(), convert.workflow_meta)

    def update_workflow(
        self,
        name: str,
        namespace: str,
        content: str,
        pickled_workflow: bytes,
        is_enabled: bool = True,
    ) -> WorkflowMeta:
        request = service_pb.UpdateWorkflowRequest(
            identifier=_workflow(namespace, name),
            content=content,
            pickled_workflow=pickled_workflow,
            is_enabled=is_enabled,
        )
        return self._change("updateWorkflow", request, pb.WorkflowProto(), convert.workflow_meta)

    def get_workflow(self, name: str, namespace: str) -> Optional[WorkflowMeta]:
        request = _workflow(namespace, name)
        return self._get("getWorkflow", request, pb.WorkflowProto(), convert.workflow_meta)

    def delete_workflow(self, name: str, namespace: str) -> None:
        self._must("deleteWorkflow", _workflow(namespace, name))

    def disable_workflow(self, name: str, namespace: str) -> None:
        self._must("disableWorkflow", _workflow(namespace, name))

    def enable_workflow(self, name: str, namespace: str) -> None:
        self._must("enableWorkflow", _workflow(namespace, name))

    def list_workflows(
        self,
        namespace: Optional[str] = None,
        page_size: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> Optional[List[WorkflowMeta]]:
        return self._list(
            "listWorkflows",
            service_pb.ListWorkflowsRequest(
                namespace=namespace, page_size=page_size, offset=offset
            ),
            service_pb.WorkflowListProto(),
            "workflows",
            convert.workflow_meta,
        )

    # Workflow snapshots.

    def add_workflow_snapshot(
        self, workflow_id: int, uri: str, workflow_object: bytes, signature: str
    ) -> WorkflowSnapshotMeta:
        request = pb.WorkflowSnapshotProto(workflow_id=workflow_id, workflow_object=workflow_object)
        request.uri.value = uri
        request.signature.value = signature
        return self._change(
            "addWorkflowSnapshot",
            request,
            pb.WorkflowSnapshotProto(),
            convert.workflow_snapshot_meta,
        )

    def get_workflow_snapshot(self, snapshot_id: int) -> Optional[WorkflowSnapshotMeta]:
        return self._get(
            "getWorkflowSnapshot",
            pb.IdRequest(id=snapshot_id),
            pb.WorkflowSnapshotProto(),
            convert.workflow_snapshot_meta,
        )

    def list_workflow_snapshots(
        self,
        namespace: str,
        workflow_name: str,
        page_size: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> Optional[List[WorkflowSnapshotMeta]]:
        return self._list(
            "listWorkflowSnapshots",
            _items(namespace, workflow_name, page_size, offset),
            service_pb.WorkflowSnapshotListProto(),
            "workflow_snapshots",
            convert.workflow_snapshot_meta,
        )

    def delete_workflow_snapshot(self, snapshot_id: int) -> None:
        self._must("deleteWorkflowSnapshot", pb.IdRequest(id=snapshot_id))

    def delete_workflow_snapshots(self, namespace: str, workflow_name: str) -> None:
        self._must("deleteWorkflowSnapshots", _workflow(namespace, workflow_name))

    # Workflow executions.

    def start_workflow_execution(self, workflow_name: str, namespace: str) -> int:
        """Id of the new execution."""
        return int(self._must("startWorkflowExecution", _workflow(namespace, workflow_name)))

    def stop_workflow_execution(self, workflow_execution_id: int) -> None:
        self._must("stopWorkflowExecution", pb.IdRequest(id=workflow_execution_id))

    def stop_workflow_executions(self, namespace: str, workflow_name: str) -> None:
        self._must("stopWorkflowExecutions", _workflow(namespace, workflow_name))

    def delete_workflow_execution(self, workflow_execution_id: int) -> None:
        self._must("deleteWorkflowExecution", pb.IdRequest(id=workflow_execution_id))

    def get_workflow_execution(self, workflow_execution_id: int) -> Optional[WorkflowExecutionMeta]:
        return self._get(
            "getWorkflowExecution",
            pb.IdRequest(id=workflow_execution_id),
            pb.WorkflowExecutionProto(),
            convert.workflow_execution_meta,
        )

    def list_workflow_executions(
        self,
        namespace: str,
        workflow_name: str,
        page_size: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> Optional[List[WorkflowExecutionMeta]]:
        return self._list(
            "listWorkflowExecutions",
            _items(namespace, workflow_name, page_size, offset),
            service_pb.WorkflowExecutionListProto(),
            "workflow_executions",
            convert.workflow_execution_meta,
        )

    # Task executions.

    def start_task_execution(self, workflow_execution_id: int, task_name: str) -> str:
        """Key of the new task execution, `{workflow execution}_{task}_{sequence number}`."""
        return self._must("startTaskExecution", _task(workflow_execution_id, task_name))

    def stop_task_execution(self, workflow_execution_id: int, task_name: str) -> None:
        self._must("stopTaskExecution", _task(workflow_execution_id, task_name))

    def get_task_execution(self, task_execution_id: int) -> Optional[TaskExecutionMeta]:
        return self._get(
            "getTaskExecution",
            pb.IdRequest(id=task_execution_id),
            pb.TaskExecutionProto(),
            convert.task_execution_meta,
        )

    def list_task_executions(
        self,
        workflow_execution_id: int,
        page_size: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> Optional[List[TaskExecutionMeta]]:
        return self._list(
            "listTaskExecutions",
            service_pb.ListTaskExecutionsRequest(
                workflow_execution_id=workflow_execution_id, page_size=page_size, offset=offset
            ),
            service_pb.TaskExecutionListProto(),
            "task_executions",
            convert.task_execution_meta,
        )

    # Workflow schedules.

    def add_workflow_schedule(self, workflow_id: int, expression: str) -> WorkflowScheduleMeta:
        request = pb.WorkflowScheduleProto(workflow_id=workflow_id)
        request.expression.value = expression
        return self._change(
            "addWorkflowSchedule",
            request,
            pb.WorkflowScheduleProto(),
            convert.workflow_schedule_meta,
        )

    def get_workflow_schedule(self, schedule_id: int) -> Optional[WorkflowScheduleMeta]:
        return self._get(
            "getWorkflowSchedule",
            pb.IdRequest(id=schedule_id),
            pb.WorkflowScheduleProto(),
            convert.workflow_schedule_meta,
        )

    def list_workflow_schedules(
        self,
        namespace: str,
        workflow_name: str,
        page_size: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> Optional[List[WorkflowScheduleMeta]]:
        return self._list(
            "listWorkflowSchedules",
            _items(namespace, workflow_name, page_size, offset),
            service_pb.WorkflowScheduleListProto(),
            "workflow_schedules",
            convert.workflow_schedule_meta,
        )

    def delete_workflow_schedule(self, schedule_id: int) -> None:
        self._must("deleteWorkflowSchedule", pb.IdRequest(id=schedule_id))

    def delete_workflow_schedules(self, namespace: str, workflow_name: str) -> None:
        self._must("deleteWorkflowSchedules", _workflow(namespace, workflow_name))

    def pause_workflow_schedule(self, schedule_id: int) -> None:
        self._must("pauseWorkflowSchedule", pb.IdRequest(id=schedule_id))

    def resume_workflow_schedule(self, schedule_id: int) -> None:
        self._must("resumeWorkflowSchedule", pb.IdRequest(id=schedule_id))

    # Workflow triggers.

    def add_workflow_trigger(self, workflow_id: int, rule: bytes) -> WorkflowEventTriggerMeta:
        request = pb.WorkflowTriggerProto(workflow_id=workflow_id, rule=rule)
        return self._change(
            "addWorkflowTrigger",
            request,
            pb.WorkflowTriggerProto(),
            convert.workflow_trigger_meta,
        )

    def get_workflow_trigger(self, trigger_id: int) -> Optional[WorkflowEventTriggerMeta]:
        return self._get(
            "getWorkflowTrigger",
            pb.IdRequest(id=trigger_id),
            pb.WorkflowTriggerProto(),
            convert.workflow_trigger_meta,
        )

    def list_workflow_triggers(
        self,
        namespace: str,
        workflow_name: str,
        page_size: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> Optional[List[WorkflowEventTriggerMeta]]:
        return self._list(
            "listWorkflowTriggers",
            _items(namespace, workflow_name, page_size, offset),
            service_pb.WorkflowTriggerListProto(),
            "workflow_triggers",
            convert.workflow_trigger_meta,
        )

    def delete_workflow_trigger(self, trigger_id: int) -> None:
        self._must("deleteWorkflowTrigger", pb.IdRequest(id=trigger_id))

    def delete_workflow_triggers(self, namespace: str, workflow_name: str) -> None:
        self._must("deleteWorkflowTriggers", _workflow(namespace, workflow_name))

    def pause_workflow_trigger(self, trigger_id: int) -> None:
        self._must("pauseWorkflowTrigger", pb.IdRequest(id=trigger_id))

    def resume_workflow_trigger(self, trigger_id: int) -> None:
        self._must("resumeWorkflowTrigger", pb.IdRequest(id=trigger_id))


def _workflow(namespace: str, name: str) -> pb.WorkflowIdentifier:
    return pb.WorkflowIdentifier(namespace=namespace, workflow_name=name)


def _task(workflow_execution_id: int, task_name: str) -> pb.TaskExecutionIdentifier:
    return pb.TaskExecutionIdentifier(
        workflow_execution_id=workflow_execution_id, task_name=task_name
    )


def _items(
    namespace: str, workflow_name: str, page_size: Optional[int], offset: Optional[int]
) -> service_pb.ListWorkflowItemsRequest:
    return service_pb.ListWorkflowItemsRequest(
        namespace=namespace, workflow_name=workflow_name, page_size=page_size, offset=offset
    )
