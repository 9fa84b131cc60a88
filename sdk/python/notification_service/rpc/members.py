"""Which servers of a highly available notification service live."""

import threading
import time

import grpc

from ai_flow.common.exception.exceptions import AIFlowException
from notification_service.rpc.backoff import Backoff
from notification_service.rpc.connection import Connection
from notification_service.rpc.protobuf import notification_service_pb2 as pb

POLL_SECONDS = 1
# Beyond the time of the poll.
ANSWER_SECONDS = 5.0


def find_first(connection: Connection, retry_seconds: float) -> None:
    """Makes the first of its servers that answers the current one. Asks them in turn until the time
    is over."""
    end = time.monotonic() + retry_seconds
    backoff = Backoff()
    while True:
        for address in connection.addresses:
            try:
                response = connection.server(address).stub.listMembers(
                    pb.ListMembersRequest(), timeout=ANSWER_SECONDS
                )
            except grpc.RpcError:
                continue
            connection.current_uri = address
            connection.living_members = [member.server_uri for member in response.members]
            return
        pause = backoff.next()
        if time.monotonic() + pause >= end:
            raise connection.error("UNAVAILABLE", "No available server uri!")
        connection.closed.wait(pause)


class MemberRefresh(threading.Thread):
    """Asks the current server each second, until the connection fails over no more."""

    def __init__(self, connection: Connection):
        super().__init__(name="notification-members", daemon=True)
        self._connection = connection

    def run(self) -> None:
        connection = self._connection
        while connection.fails_over and not connection.closed.is_set():
            pause: float = POLL_SECONDS
            try:
                response = connection.server().stub.listMembers(
                    pb.ListMembersRequest(timeout_seconds=POLL_SECONDS),
                    timeout=POLL_SECONDS + ANSWER_SECONDS,
                )
                connection.living_members = [member.server_uri for member in response.members]
                if response.members:
                    pause = 0.0
            except (grpc.RpcError, ValueError, AIFlowException):
                pass  # Those who send or listen go on to another server, and this with them.
            connection.closed.wait(pause)
