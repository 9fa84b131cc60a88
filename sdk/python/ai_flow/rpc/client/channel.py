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
    """AIFlowException when no server answers in time. Asks for something small: a ready future of
    gRPC would leave a thread behind that polls the closed channel."""
    probe = channel.unary_unary("/ai_flow.SchedulerService/listNamespaces")
    try:
        # An empty message, which needs no serializer.
        probe(b"", timeout=CONNECT_SECONDS, wait_for_ready=True)
    except grpc.RpcError as error:
        if error.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE):
            return
        raise AIFlowException(
            f"no AIFlow server answers at {server_uri}; is it running? (`aiflow standalone`, or "
            f"set server_address in aiflow_client.yaml or the environment variable AIFLOW_SERVER)"
        ) from None


def server_error(error: grpc.RpcError, server_uri: str) -> AIFlowException:
    return AIFlowException(f"{error.details() or error.code().name} (server {server_uri})")


def call_scheduler(method: Any, request: Any, server_uri: str) -> Any:
    """One call; AIFlowException instead of grpc.RpcError."""
    try:
        return method(request, timeout=CALL_SECONDS)
    except grpc.RpcError as error:
        raise server_error(error, server_uri) from error
