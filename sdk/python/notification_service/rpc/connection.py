"""One connection to a notification service of one or more servers, with deadlines and retries.

Every call of the service is safe to repeat (sends carry an idempotency key), so a call goes on
until its time is over, over a server that restarts or to the next one that lives.
"""

import random
import threading
import time
from typing import Any, List

import grpc

from notification_service.rpc.protobuf import notification_service_pb2 as pb
from notification_service.rpc.protobuf import notification_service_pb2_grpc as pb_grpc

ATTEMPT_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 2.0
MEMBER_POLL_SECONDS = 1
RETRIED = frozenset(
    (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        # By a server that ends in good order: nobody on this side cancels, but for close().
        grpc.StatusCode.CANCELLED,
    )
)
_LOCAL_HOSTS = ("localhost:", "127.", "[::1]:", "unix:")


class RetryTimeout(Exception):
    """No server answered in time."""


def open_channel(server_uri: str) -> grpc.Channel:
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if server_uri.startswith(_LOCAL_HOSTS):
        options.append(("grpc.enable_http_proxy", 0))
    return grpc.insecure_channel(server_uri, options=options)


class Connection:
    """Thread-safe."""

    def __init__(self, server_uri: str):
        self._lock = threading.Lock()
        self._candidates = [uri.strip() for uri in server_uri.split(",") if uri.strip()]
        if not self._candidates:
            raise ValueError("server_uri is empty")
        self.highly_available = len(self._candidates) > 1
        self.living_members: List[str] = []
        self._closed = threading.Event()
        self._open(self._candidates[0])
        if self.highly_available:
            self._find_first()
            threading.Thread(
                target=self._refresh_members, name="notification-members", daemon=True
            ).start()

    def _open(self, uri: str) -> None:
        self.current_uri = uri
        self._channel = open_channel(uri)
        self._stub = pb_grpc.NotificationServiceStub(self._channel)

    def _find_first(self) -> None:
        for uri in self._candidates:
            self._switch(self.current_uri, uri)
            try:
                response = self.stub().listMembers(pb.ListMembersRequest(), timeout=ATTEMPT_SECONDS)
            except grpc.RpcError:
                continue
            self.living_members = [member.server_uri for member in response.members]
            return
        self.close()
        raise Exception("No available server uri!")

    def stub(self) -> Any:
        with self._lock:
            return self._stub

    def _switch(self, failed: str, to: str) -> None:
        with self._lock:
            if self.current_uri != failed or failed == to or self._closed.is_set():
                return
            old = self._channel
            self._open(to)
        old.close()

    def _refresh_members(self) -> None:
        while self.highly_available:
            try:
                response = self.stub().listMembers(
                    pb.ListMembersRequest(timeout_seconds=MEMBER_POLL_SECONDS),
                    timeout=MEMBER_POLL_SECONDS + ATTEMPT_SECONDS,
                )
                self.living_members = [member.server_uri for member in response.members]
                pause = 0.0 if response.members else MEMBER_POLL_SECONDS
            except (grpc.RpcError, ValueError):
                pause = MEMBER_POLL_SECONDS
            self._closed.wait(pause)

    def call(self, method: str, request: Any, total_seconds: float) -> Any:
        """The response; RetryTimeout after `total_seconds`, grpc.RpcError for what is not worth
        another attempt."""
        deadline = time.monotonic() + total_seconds
        pause = FIRST_PAUSE_SECONDS
        failed: List[str] = []
        while True:
            uri = self.current_uri
            left = max(deadline - time.monotonic(), 0.001)
            try:
                return getattr(self.stub(), method)(request, timeout=min(ATTEMPT_SECONDS, left))
            except ValueError:
                # The channel was closed: by close(), or by another thread that switched.
                if self._closed.is_set():
                    raise RetryTimeout("the notification client is closed") from None
                continue
            except grpc.RpcError as error:
                if self._closed.is_set():
                    raise RetryTimeout("the notification client is closed") from None
                if error.code() == grpc.StatusCode.CANCELLED and self.current_uri != uri:
                    continue
                if error.code() not in RETRIED:
                    raise
                if time.monotonic() + pause >= deadline:
                    raise RetryTimeout(
                        f"Rpc retry timeout! {method} to {uri}: {error.details()}"
                    ) from error
            if not self.fail_over(uri, failed):
                self._closed.wait(pause * random.uniform(0.5, 1.0))
                pause = min(pause * 2, MAX_PAUSE_SECONDS)

    def fail_over(self, uri: str, failed: List[str]) -> bool:
        """Goes on to a server that is not in `failed`, which then has `uri`. False: there is none,
        and `failed` begins anew."""
        if not self.highly_available:
            return False
        if self.current_uri != uri:
            return True
        failed.append(uri)
        known = self.living_members or self._candidates
        left = [other for other in known if other not in failed]
        if not left:
            failed.clear()
            left = [other for other in self._candidates if other != uri]
            self._switch(uri, random.choice(left or [uri]))
            return False
        self._switch(uri, random.choice(left))
        return True

    def disable_high_availability(self) -> None:
        """Stays with the current server; the member refresh ends after its current poll."""
        self.highly_available = False

    @property
    def closed(self) -> threading.Event:
        return self._closed

    def close(self) -> None:
        self._closed.set()
        self.highly_available = False
        with self._lock:
            channel = self._channel
        channel.close()
