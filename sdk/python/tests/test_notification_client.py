"""The notification client against a service in this process."""

import threading
import time
from datetime import datetime, timedelta

import grpc
import pytest

from notification_service.client.embedded_notification_client import EmbeddedNotificationClient
from notification_service.client.notification_client import ListenerProcessor
from notification_service.exceptions import NotificationException, RetryTimeout
from notification_service.model.event import Event
from notification_service.model.sender_event_count import SenderEventCount


class Collector(ListenerProcessor):
    def __init__(self, fail_on=()):
        self.batches = []
        self.fail_on = fail_on
        self.arrived = threading.Condition()

    def process(self, events):
        with self.arrived:
            self.batches.append(events)
            self.arrived.notify_all()
        if any(event.key in self.fail_on for event in events):
            raise ValueError("the processor failed")

    @property
    def keys(self):
        return [event.key for batch in self.batches for event in batch]

    def wait_for(self, keys, timeout=30):
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.keys == keys, timeout), self.keys


@pytest.fixture
def client(notification):
    client = EmbeddedNotificationClient(notification.uri, namespace="default", sender="me")
    yield client
    client.close()


def test_send_returns_the_stored_event(client):
    event = Event("key", "value")
    event.context = "context"
    event.namespace, event.sender = "its own", "is ignored"
    stored = client.send_event(event)
    assert (stored.key, stored.value, stored.context) == ("key", "value", "context")
    assert (stored.namespace, stored.sender, stored.offset) == ("default", "me", 1)
    assert abs(stored.create_time / 1000 - time.time()) < 60
    assert client.list_events() == [stored]


def test_the_text_of_an_event_is_part_of_the_contract():
    event = Event("k", "v")
    event.namespace, event.sender, event.context = "n", "s", "c"
    event.create_time, event.offset = 5, 6
    expected = "key:k, value:v, namespace:n, sender:s, create_time:5, offset:6, context: c"
    assert str(event) == expected


def test_sends_of_many_threads_are_all_stored(notification, client):
    """A forerunner stored 193 of these 200."""
    start = threading.Barrier(8)

    def send(name):
        start.wait()
        for number in range(25):
            client.send_event(Event(f"{name}.{number}", None))

    threads = [threading.Thread(target=send, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(notification.keys())) == len(notification.keys()) == 200
    assert client.sequence_number == 200


def test_a_send_whose_reply_is_lost_is_stored_once(notification, client):
    notification.lose_replies = 2
    assert client.send_event(Event("key", None)).offset == 1
    assert client.send_event(Event("next", None)).offset == 2
    assert notification.keys() == ["key", "next"]


def test_a_send_that_an_ending_server_cancels_is_sent_again(notification, client):
    notification.lose_replies = 1
    notification.lost_reply_code = grpc.StatusCode.CANCELLED
    assert client.send_event(Event("key", None)).offset == 1
    assert notification.keys() == ["key"]


def test_a_send_outlives_a_restart_of_the_service(notification, client):
    client.send_event(Event("before", None))
    notification.stop()
    sent = []
    sender = threading.Thread(target=lambda: sent.append(client.send_event(Event("during", None))))
    sender.start()
    notification.start()
    sender.join(30)
    assert notification.keys() == ["before", "during"]
    assert sent[0].offset == 2


def test_a_send_gives_up_after_its_time(notification):
    client = EmbeddedNotificationClient(notification.uri, retry_seconds=0.3)
    notification.stop()
    with pytest.raises(RetryTimeout, match="Rpc retry timeout!"):
        client.send_event(Event("key", None))
    client.close()


def test_a_given_event_id_makes_a_repetition_harmless(notification, client):
    other = EmbeddedNotificationClient(notification.uri, namespace="default", sender="me")
    first = client.send_event(Event("hour", "3"), event_id="hour-3")
    assert other.send_event(Event("hour", "3"), event_id="hour-3") == first
    with pytest.raises(Exception, match="another event"):
        other.send_event(Event("hour", "4"), event_id="hour-3")
    other.close()
    assert notification.keys() == ["hour"]


def test_an_empty_event_id_is_an_error(client):
    with pytest.raises(ValueError):
        client.send_event(Event("key", None), event_id="")


def test_a_client_can_go_on_as_one_registered_before(notification):
    first = EmbeddedNotificationClient(notification.uri)
    first.send_event(Event("a", None))
    again = EmbeddedNotificationClient(
        notification.uri, client_id=first.client_id, initial_seq_num=first.sequence_number
    )
    again.send_event(Event("b", None))
    assert sorted(notification.by_uuid) == ["client_1_0", "client_1_1"]
    first.close()
    with pytest.raises(Exception, match="have not registered"):
        EmbeddedNotificationClient(notification.uri, client_id=first.client_id)
    with pytest.raises(Exception, match="no such client"):
        again.close()


def test_lists_and_counts(client):
    for key in "abca":
        client.send_event(Event(key, None))
    assert [e.offset for e in client.list_events(key="a")] == [1, 4]
    assert [e.offset for e in client.list_events(begin_offset=1, end_offset=3)] == [2, 3]
    assert [e.offset for e in client.list_all_events(start_offset=2)] == [3, 4]
    assert client.list_all_events(start_time=int(time.time() * 1000) + 60_000) == []
    assert client.count_events(key="a") == (2, [SenderEventCount("me", 2)])
    assert client.time_to_offset(datetime.now() + timedelta(minutes=1)) == 4
    assert client.time_to_offset(datetime.now() - timedelta(minutes=1)) == 0


def test_a_listener_gets_matching_events_in_order(notification, client):
    elsewhere = EmbeddedNotificationClient(notification.uri, namespace="other")
    collector = Collector()
    client.send_event(Event("early", None))
    registration = client.register_listener(collector, ["a", "b"], offset=1)
    for key in "axb":
        client.send_event(Event(key, None))
    elsewhere.send_event(Event("a", None))
    client.send_event(Event("a", None))
    collector.wait_for(["a", "b", "a"])
    client.unregister_listener(registration)
    assert all(collector.batches), "no empty batch"
    elsewhere.close()


def test_events_without_namespace_are_of_the_default_one(client):
    events = []
    for namespace in (None, "", "DEFAULT", "default", "team"):
        event = Event("a", namespace)
        event.namespace = namespace
        events.append(event)
    assert client.filter_events(["a"], events) == events[:4]
    assert client.filter_events(None, events) == events[:4]
    assert client.filter_events(["*"], events) == events[:4]


def test_a_listener_goes_on_from_the_last_delivered_offset(notification, client):
    collector = Collector()
    client.register_listener(collector)
    client.send_event(Event("1", None))
    collector.wait_for(["1"])
    for number in "23":
        notification.stop()
        notification.start()
        client.send_event(Event(number, None))
    collector.wait_for(["1", "2", "3"])


def test_a_listener_outlives_an_exception_of_its_processor(client):
    collector = Collector(fail_on=["bad"])
    client.register_listener(collector)
    client.send_event(Event("bad", None))
    collector.wait_for(["bad"])
    client.send_event(Event("good", None))
    collector.wait_for(["bad", "good"])


def test_unregistering_drains_once_and_does_not_wait_for_a_poll(notification, client, monkeypatch):
    monkeypatch.setenv("NOTIFICATION_TIMEOUT_SECONDS", "500")
    collector = Collector()
    registration = client.register_listener(collector)
    for number in range(20):
        client.send_event(Event(str(number), None))
    begin = time.monotonic()
    client.unregister_listener(registration)
    assert time.monotonic() - begin < 30
    assert collector.keys == [str(number) for number in range(20)]
    client.send_event(Event("later", None))
    assert collector.keys[-1] == "19"
    assert client.threads == {}


def test_a_processor_may_unregister_itself(client):
    class Once(Collector):
        def process(self, events):
            super().process(events)
            client.unregister_listener(registration)

    collector = Once()
    registration = client.register_listener(collector)
    listener = client.threads[registration.id]
    client.send_event(Event("a", None))
    listener.join(30)
    assert not listener.is_alive() and collector.keys == ["a"]


def test_closing_with_a_dead_service_is_quick_and_quiet(notification):
    client = EmbeddedNotificationClient(notification.uri)
    client.register_listener(Collector())
    notification.stop()
    begin = time.monotonic()
    client.close()
    client.close()
    assert time.monotonic() - begin < 20


def test_a_constructor_without_a_service_raises(monkeypatch):
    monkeypatch.setenv("NOTIFICATION_RETRY_SECONDS", "0.2")
    with pytest.raises(RetryTimeout, match="Rpc retry timeout!"):
        EmbeddedNotificationClient("localhost:1")
    with pytest.raises(Exception, match="No available server uri!"):
        EmbeddedNotificationClient("localhost:1,localhost:2")


def test_several_servers_take_over_from_each_other():
    """Two servers over one log, as in a highly available service."""
    from fake_notification import FakeNotificationService

    first = FakeNotificationService().start()
    second = FakeNotificationService()
    for shared in ("events", "by_uuid", "clients", "written"):
        setattr(second, shared, getattr(first, shared))
    second.start()
    client = EmbeddedNotificationClient(f"{first.uri},{second.uri}", retry_seconds=20)
    collector = Collector()
    client.register_listener(collector)
    client.send_event(Event("1", None))
    assert client.current_uri == first.uri
    first.stop()
    client.send_event(Event("2", None))
    assert client.current_uri == second.uri
    collector.wait_for(["1", "2"])
    client.disable_high_availability()
    client.close()
    second.stop()


def test_an_error_that_no_retry_mends_is_raised_at_once(client):
    from notification_service.rpc.connection import Limits
    from notification_service.rpc.protobuf import notification_service_pb2 as pb

    with pytest.raises(NotificationException) as raised:
        client._connection.call("notify", pb.NotifyRequest(), Limits(60, 60, 60))
    assert raised.value.code == "UNIMPLEMENTED"
