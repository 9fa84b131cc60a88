"""What `ai_flow.ops` returns."""

from ai_flow.metadata.backfill import BackfillMeta
from ai_flow.metadata.failed_event import FailedEventMeta
from ai_flow.metadata.namespace import NamespaceMeta
from ai_flow.metadata.pool import PoolMeta
from ai_flow.metadata.task_execution import TaskExecutionMeta
from ai_flow.metadata.workflow import WorkflowMeta
from ai_flow.metadata.workflow_event_trigger import WorkflowEventTriggerMeta
from ai_flow.metadata.workflow_execution import WorkflowExecutionMeta
from ai_flow.metadata.workflow_schedule import WorkflowScheduleMeta
from ai_flow.metadata.workflow_snapshot import WorkflowSnapshotMeta

__all__ = [
    "BackfillMeta",
    "FailedEventMeta",
    "NamespaceMeta",
    "PoolMeta",
    "TaskExecutionMeta",
    "WorkflowEventTriggerMeta",
    "WorkflowExecutionMeta",
    "WorkflowMeta",
    "WorkflowScheduleMeta",
    "WorkflowSnapshotMeta",
]
