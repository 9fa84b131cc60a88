"""Answers of the scheduler as the classes of `ai_flow.metadata`."""

import json
from typing import Any, Optional

from ai_flow.metadata import (
    NamespaceMeta,
    TaskExecutionMeta,
    WorkflowEventTriggerMeta,
    WorkflowExecutionMeta,
    WorkflowMeta,
    WorkflowScheduleMeta,
    WorkflowSnapshotMeta,
)
from ai_flow.metadata.times import local_datetime


def _wrapped(message: Any, field: str) -> Any:
    return getattr(message, field).value if message.HasField(field) else None


def _time(message: Any, field: str) -> Any:
    value: Optional[int] = _wrapped(message, field)
    return local_datetime(value)


def namespace_meta(proto: Any) -> NamespaceMeta:
    return NamespaceMeta(proto.name, json.dumps(dict(proto.properties)))


def workflow_meta(proto: Any) -> WorkflowMeta:
    return WorkflowMeta(
        id=proto.uuid,
        name=proto.name,
        namespace=proto.namespace,
        content=proto.content,
        workflow_object=proto.pickled_workflow,
        create_time=_time(proto, "create_time"),
        update_time=_time(proto, "update_time"),
        is_enabled=proto.is_enabled,
        event_offset=_wrapped(proto, "event_offset"),
    )


def workflow_snapshot_meta(proto: Any) -> WorkflowSnapshotMeta:
    return WorkflowSnapshotMeta(
        id=proto.uuid,
        workflow_id=proto.workflow_id,
        create_time=_time(proto, "create_time"),
        workflow_object=proto.workflow_object,
        uri=_wrapped(proto, "uri"),
        signature=_wrapped(proto, "signature"),
    )


def workflow_execution_meta(proto: Any) -> WorkflowExecutionMeta:
    return WorkflowExecutionMeta(
        id=proto.uuid,
        workflow_id=proto.workflow_id,
        begin_date=_time(proto, "begin_date"),
        end_date=_time(proto, "end_date"),
        status=_wrapped(proto, "status"),
        run_type=_wrapped(proto, "run_type"),
        snapshot_id=proto.snapshot_id,
        event_offset=_wrapped(proto, "event_offset"),
    )


def task_execution_meta(proto: Any) -> TaskExecutionMeta:
    return TaskExecutionMeta(
        id=proto.uuid,
        workflow_execution_id=proto.workflow_execution_id,
        task_name=proto.task_name,
        sequence_number=proto.sequence_number,
        try_number=proto.try_number,
        begin_date=_time(proto, "begin_date"),
        end_date=_time(proto, "end_date"),
        status=_wrapped(proto, "status"),
    )


def workflow_schedule_meta(proto: Any) -> WorkflowScheduleMeta:
    return WorkflowScheduleMeta(
        id=proto.uuid,
        workflow_id=proto.workflow_id,
        expression=_wrapped(proto, "expression"),
        create_time=_time(proto, "create_time"),
        is_paused=proto.is_paused,
    )


def workflow_trigger_meta(proto: Any) -> WorkflowEventTriggerMeta:
    return WorkflowEventTriggerMeta(
        id=proto.uuid,
        workflow_id=proto.workflow_id,
        rule=proto.rule,
        create_time=_time(proto, "create_time"),
        is_paused=proto.is_paused,
    )
