"""Channels: made in one place, closed by whoever opened them."""

import os
import pathlib
import socket
import threading
import time

import pytest
from fake_server import NOT_FOUND, success

import ai_flow
import notification_service
from ai_flow import ops
from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.rpc.client.aiflow_client import get_notification_client, get_scheduler_client
from ai_flow.rpc.protobuf import message_pb2 as pb
from notification_service.client.embedded_notification_client import EmbeddedNotificationClient
from notification_service.exceptions import RetryTimeout
from notification_service.model.event import Event


def open_sockets():
    """Of this process."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def settled(count, patience=20):
    """The number of sockets, once it is at most `count`; gRPC closes them in the background."""
    end = time.monotonic() + patience
    while len(open_sockets()) > count and time.monotonic() < end:
        threading.Event().wait(0.02)
    return len(open_sockets())


@pytest.fixture
def opened(monkeypatch):
    """The channels that the SDK opens."""
    from notification_service.rpc import connection

    channels = []
    make = connection.open_channel

    class Counted:
        def __init__(self, address):
            self._channel = make(address)
            self.closed = False
            channels.append(self)

        def close(self):
            self.closed = True
            self._channel.close()

        def __getattr__(self, name):
            return getattr(self._channel, name)

    monkeypatch.setattr(connection, "open_channel", Counted)
    return channels


def test_there_is_one_place_where_a_channel_is_made():
    places = []
    for package in (ai_flow, notification_service):
        for path in pathlib.Path(package.__path__[0]).rglob("*.py"):
            text = path.read_text()
            if "insecure_channel" in text or "secure_channel" in text:
                places.append(path.name)
    assert places == ["credentials.py"]


def test_operations_close_what_they_open(server, opened):
    server.answers["getNamespace"] = success(pb.NamespaceProto(name="n"))
    ops.get_namespace("n")
    before = len(open_sockets())
    for _ in range(25):
        ops.get_namespace("n")
        ops.list_pools()
    assert settled(before) <= before
    assert len(opened) == 51 and all(channel.closed for channel in opened)


def test_operations_that_fail_close_what_they_open(server, opened, monkeypatch):
    server.answers["getNamespace"] = pb.Response(return_code="1", error_msg="no")
    for _ in range(5):
        with pytest.raises(AIFlowException):
            ops.get_namespace("n")
    monkeypatch.setenv("AIFLOW_SERVER", "localhost:1")
    monkeypatch.setattr("ai_flow.rpc.client.channel.CONNECT_SECONDS", 0.1)
    for _ in range(3):
        with pytest.raises(AIFlowException, match="no AIFlow server answers"):
            ops.get_namespace("n")
    assert len(opened) == 8 and all(channel.closed for channel in opened)


def test_a_client_has_one_channel_for_everything(notification, opened):
    client = EmbeddedNotificationClient(notification.uri)

    for number in range(20):
        client.send_event(Event(str(number), None))
        client.list_events()
    assert len(opened) == 1
    client.close()
    assert opened[0].closed


def test_a_constructor_that_fails_leaves_no_channel(opened):
    for uri in ("localhost:1", "localhost:1,localhost:2"):
        with pytest.raises(RetryTimeout):
            EmbeddedNotificationClient(uri, retry_seconds=0.1)
    assert opened and all(channel.closed for channel in opened)


def test_clients_by_their_addresses_are_closed_by_their_users(server, notification, opened):
    server.answers["getWorkflow"] = NOT_FOUND
    with get_scheduler_client() as scheduler:
        scheduler.get_workflow("flow", "default")
    with get_notification_client(notification.uri, "default", "me") as client:
        assert client.send_event(Event("key", None)).sender == "me"
    assert len(opened) == 2 and all(channel.closed for channel in opened)


def test_every_call_has_a_deadline(monkeypatch):
    """A server that takes the connection and says nothing holds nobody for ever."""
    monkeypatch.setattr("ai_flow.rpc.client.channel.CONNECT_SECONDS", 0.3)
    monkeypatch.setattr("ai_flow.rpc.client.channel.CALL_SECONDS", 0.3)
    with socket.socket() as silent:
        silent.bind(("localhost", 0))
        silent.listen()
        uri = f"localhost:{silent.getsockname()[1]}"
        monkeypatch.setenv("AIFLOW_SERVER", uri)
        begin = time.monotonic()
        with pytest.raises(AIFlowException) as raised:
            ops.get_namespace("n")
        assert raised.value.address == uri
        with pytest.raises(RetryTimeout):
            EmbeddedNotificationClient(uri, retry_seconds=0.3)
        assert time.monotonic() - begin < 10
