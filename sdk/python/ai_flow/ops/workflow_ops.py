"""Operations on workflows."""

from typing import TYPE_CHECKING, List, Optional

from ai_flow.ops.calls import known_workflow, scheduler

if TYPE_CHECKING:
    from ai_flow.metadata import WorkflowMeta

DEFAULT_NAMESPACE = "default"


def upload_workflows(
    workflow_file_path: str, artifacts: Optional[List[str]] = None
) -> "List[WorkflowMeta]":
    """Uploads all workflows that the file defines, with the file and its artifacts, in one atomic
    step.

    The file is executed here, in a process of its own; the server gets what it compiles to.
    Executions that run go on with what they started with. When `aiflow_client.yaml` names a blob
    manager of one's own, that gets the archive, too, and the snapshots show its uri.
    """
    from ai_flow.bundle.upload import upload
    from ai_flow.rpc.client.aiflow_client import server_address

    uploaded = upload(workflow_file_path, artifacts, server_address())
    with scheduler() as client:
        return [known_workflow(client, done.name, done.namespace) for done in uploaded]


def get_workflow(
    workflow_name: str, namespace: str = DEFAULT_NAMESPACE
) -> "Optional[WorkflowMeta]":
    with scheduler() as client:
        return client.get_workflow(workflow_name, namespace)


def list_workflows(
    namespace: str = DEFAULT_NAMESPACE, limit: Optional[int] = None, offset: Optional[int] = None
) -> "Optional[List[WorkflowMeta]]":
    with scheduler() as client:
        return client.list_workflows(namespace, limit, offset)


def delete_workflow(workflow_name: str, namespace: str = DEFAULT_NAMESPACE) -> None:
    """Deletes the workflow with its finished executions, snapshots, schedules and triggers.
    One step: refused, with nothing deleted, while an execution runs."""
    with scheduler() as client:
        client.delete_workflow(workflow_name, namespace)


def disable_workflow(workflow_name: str, namespace: str = DEFAULT_NAMESPACE) -> None:
    """No new execution starts; running ones go on."""
    with scheduler() as client:
        client.disable_workflow(workflow_name, namespace)


def enable_workflow(workflow_name: str, namespace: str = DEFAULT_NAMESPACE) -> None:
    with scheduler() as client:
        client.enable_workflow(workflow_name, namespace)
