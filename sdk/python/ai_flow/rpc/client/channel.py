"""Channels to the AIFlow server, and errors of calls as AIFlowException."""

from typing import Any

import grpc

from ai_flow.common.exception.exceptions import AIFlowException
from notification_service.rpc.connection import open_channel

# How long a call waits for a server that is not there (yet).
CONNECT_SECONDS = 10.0
# How long a server may take for an answer.
CALL_SECONDS = 60.0

__all__ = ["CALL_SECONDS", "call_scheduler", "open_channel", "server_error", "wait_ready"]


def wait_ready(channel: grpc.Channel, server_uri: str) -> None:
    try:
        grpc.channel_ready_future(channel).result(timeout=CONNECT_SECONDS)
    except grpc.FutureTimeoutError:
        raise AIFlowException(
            f"no AIFlow server answers at {server_uri}; is it running? (`aiflow standalone`, or set "
            f"server_address in aiflow_client.yaml or the environment variable AIFLOW_SERVER)"
        ) from None


def server_error(error: grpc.RpcError, server_uri: str) -> AIFlowException:
    return AIFlowException(f"{error.details() or error.code().name} (server {server_uri})")


def call_scheduler(method: Any, request: Any, server_uri: str) -> Any:
    """One call; AIFlowException instead of grpc.RpcError."""
    try:
        return method(request, timeout=CALL_SECONDS)
    except grpc.RpcError as error:
        raise server_error(error, server_uri) from error
