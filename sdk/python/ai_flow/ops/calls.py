"""How the operations reach the server: one client for one call, closed after it."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator

from ai_flow.common.exception.exceptions import NotFoundError

if TYPE_CHECKING:
    from ai_flow.metadata import WorkflowMeta
    from ai_flow.rpc.client.orchestrator_client import OrchestratorClient
    from ai_flow.rpc.client.scheduler_client import SchedulerClient


@contextmanager
def scheduler() -> "Iterator[SchedulerClient]":
    from ai_flow.rpc.client.aiflow_client import get_scheduler_client

    client = get_scheduler_client()
    try:
        yield client
    finally:
        client.close()


@contextmanager
def orchestrator() -> "Iterator[OrchestratorClient]":
    from ai_flow.rpc.client.aiflow_client import get_orchestrator_client

    client = get_orchestrator_client()
    try:
        yield client
    finally:
        client.close()


def known_workflow(client: "SchedulerClient", workflow_name: str, namespace: str) -> "WorkflowMeta":
    workflow = client.get_workflow(workflow_name, namespace)
    if workflow is None:
        raise NotFoundError(
            f"Workflow {namespace}.{workflow_name} not exists", address=client.server_uri
        )
    return workflow
