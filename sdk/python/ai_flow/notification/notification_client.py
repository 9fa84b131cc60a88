"""The notification client of tasks."""

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, List, Optional

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.model.internal.contexts import get_runtime_task_context
from notification_service.client.notification_client import (
    ListenerProcessor,
    ListenerRegistrationId,
)
from notification_service.model.event import Event

if TYPE_CHECKING:
    from notification_service.client.embedded_notification_client import EmbeddedNotificationClient

__all__ = ["AIFlowNotificationClient", "Event", "ListenerProcessor", "ListenerRegistrationId"]

# A task outlives a restart of its server: its calls wait so long for one.
RETRY_SECONDS = 600.0

# What workflow files name by habit. A task whose server listens elsewhere means that one.
DEFAULT_ADDRESSES = ("localhost:50052", "127.0.0.1:50052")


class AIFlowNotificationClient:
    """Sends and receives events in the namespace of the task that this process runs. Thread-safe.

    `server_uri` is by default the service of the server that runs the task; so is the default
    address of a notification server, `localhost:50052`, on whatever port it really listens.
    """

    def __init__(self, server_uri: Optional[str] = None):
        context = get_runtime_task_context()
        if context is None:
            raise AIFlowException("AIFlowNotificationClient can only be used inside a running task")
        own = os.environ.get("AIFLOW_NOTIFICATION_URI")
        uri = own if own and server_uri in (None, "", *DEFAULT_ADDRESSES) else server_uri
        if not uri:
            raise AIFlowException("server_uri is not given and AIFLOW_NOTIFICATION_URI is not set")
        from notification_service.client.embedded_notification_client import (
            EmbeddedNotificationClient,
        )

        self._key = context.task_execution_key
        self._server_uri = uri
        self._namespace = context.workflow.namespace
        self._client: "EmbeddedNotificationClient" = EmbeddedNotificationClient(
            uri, namespace=self._namespace, sender=str(self._key), retry_seconds=RETRY_SECONDS
        )

    def send_event(
        self,
        key: str,
        value: Optional[str] = None,
        event_id: Optional[str] = None,
        scope: str = "execution",
    ) -> Event:
        """Stores an event and returns it.

        `scope="execution"`: task rules of this workflow execution alone see it, and triggers of
        workflows. `scope="namespace"`: all running executions of the namespace see it. `event_id`
        makes a repetition harmless, also by a later run of this task: the event is stored once per
        id and execution (or namespace, as `scope` says). Its value has to be the same then.
        """
        if scope not in ("execution", "namespace"):
            raise AIFlowException(f"scope must be 'execution' or 'namespace', not {scope!r}")
        event = Event(key, value)
        execution_id = self._key.workflow_execution_id
        if scope == "execution":
            event.context = json.dumps({"workflow_execution_id": execution_id})
        if event_id is None:
            return self._client.send_event(event)
        if not event_id:
            raise AIFlowException("event_id is empty")
        # A repetition has to be equal in everything, so the sender is without the sequence number.
        if scope == "execution":
            event_id = f"execution-{execution_id}/{event_id}"
            sender = f"{execution_id}_{self._key.task_name}"
        else:
            sender = self._key.task_name
        return self._client.send_event(event, event_id=event_id, sender=sender)

    def register_listener(
        self,
        listener_processor: ListenerProcessor,
        event_keys: Optional[List[str]] = None,
        begin_time: Optional[datetime] = None,
    ) -> ListenerRegistrationId:
        """Delivers the events of the namespace with these keys, from `begin_time` or now on."""
        offset = self._client.time_to_offset(begin_time or datetime.now())
        return self._client.register_listener(listener_processor, event_keys, offset)

    def unregister_listener(self, registration_id: ListenerRegistrationId) -> None:
        """Delivers what has been stored so far, then ends the listener."""
        self._client.unregister_listener(registration_id)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> "AIFlowNotificationClient":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
