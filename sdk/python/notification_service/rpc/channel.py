"""The one place where a channel to a server is made."""

import grpc

from notification_service.rpc.credentials import open_with_credentials

_LOCAL_HOSTS = ("localhost:", "127.", "[::1]:", "unix:")


def open_channel(address: str) -> grpc.Channel:
    """To one server; connects when it is first used. The caller closes it."""
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        # How long making a connection may take, whatever its name says.
        ("grpc.min_reconnect_backoff_ms", 2000),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if address.startswith(_LOCAL_HOSTS):
        options.append(("grpc.enable_http_proxy", 0))
    return open_with_credentials(address, options)
