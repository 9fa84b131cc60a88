"""Clients with several addresses, against services in this process."""

import socket
import threading
import time

import grpc
import pytest
from fake_notification import FakeNotificationService
from fake_server import FakeServer, success
from test_notification_client import Collector

from ai_flow import ops
from ai_flow.common.exception.exceptions import AIFlowException, CallError, UnavailableError
from ai_flow.rpc.client.heartbeat_client import HeartbeatClient
from ai_flow.rpc.client.scheduler_client import SchedulerClient
from ai_flow.rpc.protobuf import message_pb2 as pb
from notification_service.client.embedded_notification_client import EmbeddedNotificationClient
from notification_service.exceptions import NotificationException, RetryTimeout
from notification_service.model.event import Event
from notification_service.rpc.protobuf import notification_service_pb2 as notification_pb


@pytest.fixture
def two():
    """Two servers over one log. They name no members, as servers without high availability."""
    first = FakeNotificationService().start()
    second = FakeNotificationService()
    for shared in ("events", "by_uuid", "clients", "written"):
        setattr(second, shared, getattr(first, shared))
    second.next_client = 100
    second.start()
    yield first, second
    first.stop()
    second.stop()


@pytest.fixture
def silent():
    """A port that takes connections and never says anything."""
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        listening.listen()
        yield f"localhost:{listening.getsockname()[1]}"


def a_client(*servers, **options):
    uri = ", ".join(getattr(server, "uri", server) for server in servers)
    return EmbeddedNotificationClient(uri, **{"retry_seconds": 20, **options})


def test_a_send_fails_over_with_the_same_uuid(two):
    first, second = two
    client = a_client(*two)
    first.lose_replies = 1
    sent = client.send_event(Event("key", None))
    assert sent.offset == 1, "what the first server stored is returned by the second one"
    assert client.current_uri == second.uri
    assert list(first.by_uuid) == [f"client_{client.client_id}_0"]
    client.close()


def test_threads_that_send_while_a_server_dies_lose_and_repeat_nothing(two):
    first, second = two
    client = a_client(*two)
    collector = Collector()
    client.register_listener(collector)

    def send(name):
        for number in range(50):
            client.send_event(Event(f"{name}.{number}", None))
            if name == number == 3:
                first.stop()

    threads = [threading.Thread(target=send, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(second.keys()) == sorted(f"{n}.{m}" for n in range(8) for m in range(50))
    collector.wait_for(second.keys())
    assert client.current_uri == second.uri
    client.close()


def test_a_server_that_comes_back_is_used_when_the_other_one_dies(two):
    first, second = two
    client = a_client(*two)
    first.stop()
    client.send_event(Event("1", None))
    first.start()
    second.stop()
    client.send_event(Event("2", None))
    assert client.current_uri == first.uri
    assert first.keys() == ["1", "2"]
    client.close()


def test_the_first_that_answers_is_the_current_one(two):
    client = a_client("localhost:1", two[1])
    assert client.current_uri == two[1].uri
    client.close()


def test_a_server_that_hangs_is_passed_over(two, silent, monkeypatch):
    monkeypatch.setattr("notification_service.rpc.members.ANSWER_SECONDS", 0.2)
    client = a_client(silent, two[0])
    assert client.current_uri == two[0].uri
    client.close()


def test_members_that_the_servers_name_are_used(two):
    """The list begins with one address only that lives; the rest is learned."""
    first, second = two
    for server in two:
        server.members = [first.uri, second.uri]
    client = a_client(first, "localhost:1")
    assert client.living_members == [first.uri, second.uri]
    first.stop()
    client.send_event(Event("key", None))
    assert client.current_uri == second.uri
    client.close()


def test_without_high_availability_a_client_stays(two):
    first, second = two
    client = a_client(*two, retry_seconds=0.5)
    client.disable_high_availability()
    first.stop()
    with pytest.raises(RetryTimeout) as raised:
        client.send_event(Event("key", None))
    assert (raised.value.code, raised.value.address) == ("UNAVAILABLE", first.uri)
    client.close()


def test_a_client_waits_for_a_service_that_is_not_there_yet(two):
    first, second = two
    first.stop()
    second.stop()
    made = []
    maker = threading.Thread(target=lambda: made.append(a_client(*two)))
    maker.start()
    second.start()
    maker.join(30)
    assert made[0].current_uri == second.uri
    made[0].close()


def test_closing_ends_every_thread_and_channel(two):
    before = set(threading.enumerate())
    client = a_client(*two)
    registrations = [client.register_listener(Collector()) for _ in range(3)]
    assert set(client.threads) == {registration.id for registration in registrations}
    for server in two:
        server.stop()
    begin = time.monotonic()
    client.close()
    assert time.monotonic() - begin < 10
    ours = [t for t in set(threading.enumerate()) - before if t.name.startswith("notification")]
    assert ours == []
    with pytest.raises(NotificationException, match="closed"):
        client.send_event(Event("key", None))
    with pytest.raises(NotificationException, match="closed"):
        client.register_listener(Collector())


def test_closing_with_a_service_that_hangs_is_quick(notification):
    client = a_client(notification)
    client.register_listener(Collector())
    notification.hang.set()
    begin = time.monotonic()
    client.close()
    assert time.monotonic() - begin < 10
    notification.hang.clear()


def test_a_busy_server_is_asked_again_after_its_pause(notification):
    client = a_client(notification)
    notification.pushback_ms = 300
    notification.busy = 1
    begin = time.monotonic()
    client.send_event(Event("key", None))
    assert time.monotonic() - begin >= 0.3
    client.close()


# The clients of the AIFlow server.


@pytest.fixture
def servers():
    pair = FakeServer(), FakeServer()
    yield pair
    for fake in pair:
        fake.server.stop(None)


def uri_of(servers):
    return ",".join(server.uri for server in servers)


def dead(server):
    server.server.stop(None).wait()


def test_operations_go_to_the_server_that_lives(servers, monkeypatch):
    monkeypatch.setenv("AIFLOW_SERVER", uri_of(servers))
    servers[1].answers["getNamespace"] = success(pb.NamespaceProto(name="n"))
    dead(servers[0])
    assert ops.get_namespace("n").name == "n"
    ops.start_task_execution(1, "task")
    ops.delete_pool("pool")
    assert [name for name, _ in servers[1].calls][-1] == "DeletePool"


def test_operations_pass_over_a_server_that_hangs(servers, silent, monkeypatch):
    monkeypatch.setattr("ai_flow.rpc.client.channel.CONNECT_SECONDS", 1.0)
    monkeypatch.setenv("AIFLOW_SERVER", f"{silent},{servers[1].uri}")
    servers[1].answers["getNamespace"] = success(pb.NamespaceProto(name="n"))
    assert ops.get_namespace("n").name == "n"


def test_a_start_that_was_never_sent_goes_to_the_next_server(servers):
    servers[1].answers["startWorkflowExecution"] = pb.Response(return_code="0", data="17")
    client = SchedulerClient(uri_of(servers))
    dead(servers[0])
    assert client.start_workflow_execution("flow", "default") == 17
    client.close()


def test_a_start_that_may_have_been_carried_out_is_not_sent_again(servers):
    def lose(request):
        raise _Abort

    servers[0].answers["startWorkflowExecution"] = lose
    client = SchedulerClient(uri_of(servers))
    with pytest.raises(UnavailableError, match="startWorkflowExecution") as raised:
        client.start_workflow_execution("flow", "default")
    assert raised.value.address == servers[0].uri
    assert servers[1].calls == []
    # What changes nothing the second time is asked of the next one.
    servers[0].answers["getNamespace"] = lose
    servers[1].answers["getNamespace"] = success(pb.NamespaceProto(name="n"))
    assert client.get_namespace("n").name == "n"
    client.close()


class _Abort(Exception):
    pass


def test_a_heartbeat_fails_over(servers):
    from ai_flow.model.task_execution import TaskExecutionKey

    dead(servers[0])
    with HeartbeatClient(uri_of(servers)) as client:
        assert client.send_heartbeat(TaskExecutionKey(1, "task", 2)) == "0"
    assert servers[1].calls[-1][0] == "send_heartbeat"


@pytest.mark.parametrize("uri", ["", " , ", None])
def test_no_address_is_an_error_that_says_what_to_give(uri):
    for client in (SchedulerClient, HeartbeatClient, EmbeddedNotificationClient):
        with pytest.raises(AIFlowException, match="server_uri"):
            client(uri)


# Exceptions.


def test_everything_that_clients_raise_is_of_one_tree(notification, servers):
    client = a_client(notification, retry_seconds=0.2)
    with pytest.raises(NotificationException) as refused:
        client._call("deleteClient", notification_pb.ClientIdRequest(client_id=999))
    assert isinstance(refused.value, AIFlowException)
    with pytest.raises(AIFlowException, match="texts only"):
        client.send_event(Event("key", 5))
    with pytest.raises(AIFlowException, match="Unicode"):
        client.send_event(Event("\ud800", "value"))
    notification.stop()
    with pytest.raises(AIFlowException) as gone:
        client.send_event(Event("key", None))
    assert isinstance(gone.value, (CallError, UnavailableError))
    client.close()
    scheduler = SchedulerClient(servers[0].uri)
    for code, name in (
        ("1", "INTERNAL"),
        ("1000", "INVALID_ARGUMENT"),
        ("1003", "FAILED_PRECONDITION"),
        ("2001", "ALREADY_EXISTS"),
        ("4711", "UNKNOWN"),
        ("", "UNKNOWN"),
    ):
        servers[0].answers["enableWorkflow"] = pb.Response(return_code=code, error_msg="why")
        with pytest.raises(CallError, match="why") as raised:
            scheduler.enable_workflow("flow", "default")
        assert (raised.value.code, raised.value.address) == (name, servers[0].uri)
        assert not isinstance(raised.value, grpc.RpcError)
    scheduler.close()
    with pytest.raises(UnavailableError, match="closed"):
        scheduler.get_namespace("n")


def test_exceptions_travel_between_processes():
    import pickle

    error = pickle.loads(pickle.dumps(CallError("text", code="NOT_FOUND", address="a:1")))
    assert (str(error), error.code, error.address) == ("text", "NOT_FOUND", "a:1")
