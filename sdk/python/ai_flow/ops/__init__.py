"""Operate a server from Python: upload workflows, start, stop and look at what runs.

The server is that of AIFLOW_SERVER, else the one that runs in AIFLOW_HOME, else that of
`$AIFLOW_HOME/aiflow_client.yaml`. Every function raises AIFlowException with the server's message
when it refuses, and when no server answers within 10 s.
"""

from ai_flow.ops.failed_event_ops import (
    drop_failed_event,
    list_failed_events,
    retry_failed_event,
)
from ai_flow.ops.namespace_ops import (
    add_namespace,
    delete_namespace,
    get_namespace,
    list_namespace,
    update_namespace,
)
from ai_flow.ops.pool_ops import delete_pool, list_pools, set_pool
from ai_flow.ops.task_execution_ops import (
    get_task_execution,
    list_task_executions,
    mark_task,
    rerun_tasks,
    start_task_execution,
    stop_task_execution,
)
from ai_flow.ops.workflow_execution_ops import (
    delete_workflow_execution,
    get_workflow_execution,
    list_workflow_executions,
    start_workflow_execution,
    stop_workflow_execution,
    stop_workflow_executions,
)
from ai_flow.ops.workflow_ops import (
    delete_workflow,
    disable_workflow,
    enable_workflow,
    get_workflow,
    list_workflows,
    upload_workflows,
)
from ai_flow.ops.workflow_schedule_ops import (
    add_workflow_schedule,
    backfill_workflow,
    delete_workflow_schedule,
    delete_workflow_schedules,
    get_workflow_schedule,
    list_workflow_schedules,
    pause_workflow_schedule,
    resume_workflow_schedule,
)
from ai_flow.ops.workflow_snapshot_ops import (
    delete_workflow_snapshot,
    delete_workflow_snapshots,
    get_workflow_snapshot,
    list_workflow_snapshots,
)
from ai_flow.ops.workflow_trigger_ops import (
    add_workflow_trigger,
    delete_workflow_trigger,
    delete_workflow_triggers,
    get_workflow_trigger,
    list_workflow_triggers,
    pause_workflow_trigger,
    resume_workflow_trigger,
)

__all__ = [
    "add_namespace",
    "add_workflow_schedule",
    "add_workflow_trigger",
    "backfill_workflow",
    "delete_namespace",
    "delete_pool",
    "delete_workflow",
    "delete_workflow_execution",
    "delete_workflow_schedule",
    "delete_workflow_schedules",
    "delete_workflow_snapshot",
    "delete_workflow_snapshots",
    "delete_workflow_trigger",
    "delete_workflow_triggers",
    "disable_workflow",
    "drop_failed_event",
    "enable_workflow",
    "get_namespace",
    "get_task_execution",
    "get_workflow",
    "get_workflow_execution",
    "get_workflow_schedule",
    "get_workflow_snapshot",
    "get_workflow_trigger",
    "list_failed_events",
    "list_namespace",
    "list_pools",
    "list_task_executions",
    "list_workflow_executions",
    "list_workflow_schedules",
    "list_workflow_snapshots",
    "list_workflow_triggers",
    "list_workflows",
    "mark_task",
    "pause_workflow_schedule",
    "pause_workflow_trigger",
    "rerun_tasks",
    "resume_workflow_schedule",
    "resume_workflow_trigger",
    "retry_failed_event",
    "set_pool",
    "start_task_execution",
    "start_workflow_execution",
    "stop_task_execution",
    "stop_workflow_execution",
    "stop_workflow_executions",
    "update_namespace",
    "upload_workflows",
]
