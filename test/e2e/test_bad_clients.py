"""Clients that are slow, vanish, say nothing or talk nonsense cost others nothing and little memory."""

import os
import pathlib
import resource
import socket
import threading
import time

import field_numbers
import grpc
import pytest
from ai_flow.rpc.protobuf import event_log_pb2, event_log_pb2_grpc
from aiflow_server import Server, wait_until
from notification_service.client.embedded_notification_client import EmbeddedNotificationClient
from notification_service.model.event import Event

MEBIBYTE = 1 << 20
IDLE_CONNECTIONS = 2000  # to each port
HEADERS_AND_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Server(tmp_path_factory.mktemp("bad") / "home") as running:
        yield running


@pytest.fixture
def client(server):
    client = field_numbers.notification_client(server.endpoints()["notification_uri"])
    yield client
    client.close()


def resident(server):
    """MiB of the server."""
    for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def address(uri):
    host, port = uri.replace("http://", "").rsplit(":", 1)
    return host, int(port)


def addresses(server):
    endpoints = server.endpoints()
    return [address(endpoints[name]) for name in ("server_uri", "notification_uri", "http_url")]


def connect(where):
    return socket.create_connection(where, timeout=30)


def send(client, key, value="v", namespace="bad"):
    event = field_numbers.notification["EventProto"](key=key, value=value, namespace=namespace)
    response = client.sendEvent(event=event, enable_idempotence=True)
    assert response.return_code == 0, response.return_msg
    return response.event.offset


def answers(server, client):
    """Every port does its work."""
    send(client, "alive")
    assert server.rows("workflow", "list") == []
    host, port = address(server.endpoints()["http_url"])
    with connect((host, port)) as http:
        http.sendall(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert b" 200 " in http.recv(100)
    return True


class Subscriber:
    """A stream of the current API that reads only when it is told to."""

    def __init__(self, server, after=None, **options):
        self.channel = grpc.insecure_channel(
            server.endpoints()["notification_uri"],
            options=[("grpc.http2.bdp_probe", 0), ("grpc.max_receive_message_length", -1),
                     ("grpc.use_local_subchannel_pool", 1)])
        request = event_log_pb2.SubscribeRequest(
            from_now=after is None, after_offset=after or 0, **options)
        self.stream = event_log_pb2_grpc.EventLogStub(self.channel).Subscribe(request)

    def read(self, until):
        """The keys, up to the one named."""
        keys = []
        for response in self.stream:
            keys += [event.key for event in response.events]
            if until in keys:
                return keys
        raise AssertionError(f"the stream ended after {keys[-1:]}")

    def close(self):
        self.channel.close()


def test_slow_readers_hold_up_nobody_and_lose_nothing(server, client):
    """Ten of them, while forty mebibytes come: each may cost one answer."""
    first = send(client, "slow_begin")
    before = resident(server)
    slow = [Subscriber(server, after=first, namespace="bad") for _ in range(10)]
    fast = Subscriber(server, after=first, namespace="bad")
    value = "x" * MEBIBYTE
    for number in range(40):
        send(client, f"slow {number}", value)
    expected = [f"slow {number}" for number in range(40)]
    assert fast.read("slow 39") == expected, "the slow ones do not hold it up"
    grown = resident(server) - before
    print(f"10 slow readers of 40 MiB: {grown:.0f} MiB")
    assert grown < 200
    for reader in slow:
        assert reader.read("slow 39") == expected, "what was slow to be read is whole"
    for reader in [fast, *slow]:
        reader.close()


def test_lists_that_nobody_reads_are_bounded(server, client):
    """Each of these asks for a hundred mebibytes and reads nothing."""
    value = "x" * MEBIBYTE
    for number in range(100):
        send(client, f"list {number}", value, namespace="lists")
    before = resident(server)
    uri = server.endpoints()["notification_uri"]
    request = field_numbers.notification["ListEventsRequest"](namespace="lists")
    body = request.SerializeToString()
    sockets = [raw_call(address(uri), "/notification_service.NotificationService/listEvents", body)
               for _ in range(30)]

    def refused():
        try:
            return client.listEvents(namespace="lists", end_offset=1, timeout=30) and None
        except grpc.RpcError as error:
            return error

    error = wait_until(refused, "lists are refused")
    assert error.code() == grpc.StatusCode.UNAVAILABLE and "try again" in error.details()
    assert resident(server) - before < 3000
    assert answers(server, client)
    for connection in sockets:
        connection.close()
    wait_until(lambda: refused() is None, "they are served when the others are gone")


def raw_call(where, method, body):
    """Asks and never reads a byte of the answer; its window is the smallest possible one."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(where)

    def text(value):
        return bytes([len(value)]) + value.encode()

    def header(name, value):
        return b"\0" + text(name) + text(value)  # literal, not indexed

    fields = b"".join(header(*field) for field in (
        (":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "localhost"),
        ("content-type", "application/grpc"), ("te", "trailers")))
    message = b"\0" + len(body).to_bytes(4, "big") + body

    def frame(kind, flags, stream, payload):
        return (len(payload).to_bytes(3, "big") + bytes([kind, flags])
                + stream.to_bytes(4, "big") + payload)

    connection.sendall(HEADERS_AND_PREFACE + frame(1, 4, 1, fields) + frame(0, 1, 1, message))
    return connection


def test_clients_that_vanish_amid_a_stream_leave_nothing(server, client):
    assert answers(server, client)
    files = open_files(server)
    for _ in range(3):
        subscribers = [Subscriber(server) for _ in range(20)]
        polls = [raw_call(address(server.endpoints()["notification_uri"]),
                          "/notification_service.NotificationService/listAllEvents",
                          b"\x08\xe8\x07")  # for a thousand seconds
                 for _ in range(20)]
        send(client, "vanish")
        for subscriber in subscribers:
            subscriber.close()
        for poll in polls:
            # With what was sent unread: a reset, not an orderly end.
            poll.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            poll.close()
    wait_until(lambda: open_files(server) <= files + 2, "their sockets are closed")
    assert answers(server, client)


def test_thousands_of_idle_connections_to_each_port(server, client):
    before, files = resident(server), open_files(server)
    idle = []
    try:
        for where in addresses(server):
            idle += [connect(where) for _ in range(IDLE_CONNECTIONS)]
        begin = time.monotonic()
        assert answers(server, client)
        took = time.monotonic() - begin
        grown = resident(server) - before
        print(f"{len(idle)} idle connections: {grown:.0f} MiB, everything answers in {took:.1f} s")
        assert grown < 500
    finally:
        for connection in idle:
            connection.close()
    wait_until(lambda: open_files(server) <= files + 20, "their sockets are closed")


def test_idle_clients_of_http2(server, client):
    """As above, but each has said hello."""
    before = resident(server)
    idle = [connect(where) for where in addresses(server)[:2] for _ in range(500)]
    for connection in idle:
        connection.sendall(HEADERS_AND_PREFACE)
    assert answers(server, client)
    assert resident(server) - before < 500
    for connection in idle:
        connection.close()


class Proxy:
    """Forwards to a server until `freeze`: then it keeps the sockets and passes on nothing."""

    def __init__(self, target):
        self.target = target
        self.listening = socket.socket()
        self.listening.bind(("localhost", 0))
        self.listening.listen()
        self.port = self.listening.getsockname()[1]
        self.frozen = threading.Event()
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listening.accept()
            except OSError:
                return
            far = connect(self.target)
            self.sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source, sink):
        while True:
            try:
                data = source.recv(65536)
                if not data:
                    return
                if self.frozen.is_set():
                    continue  # into the void
                sink.sendall(data)
            except OSError:
                return

    def close(self):
        self.listening.close()
        for end in self.sockets:
            end.close()


def test_half_open_connections(server, client):
    """The network between is gone, and nobody was told: the client goes on elsewhere."""
    target = address(server.endpoints()["notification_uri"])
    proxy = Proxy(target)
    arrived = []
    seen = threading.Condition()

    class Collect:
        def process(self, events):
            with seen:
                arrived.extend(event.key for event in events)
                seen.notify_all()

    os.environ["NOTIFICATION_TIMEOUT_SECONDS"] = "1"
    try:
        through = EmbeddedNotificationClient(f"localhost:{proxy.port},{target[0]}:{target[1]}",
                                             namespace="half", retry_seconds=60)
        through.register_listener(Collect(), ["half"], offset=send(client, "start"))
        through.send_event(Event("half", "1"))
        with seen:
            assert seen.wait_for(lambda: arrived == ["half"], 30)
        proxy.frozen.set()
        through.send_event(Event("half", "2"))
        assert through.current_uri == f"{target[0]}:{target[1]}"
        with seen:
            assert seen.wait_for(lambda: arrived == ["half", "half"], 60)
        assert len(client.listEvents(namespace="half").events) == 2
        through.close()
    finally:
        del os.environ["NOTIFICATION_TIMEOUT_SECONDS"]
        proxy.close()
    assert answers(server, client)


def test_a_message_of_five_mebibytes_is_refused_with_its_limit(server, client):
    event = field_numbers.notification["EventProto"](key="five", value="x" * (5 * MEBIBYTE))
    response = client.sendEvent(event=event)
    assert response.return_code == 1 and str(MEBIBYTE) in response.return_msg
    assert client.countEvents(key="five").event_count == 0


def test_a_message_over_every_limit_ends_its_call_alone(server, client):
    event = field_numbers.notification["EventProto"](key="huge", value="x" * (81 * MEBIBYTE))
    before = resident(server)
    for _ in range(2):
        with pytest.raises(grpc.RpcError) as raised:
            client.sendEvent(event=event)
        assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert resident(server) - before < 300
    assert answers(server, client)


@pytest.mark.parametrize("method", ["notification_service.NotificationService/sendEvent",
                                    "ai_flow.SchedulerService/addNamespace"])
def test_texts_that_are_not_utf8_end_their_call_alone(server, client, method):
    endpoints = server.endpoints()
    uri = endpoints["notification_uri" if "Notification" in method else "server_uri"]
    bad_text = b"\x0a\x02\xff\xfe"  # field 1: two bytes that are no UTF-8
    body = b"\x0a" + bytes([len(bad_text)]) + bad_text if "sendEvent" in method else bad_text
    with grpc.insecure_channel(uri) as channel:
        with pytest.raises(grpc.RpcError):
            channel.unary_unary(f"/{method}")(body, timeout=30)
    assert answers(server, client)


@pytest.mark.parametrize("rubbish", [
    b"GET / HTTP/1.1\r\n\r\n", b"\0" * 10_000, os.urandom(10_000), b"PRI * HTTP/2.0\r\n\r\n",
    HEADERS_AND_PREFACE + b"\xff\xff\xff\1\4\0\0\0\1" + b"x" * 100,
    b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
    b"POST /readyz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nx",
    b"GET /" + b"../" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
], ids=range(8))
def test_rubbish_ends_its_connection_alone(server, client, rubbish):
    for where in addresses(server):
        with connect(where) as connection:
            try:
                connection.sendall(rubbish)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(5)
                while connection.recv(65536):
                    pass
            except OSError:
                pass
    assert answers(server, client)
