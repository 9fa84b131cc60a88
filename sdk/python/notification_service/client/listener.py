"""One registered listener: a thread that follows the log."""

import logging
import os
import random
import threading
from typing import Any, Callable, List, Optional

import grpc

from notification_service.client.notification_client import ListenerProcessor
from notification_service.model.event import Event
from notification_service.rpc.connection import (
    ATTEMPT_SECONDS,
    FIRST_PAUSE_SECONDS,
    MAX_PAUSE_SECONDS,
    Connection,
)
from notification_service.rpc.convert import event_from_proto
from notification_service.rpc.protobuf import notification_service_pb2 as pb

DEFAULT_POLL_SECONDS = 5
_log = logging.getLogger(__name__)


def poll_seconds() -> int:
    """Length of one long poll: NOTIFICATION_TIMEOUT_SECONDS, by default 5."""
    text = os.environ.get("NOTIFICATION_TIMEOUT_SECONDS", "")
    try:
        return max(int(text), 1)
    except ValueError:
        return DEFAULT_POLL_SECONDS


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
        self._stopping = threading.Event()
        self._poll_lock = threading.Lock()
        self._poll: Optional[Any] = None

    def run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        failed: List[str] = []
        while not self._stopping.is_set():
            uri = self._connection.current_uri
            try:
                self._deliver(self._list(poll_seconds()))
                pause = FIRST_PAUSE_SECONDS
                failed.clear()
                continue
            except (grpc.RpcError, ValueError, RuntimeError) as error:
                if self._stopping.is_set() or self._connection.closed.is_set():
                    break
                _log.debug("listener lost %s, goes on from offset %d: %s", uri, self._offset, error)
            if not self._connection.fail_over(uri, failed):
                self._stopping.wait(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, MAX_PAUSE_SECONDS)
        self._drain()

    def _list(self, timeout_seconds: int) -> List[Event]:
        """Raises grpc.RpcError, ValueError for a closed channel, RuntimeError for a refusal."""
        request = pb.ListAllEventsRequest(
            start_offset=self._offset, timeout_seconds=timeout_seconds
        )
        method = self._connection.stub().listAllEvents
        if timeout_seconds == 0:
            response = method(request, timeout=ATTEMPT_SECONDS)
        else:
            with self._poll_lock:
                if self._stopping.is_set():
                    return []
                self._poll = method.future(request, timeout=timeout_seconds + ATTEMPT_SECONDS)
            try:
                response = self._poll.result()
            except grpc.FutureCancelledError:
                return []
        if response.return_code != pb.SUCCESS:
            raise RuntimeError(response.return_msg)
        return [event_from_proto(event) for event in response.events]

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
        if self._connection.closed.is_set():
            return
        try:
            self._deliver(self._list(0))
        except (grpc.RpcError, ValueError, RuntimeError) as error:
            _log.warning("listener ended at offset %d without a last read: %s", self._offset, error)

    def stop(self) -> None:
        """Delivers what has been stored so far, then ends; returns when it has ended."""
        self._stopping.set()
        with self._poll_lock:
            if self._poll is not None:
                self._poll.cancel()
        if self is not threading.current_thread():
            self.join()
