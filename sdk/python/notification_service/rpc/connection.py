"""A connection to one service of one or more servers: deadlines, attempts, the next server.

A call goes on until its time is over, over a server that restarts or to the next one that lives. It
is repeated only when that is harmless (sends carry an idempotency key), or when it was never sent.
"""

import random
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import grpc

from ai_flow.common.exception.exceptions import AIFlowException, ArgumentValueError, call_error
from notification_service.rpc.backoff import Backoff
from notification_service.rpc.channel import open_channel

RETRIED = frozenset(
    (
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        # By a server that ends in good order: nobody on this side cancels, but for close().
        grpc.StatusCode.CANCELLED,
    )
)
# More channels than this are kept only of addresses that were given.
MAX_CHANNELS = 32
# The longest pause that a busy server may ask for.
MAX_PUSHBACK_SECONDS = 10.0

MakeError = Callable[[str, str, str], AIFlowException]


class Limits(NamedTuple):
    """Of one call, in seconds."""

    retry: float  # no attempt begins later than this
    attempt: float  # the deadline of each attempt
    total: float  # the deadline of the last one


class Server(NamedTuple):
    address: str
    channel: grpc.Channel
    stub: Any


def addresses_of(server_uri: str) -> List[str]:
    """Of "a:1, b:2"."""
    if not isinstance(server_uri, str):
        raise ArgumentValueError(
            f"server_uri must be a text such as 'localhost:50051', not {server_uri!r}"
        )
    found = [address.strip() for address in server_uri.split(",") if address.strip()]
    if not found:
        raise ArgumentValueError("server_uri is empty; give host:port, or several with commas")
    return list(dict.fromkeys(found))


class Connection:
    """Thread-safe. Connects when it is first used."""

    def __init__(
        self,
        server_uri: str,
        stub_class: Callable[[grpc.Channel], Any],
        make_error: MakeError = call_error,
    ):
        self.addresses = addresses_of(server_uri)
        self.current_uri = self.addresses[0]
        # What servers say who lives; while they say nothing, the given addresses count.
        self.living_members: List[str] = []
        self.fails_over = len(self.addresses) > 1
        self.closed = threading.Event()
        self._stub_class = stub_class
        self._make_error = make_error
        self._lock = threading.Lock()
        self._servers: Dict[str, Server] = {}

    def server(self, address: Optional[str] = None) -> Server:
        """The one at `address`, by default the current one."""
        with self._lock:
            if self.closed.is_set():
                raise self._closed_error()
            address = address or self.current_uri
            found = self._servers.get(address)
            if found is None:
                channel = open_channel(address)
                found = Server(address, channel, self._stub_class(channel))
                self._servers[address] = found
                self._close_forgotten()
            return found

    def _close_forgotten(self) -> None:
        kept = {self.current_uri, *self.addresses, *self.living_members, *list(self._servers)[-1:]}
        for address in [a for a in self._servers if a not in kept]:
            if len(self._servers) > MAX_CHANNELS:
                self._servers.pop(address).channel.close()

    def error(self, code: str, message: str) -> AIFlowException:
        return self._make_error(code, message, self.current_uri)

    def _closed_error(self) -> AIFlowException:
        return self.error("CANCELLED", "the client is closed")

    def call(self, method: str, request: Any, limits: Limits, repeat: bool = True) -> Any:
        """The response; the exception of `make_error` when the call fails for good."""
        return self.run(
            method,
            lambda server, seconds: getattr(server.stub, method)(request, timeout=seconds),
            limits,
            repeat,
        )

    def run(
        self,
        name: str,
        attempt: Callable[[Server, float], Any],
        limits: Limits,
        repeat: bool = True,
    ) -> Any:
        """`attempt(server, seconds)` makes one call with a deadline; it may be made again with
        another server, or the same one. `repeat=False`: only when it was surely not sent."""
        begin = time.monotonic()
        backoff = Backoff()
        failed: List[str] = []
        while True:
            server = self.server()
            left = max(begin + limits.total - time.monotonic(), 0.001)
            try:
                return attempt(server, min(limits.attempt, left))
            except ValueError:
                # The channel was closed meanwhile: by close(), or as that of a forgotten member.
                if self.closed.is_set():
                    raise self._closed_error() from None
                if self._servers.get(server.address) is server:
                    raise
                continue
            except grpc.RpcError as error:
                if self.closed.is_set():
                    raise self._closed_error() from None
                pause = max(backoff.next(), pushback_seconds(error))
                again = error.code() in RETRIED and (
                    repeat or was_refused(error.code().name, error.details() or "")
                )
                if not again or time.monotonic() + pause >= begin + limits.retry:
                    code = error.code().name
                    text = f"{name} to {server.address}: {error.details() or code}"
                    if error.code() not in RETRIED:
                        text = f"{error.details() or code} (server {server.address})"
                    raise self._make_error(code, text, server.address) from error
            if not self.fail_over(server.address, failed):
                self.closed.wait(pause)

    def wait_for_server(self, probe: str, seconds: float) -> None:
        """Returns when a server answers, be it with an error."""

        # A ready future of gRPC would leave a thread behind that polls the closed channel.
        def ask(server: Server, timeout: float) -> None:
            try:
                # An empty message, which needs no serializer.
                server.channel.unary_unary(probe)(b"", timeout=timeout)
            except grpc.RpcError as error:
                if error.code() in RETRIED:
                    raise

        # One that hangs leaves the others their share of the time.
        share = seconds / len(self.addresses) if self.fails_over else seconds
        self.run(probe, ask, Limits(retry=seconds, attempt=share, total=seconds))

    def fail_over(self, address: str, failed: List[str]) -> bool:
        """Goes on to a server that is not in `failed`, which then has `address`. False: there is
        none, and `failed` begins anew."""
        if not self.fails_over:
            return False
        with self._lock:
            if self.current_uri != address:
                return True
            failed.append(address)
            known = self.living_members or self.addresses
            left = [other for other in known if other not in failed]
            found = bool(left)
            if not found:
                failed.clear()
                left = [other for other in self.addresses if other != address] or [address]
            self.current_uri = random.choice(left)
            return found

    def stay(self) -> None:
        """With the current server, from now on."""
        self.fails_over = False

    def close(self) -> None:
        """Calls that are under way fail. Doing it again does nothing."""
        self.closed.set()
        with self._lock:
            servers, self._servers = list(self._servers.values()), {}
        for server in servers:
            server.channel.close()


def pushback_seconds(error: grpc.RpcError) -> float:
    """How long a busy server asks its clients to wait; 0 when it does not say."""
    try:
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-retry-pushback-ms":
                return min(max(int(value) / 1000, 0.0), MAX_PUSHBACK_SECONDS)
    except (AttributeError, ValueError):
        pass
    return 0.0


def was_refused(code: str, message: str) -> bool:
    """No connection was made, so that nothing was sent. Only gRPC's words tell that from a
    connection that broke. Should they change, calls that must not be repeated are not."""
    words = message.lower()
    return code == "UNAVAILABLE" and (
        "failed to connect to" in words or "dns resolution failed" in words
    )
