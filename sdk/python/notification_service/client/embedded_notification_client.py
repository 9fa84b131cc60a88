"""The notification client over gRPC."""

import os
import threading
import uuid
from datetime import datetime
from typing import Any, Dict, List, Optional, Tuple

from ai_flow.common.exception.exceptions import ArgumentValueError
from notification_service.client.listener import CLOSE_SECONDS, EventListener
from notification_service.client.notification_client import (
    ListenerProcessor,
    ListenerRegistrationId,
    NotificationClient,
)
from notification_service.exceptions import NotificationException, RetryTimeout, notification_error
from notification_service.model.event import ANY_CONDITION, DEFAULT_NAMESPACE, Event
from notification_service.model.sender_event_count import SenderEventCount
from notification_service.rpc.connection import Connection, Limits
from notification_service.rpc.convert import event_from_proto, event_to_proto
from notification_service.rpc.members import MemberRefresh, find_first
from notification_service.rpc.protobuf import notification_service_pb2 as pb
from notification_service.rpc.protobuf import notification_service_pb2_grpc as pb_grpc

__all__ = [
    "EmbeddedNotificationClient",
    "NotificationException",
    "RetryTimeout",
    "SequenceNumManager",
]

DEFAULT_RETRY_SECONDS = 10.0
ATTEMPT_SECONDS = 5.0


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

    `server_uri` is `host:port`, or several with commas: when one does not answer, the next one is
    asked. Calls are repeated with pauses for `retry_seconds` (10; NOTIFICATION_RETRY_SECONDS) while
    no server answers, then are a RetryTimeout. What the service refuses is a NotificationException.
    `client_id` with `initial_seq_num` goes on as a client that was registered before.
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
            retry_seconds = _retry_seconds()
        self._retry_seconds = retry_seconds
        self.threads: Dict[str, EventListener] = {}
        self._lock = threading.Lock()
        self._closing = False
        self._connection = Connection(
            server_uri, pb_grpc.NotificationServiceStub, notification_error
        )
        self._members: Optional[MemberRefresh] = None
        try:
            if self._connection.fails_over:
                find_first(self._connection, retry_seconds)
            self._client_id = self._register(client_id)
        except BaseException:
            self._connection.close()
            raise
        self.sequence_num_manager = SequenceNumManager(initial_seq_num or 0)
        if self._connection.fails_over:
            self._members = MemberRefresh(self._connection)
            self._members.start()

    def _register(self, client_id: Optional[int]) -> int:
        if client_id is None:
            meta = pb.ClientMeta(namespace=self.namespace, sender=self.sender)
            request = pb.RegisterClientRequest(client_meta=meta)
            return int(self._call("registerClient", request).client_id)
        if not self._call("isClientExists", pb.ClientIdRequest(client_id=client_id)).is_exists:
            raise self._connection.error(
                "NOT_FOUND", "Init notification client with a client id which have not registered."
            )
        return client_id

    def _call(self, method: str, request: Any, limits: Optional[Limits] = None) -> Any:
        if limits is None:
            total = self._retry_seconds
            limits = Limits(retry=total, attempt=ATTEMPT_SECONDS, total=total)
        response = self._connection.call(method, request, limits)
        if response.return_code != pb.SUCCESS:
            # One of them has no room for a message.
            message = getattr(response, "return_msg", "") or f"{method} failed"
            raise self._connection.error("INVALID_ARGUMENT", message)
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
        """Stays with the current server. The refresh of the members ends after its current poll."""
        self._connection.stay()

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
            raise ArgumentValueError("event_id is empty; leave it out, or name what happened")
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
        """Delivers the events after `offset` (None: from the beginning) in a thread of its own:
        those of the client's namespace (None: of every one), with one of `event_keys` when there
        are any. After a restart of the service, or at another server, it goes on after the last
        delivered event."""
        listener = EventListener(
            self._connection,
            listener_processor,
            lambda events: self.filter_events(event_keys, events),
            offset or 0,
        )
        registration = ListenerRegistrationId(str(uuid.uuid4()))
        with self._lock:
            if self._closing:
                raise self._connection.error("CANCELLED", "the client is closed")
            self.threads[registration.id] = listener
        listener.start()
        return registration

    def unregister_listener(self, registration_id: ListenerRegistrationId) -> None:
        with self._lock:
            listener = self.threads.pop(registration_id.id, None)
        if listener is not None:
            listener.stop()

    def filter_events(self, event_keys: Optional[List[str]], events: List[Event]) -> List[Event]:
        """Those of the client's namespace with one of the keys; no keys are every key."""
        keys = set(event_keys or (ANY_CONDITION,))
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
        """Ends the listeners after a last read and unregisters the client. With a service that is
        gone it takes a few seconds. Doing it again does nothing; afterwards, calls fail."""
        with self._lock:
            listeners, self.threads = list(self.threads.values()), {}
            first, self._closing = not self._closing, True
        if not first:
            return
        for listener in listeners:
            listener.ask_to_stop(CLOSE_SECONDS)
        for listener in listeners:
            listener.wait()
        try:
            request = pb.ClientIdRequest(client_id=self._client_id)
            # Not twice: the second answer would be that there is no such client.
            self._call("deleteClient", request, Limits(0, CLOSE_SECONDS, CLOSE_SECONDS))
        except RetryTimeout:
            pass  # The service is gone; its registration costs it a row.
        finally:
            self._connection.close()
            if self._members is not None:
                self._members.join(CLOSE_SECONDS)

    def __enter__(self) -> "EmbeddedNotificationClient":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _retry_seconds() -> float:
    text = os.environ.get("NOTIFICATION_RETRY_SECONDS", "").strip()
    try:
        return float(text) if text else DEFAULT_RETRY_SECONDS
    except ValueError:
        raise ArgumentValueError(
            f"NOTIFICATION_RETRY_SECONDS is {text!r}; it takes a number of seconds"
        ) from None


def _matching(namespace: Optional[str]) -> str:
    return "default" if namespace in (None, "", DEFAULT_NAMESPACE) else str(namespace)
