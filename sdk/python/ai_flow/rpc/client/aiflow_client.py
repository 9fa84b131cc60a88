"""Clients with the addresses of this machine's settings."""

import os
from typing import TYPE_CHECKING, Optional

from ai_flow.common.configuration.client_config import load_client_config, running_server

if TYPE_CHECKING:
    from ai_flow.rpc.client.orchestrator_client import OrchestratorClient
    from ai_flow.rpc.client.scheduler_client import SchedulerClient
    from notification_service.client.embedded_notification_client import EmbeddedNotificationClient

DEFAULT_NOTIFICATION_URI = "localhost:50052"


def server_address() -> str:
    """AIFLOW_SERVER; inside a task its server; the server that runs in AIFLOW_HOME; else
    `server_address` of aiflow_client.yaml."""
    return (
        os.environ.get("AIFLOW_SERVER")
        or os.environ.get("AIFLOW_SERVER_URI")
        or running_server("server_uri")
        or load_client_config().server_address
    )


def get_scheduler_client(server_uri: Optional[str] = None) -> "SchedulerClient":
    """A client of the scheduler. Waits up to 10 s for it: AIFlowException when none answers."""
    from ai_flow.rpc.client.scheduler_client import SchedulerClient

    client = SchedulerClient(server_uri or server_address())
    try:
        client.wait_for_ready()
    except BaseException:
        client.close()
        raise
    return client


def get_orchestrator_client(server_uri: Optional[str] = None) -> "OrchestratorClient":
    """A client of the current API. Waits up to 10 s for it: AIFlowException when none answers."""
    from ai_flow.rpc.client.orchestrator_client import OrchestratorClient

    client = OrchestratorClient(server_uri or server_address())
    try:
        client.wait_for_ready()
    except BaseException:
        client.close()
        raise
    return client


def get_notification_client(
    notification_server_uri: Optional[str] = None,
    namespace: Optional[str] = None,
    sender: Optional[str] = None,
) -> "EmbeddedNotificationClient":
    """A client of the notification service: by default that of the task, or of the server that runs
    in AIFLOW_HOME."""
    from notification_service.client.embedded_notification_client import EmbeddedNotificationClient

    uri = (
        notification_server_uri
        or os.environ.get("AIFLOW_NOTIFICATION_URI")
        or running_server("notification_uri")
        or DEFAULT_NOTIFICATION_URI
    )
    return EmbeddedNotificationClient(uri, namespace, sender)
