"""Connections to the AIFlow server, and failed calls as AIFlowExceptions."""

from typing import Any, Callable

from ai_flow.common.exception.exceptions import CallError, call_error
from notification_service.rpc.connection import Connection, Limits, was_refused

# How long a call waits for a server that is not there (yet).
CONNECT_SECONDS = 10.0
# How long a server may take for an answer.
CALL_SECONDS = 60.0

_PROBE = "/ai_flow.SchedulerService/listNamespaces"


def open_connection(server_uri: str, stub_class: Callable[[Any], Any]) -> Connection:
    """`server_uri` is host:port, or several with commas."""

    def make_error(code: str, message: str, address: str) -> CallError:
        if was_refused(code, message):
            message = (
                f"no AIFlow server answers at {server_uri}; is it running? (`aiflow standalone`, "
                f"or set server_address in aiflow_client.yaml or the environment variable "
                f"AIFLOW_SERVER): {message}"
            )
        return call_error(code, message, address)

    return Connection(server_uri, stub_class, make_error)


def wait_ready(connection: Connection) -> None:
    """UnavailableError when no server answers in time."""
    connection.wait_for_server(_PROBE, CONNECT_SECONDS)


def limits() -> Limits:
    """Of a call: tried again for ten seconds while no server answers, a minute for the answer."""
    return Limits(retry=CONNECT_SECONDS, attempt=CALL_SECONDS, total=CALL_SECONDS)
