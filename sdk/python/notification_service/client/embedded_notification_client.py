"""The notification client over gRPC."""

import os
import threading
import uuid
from datetime import datetime
from typing import Dict, List, Optional, Tuple

from notification_service.client.listener import EventListener
from notification_service.client.notification_client import (
    ListenerProcessor,
    ListenerRegistrationId,
    NotificationClient,
)
from notification_service.model.event import ANY_CONDITION, DEFAULT_NAMESPACE, Event
from notification_service.model.sender_event_count import SenderEventCount
from notification_service.rpc.connection import Connection, RetryTimeout
from notification_service.rpc.convert import event_from_proto, event_to_proto
from notification_service.rpc.protobuf import notification_service_pb2 as pb

DEFAULT_RETRY_SECONDS = 10.0


class NotificationException(Exception):
    """The notification service refused a request; the message is its own."""


class SequenceNumManager:
    """Numbers the events of a client. Thread-safe: no two sends share a number."""

    def __init__(self, initial: int = 0):
        self._lock = threading.Lock()
        self._next = initial

    def take(self) -> int:
        with self._lock:
            number = self._next
            self._next += 1
            return number

    def get_sequence_number(self) -> int:
        """The number that the next send takes."""
        with self._lock:
            return self._next


class EmbeddedNotificationClient(NotificationClient):
    """A registered client of a notification service. Thread-safe.

    `server_uri` is `host:port`, or several with commas for a highly available service. Calls are
    repeated with pauses for `retry_seconds` (10; NOTIFICATION_RETRY_SECONDS) while no server
    answers. `client_id` with `initial_seq_num` goes on as a client that was registered before.
    """

    def __init__(
        self,
        server_uri: str,
        namespace: Optional[str] = None,
        sender: Optional[str] = None,
        client_id: Optional[int] = None,
        initial_seq_num: Optional[int] = None,
        retry_seconds: Optional[float] = None,
    ):
        super().__init__(namespace, sender)
        if retry_seconds is None:
            retry_seconds = float(
                os.environ.get("NOTIFICATION_RETRY_SECONDS") or DEFAULT_RETRY_SECONDS
            )
        self._retry_seconds = retry_seconds
        self.threads: Dict[str, EventListener] = {}
        self._lock = threading.Lock()
        self._connection = Connection(server_uri)
        try:
            self._client_id = self._register(client_id)
        except BaseException:
            self._connection.close()
            raise
        self.sequence_num_manager = SequenceNumManager(initial_seq_num or 0)

    def _register(self, client_id: Optional[int]) -> int:
        if client_id is None:
            meta = pb.ClientMeta(namespace=self.namespace, sender=self.sender)
            request = pb.RegisterClientRequest(client_meta=meta)
            return int(self._call("registerClient", request).client_id)
        if not self._call("isClientExists", pb.ClientIdRequest(client_id=client_id)).is_exists:
            raise NotificationException(
                "Init notification client with a client id which have not registered."
            )
        return client_id

    def _call(self, method: str, request, seconds: Optional[float] = None):  # type: ignore
        response = self._connection.call(
            method, request, self._retry_seconds if seconds is None else seconds
        )
        if response.return_code != pb.SUCCESS:
            raise NotificationException(response.return_msg)
        return response

    @property
    def client_id(self) -> int:
        return self._client_id

    @property
    def sequence_number(self) -> int:
        """The number of the next event."""
        return self.sequence_num_manager.get_sequence_number()

    @property
    def current_uri(self) -> str:
        return self._connection.current_uri

    @property
    def living_members(self) -> List[str]:
        return self._connection.living_members

    def disable_high_availability(self) -> None:
        self._connection.disable_high_availability()

    def send_event(
        self, event: Event, event_id: Optional[str] = None, sender: Optional[str] = None
    ) -> Event:
        """Stores the event, in the client's namespace and by its sender, and returns it with offset
        and time. However often it is sent underneath, it is stored once. `event_id` makes that hold
        also beyond this client: an event of this namespace with the same id and the same content,
        sent before by whomever, is returned instead; with other content it is an error. `sender`
        replaces the client's."""
        if event_id is None:
            event_id = f"client_{self._client_id}_{self.sequence_num_manager.take()}"
        elif not event_id:
            raise ValueError("event_id is empty")
        proto = event_to_proto(event)
        proto.namespace = self.namespace or ""
        proto.sender = (self.sender if sender is None else sender) or ""
        request = pb.SendEventRequest(event=proto, uuid=event_id, enable_idempotence=True)
        return event_from_proto(self._call("sendEvent", request).event)

    def register_listener(
        self,
        listener_processor: ListenerProcessor,
        event_keys: Optional[List[str]] = None,
        offset: Optional[int] = None,
    ) -> ListenerRegistrationId:
        """Delivers the events after `offset` (None: from the beginning) in a thread of its own.
        With `event_keys`, those with one of the keys in the client's namespace; else all."""
        listener = EventListener(
            self._connection,
            listener_processor,
            lambda events: self.filter_events(event_keys, events),
            offset or 0,
        )
        registration = ListenerRegistrationId(str(uuid.uuid4()))
        with self._lock:
            self.threads[registration.id] = listener
        listener.start()
        return registration

    def unregister_listener(self, registration_id: ListenerRegistrationId) -> None:
        with self._lock:
            listener = self.threads.pop(registration_id.id, None)
        if listener is not None:
            listener.stop()

    def filter_events(self, event_keys: Optional[List[str]], events: List[Event]) -> List[Event]:
        if not event_keys:
            return list(events)
        keys = set(event_keys)
        namespace = _matching(self.namespace) if self.namespace is not None else None
        return [
            event
            for event in events
            if (event.key in keys or ANY_CONDITION in keys)
            and (namespace is None or _matching(event.namespace) == namespace)
        ]

    def list_events(
        self,
        key: Optional[str] = None,
        namespace: Optional[str] = None,
        sender: Optional[str] = None,
        begin_offset: Optional[int] = None,
        end_offset: Optional[int] = None,
    ) -> List[Event]:
        request = pb.ListEventsRequest(
            key=key,
            namespace=namespace,
            sender=sender,
            start_offset=begin_offset,
            end_offset=end_offset,
        )
        return [event_from_proto(event) for event in self._call("listEvents", request).events]

    def list_all_events(
        self,
        start_time: Optional[int] = None,
        start_offset: Optional[int] = None,
        end_offset: Optional[int] = None,
    ) -> List[Event]:
        request = pb.ListAllEventsRequest(
            start_time=start_time, start_offset=start_offset, end_offset=end_offset
        )
        return [event_from_proto(event) for event in self._call("listAllEvents", request).events]

    def count_events(
        self,
        key: Optional[str] = None,
        namespace: Optional[str] = None,
        sender: Optional[str] = None,
        begin_offset: Optional[int] = None,
        end_offset: Optional[int] = None,
    ) -> Tuple[int, List[SenderEventCount]]:
        request = pb.CountEventsRequest(
            key=key,
            namespace=namespace,
            sender=sender,
            start_offset=begin_offset,
            end_offset=end_offset,
        )
        response = self._call("countEvents", request)
        counts = [
            SenderEventCount(count.sender, count.event_count)
            for count in response.sender_event_counts
        ]
        return response.event_count, counts

    def time_to_offset(self, time: datetime) -> int:
        request = pb.TimeToOffsetRequest(timestamp=int(time.timestamp() * 1000))
        return int(self._call("timestampToEventOffset", request).offset)

    def close(self) -> None:
        """Ends the listeners and unregisters the client. Doing it again does nothing."""
        if self._connection.closed.is_set():
            return
        with self._lock:
            listeners, self.threads = list(self.threads.values()), {}
        for listener in listeners:
            listener.stop()
        try:
            self._call("deleteClient", pb.ClientIdRequest(client_id=self._client_id), seconds=2)
        except RetryTimeout:
            pass  # The service is gone; its registration costs it a row.
        finally:
            self._connection.close()

    def __enter__(self) -> "EmbeddedNotificationClient":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _matching(namespace: Optional[str]) -> str:
    return "default" if namespace in (None, "", DEFAULT_NAMESPACE) else str(namespace)
