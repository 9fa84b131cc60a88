"""One registered listener: a thread that follows the log."""

import logging
import os
import threading
from typing import Any, Callable, List, Optional

import grpc

from ai_flow.common.exception.exceptions import AIFlowException, ArgumentValueError
from notification_service.client.notification_client import ListenerProcessor
from notification_service.model.event import Event
from notification_service.rpc.backoff import Backoff
from notification_service.rpc.connection import Connection, pushback_seconds
from notification_service.rpc.convert import event_from_proto
from notification_service.rpc.protobuf import notification_service_pb2 as pb

DEFAULT_POLL_SECONDS = 5
# How much later than its poll an answer may come.
ANSWER_SECONDS = 5.0
# Of the last read, when the listener ends with its client.
CLOSE_SECONDS = 2.0
_log = logging.getLogger(__name__)


def poll_seconds() -> int:
    """Length of one long poll: NOTIFICATION_TIMEOUT_SECONDS, by default 5."""
    text = os.environ.get("NOTIFICATION_TIMEOUT_SECONDS", "").strip()
    if not text:
        return DEFAULT_POLL_SECONDS
    try:
        return min(max(int(float(text)), 1), 3600)
    except (ValueError, OverflowError):
        raise ArgumentValueError(
            f"NOTIFICATION_TIMEOUT_SECONDS is {text!r}; it takes a number of seconds"
        ) from None


class Refused(Exception):
    """The service answered ERROR."""


class EventListener(threading.Thread):
    """Delivers every event after `offset` once, in order, whatever the servers go through."""

    def __init__(
        self,
        connection: Connection,
        processor: ListenerProcessor,
        keep: Callable[[List[Event]], List[Event]],
        offset: int,
    ):
        super().__init__(name="notification-listener", daemon=True)
        self._connection = connection
        self._processor = processor
        self._keep = keep
        self._offset = offset
        self._poll_seconds = poll_seconds()
        self._drain_seconds = ANSWER_SECONDS
        self._stopping = threading.Event()
        self._poll_lock = threading.Lock()
        self._poll: Optional[Any] = None

    def run(self) -> None:
        backoff = Backoff()
        failed: List[str] = []
        while not self._stopping.is_set():
            uri = self._connection.current_uri
            try:
                self._deliver(self._wait_for_events())
                backoff.reset()
                failed.clear()
                continue
            except (grpc.RpcError, ValueError, Refused, AIFlowException) as error:
                if self._stopping.is_set() or self._connection.closed.is_set():
                    break
                pause = max(backoff.next(), pushback_seconds(error))
                _log.debug("listener lost %s, goes on from offset %d: %s", uri, self._offset, error)
            if not self._connection.fail_over(uri, failed):
                self._stopping.wait(pause)
        self._drain()

    def _wait_for_events(self) -> List[Event]:
        request = pb.ListAllEventsRequest(
            start_offset=self._offset, timeout_seconds=self._poll_seconds
        )
        method = self._connection.server().stub.listAllEvents
        with self._poll_lock:
            if self._stopping.is_set():
                return []
            self._poll = method.future(request, timeout=self._poll_seconds + ANSWER_SECONDS)
        try:
            return _events(self._poll.result())
        except grpc.FutureCancelledError:
            return []

    def _deliver(self, events: List[Event]) -> None:
        if not events:
            return
        kept = self._keep(events)
        if kept:
            try:
                self._processor.process(kept)
            except Exception:
                _log.exception(
                    "listener failed on events %s to %s", kept[0].offset, kept[-1].offset
                )
        self._offset = events[-1].offset or self._offset

    def _drain(self) -> None:
        """What is stored by now, once."""
        if self._connection.closed.is_set():
            return
        try:
            stub = self._connection.server().stub
            seconds = self._drain_seconds
            request = pb.ListAllEventsRequest(start_offset=self._offset)
            try:
                self._deliver(_events(stub.listAllEvents(request, timeout=seconds)))
            except Refused:
                # Too much for one answer; a poll answers with as much as there is room for.
                newest = pb.TimeToOffsetRequest(timestamp=(1 << 63) - 1)
                end = stub.timestampToEventOffset(newest, timeout=seconds).offset
                while self._offset < end:
                    request = pb.ListAllEventsRequest(
                        start_offset=self._offset, end_offset=end, timeout_seconds=1
                    )
                    events = _events(stub.listAllEvents(request, timeout=1 + seconds))
                    if not events:
                        break
                    self._deliver(events)
        except (grpc.RpcError, ValueError, Refused, AIFlowException) as error:
            _log.warning("listener ended at offset %d without a last read: %s", self._offset, error)

    def ask_to_stop(self, drain_seconds: float = ANSWER_SECONDS) -> None:
        """Does not wait."""
        self._drain_seconds = drain_seconds
        self._stopping.set()
        with self._poll_lock:
            if self._poll is not None:
                self._poll.cancel()

    def stop(self) -> None:
        """Delivers what has been stored so far, then ends; returns when it has ended."""
        self.ask_to_stop()
        self.wait()

    def wait(self) -> None:
        if self is not threading.current_thread():
            self.join()


def _events(response: Any) -> List[Event]:
    if response.return_code != pb.SUCCESS:
        raise Refused(response.return_msg)
    return [event_from_proto(event) for event in response.events]
