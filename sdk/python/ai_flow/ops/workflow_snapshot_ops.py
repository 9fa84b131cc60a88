"""Operations on workflow snapshots."""

from typing import TYPE_CHECKING, List, Optional

from ai_flow.ops.calls import scheduler

if TYPE_CHECKING:
    from ai_flow.metadata import WorkflowSnapshotMeta


def get_workflow_snapshot(snapshot_id: int) -> "Optional[WorkflowSnapshotMeta]":
    with scheduler() as client:
        return client.get_workflow_snapshot(snapshot_id)


def list_workflow_snapshots(
    workflow_name: str,
    namespace: str = "default",
    limit: Optional[int] = None,
    offset: Optional[int] = None,
) -> "Optional[List[WorkflowSnapshotMeta]]":
    with scheduler() as client:
        return client.list_workflow_snapshots(namespace, workflow_name, limit, offset)


def delete_workflow_snapshot(snapshot_id: int) -> None:
    with scheduler() as client:
        client.delete_workflow_snapshot(snapshot_id)


def delete_workflow_snapshots(workflow_name: str, namespace: str = "default") -> None:
    with scheduler() as client:
        client.delete_workflow_snapshots(namespace, workflow_name)
