"""The frozen notification service, over the wire, as a client sees it that knows the numbers only."""

import threading
import time

import field_numbers
import grpc
import pytest
from aiflow_server import Server

MEBIBYTE = 1 << 20
SUCCESS, ERROR = 0, 1


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("wire") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    client = field_numbers.notification_client(server.endpoints()["notification_uri"])
    yield client
    client.close()


def event(key, value="v", namespace="wire", sender="me", context=""):
    return field_numbers.notification["EventProto"](
        key=key, value=value, namespace=namespace, sender=sender, context=context)


def send(client, key, uuid="", idempotent=True, **fields):
    return client.sendEvent(event=event(key, **fields), uuid=uuid, enable_idempotence=idempotent)


def must_send(client, key, **fields):
    response = send(client, key, **fields)
    assert response.return_code == SUCCESS, response.return_msg
    return response.event


def refused(response, *words):
    assert response.return_code == ERROR
    assert "\n" not in response.return_msg and "Traceback" not in response.return_msg
    for word in words:
        assert word in response.return_msg
    return True


def now_ms():
    return int(time.time() * 1000)


def test_a_sent_event_is_returned_as_it_is_stored(client):
    begin = now_ms()
    stored = must_send(client, "sent", value="value", context='{"a": 1}')
    assert (stored.key, stored.value, stored.namespace, stored.sender, stored.context) == (
        "sent", "value", "wire", "me", '{"a": 1}')
    assert stored.offset > 0
    assert begin - 1000 <= stored.create_time <= now_ms() + 1000
    listed = client.listEvents(key="sent")
    assert (listed.return_code, list(listed.events)) == (SUCCESS, [stored])
    assert must_send(client, "sent2").offset > stored.offset


def test_a_repeated_uuid_returns_the_stored_event(client):
    first = send(client, "hour", uuid="hour-3")
    again = send(client, "hour", uuid="hour-3")
    assert (first.return_code, again.return_code) == (SUCCESS, SUCCESS)
    assert first.return_msg == "" and again.event == first.event
    assert again.return_msg == "Ignored because event already exists."
    assert refused(send(client, "hour", uuid="hour-3", value="other"), "hour-3")
    assert send(client, "hour", uuid="hour-3", idempotent=False).event.offset > first.event.offset
    assert len(client.listEvents(key="hour").events) == 2


@pytest.mark.parametrize("fields, words", [
    ({"key": ""}, ["key", "empty"]),
    ({"key": "k" * 1025}, ["key", "1024"]),
    ({"key": "large", "value": "x" * (MEBIBYTE + 1)}, ["value", str(MEBIBYTE)]),
    ({"key": "large", "context": "x" * (MEBIBYTE + 1)}, ["context", str(MEBIBYTE)]),
    ({"key": "large", "uuid": "u" * 257}, ["uuid", "256"]),
    ({"key": "AIFLOW_SCHEDULING_EVENT", "value": "TASK_STATUS"}, ["TASK_STATUS"]),
    ({"key": "AIFLOW_SCHEDULING_EVENT", "value": "PERIODIC_RUN_TASK"}, ["PERIODIC_RUN_TASK"]),
    ({"key": "[task_status_change].default.w.t", "value": "TASK_STATUS_CHANGED"}, ["server only"]),
])
def test_what_may_not_be_sent_is_an_error_with_its_reason(client, fields, words):
    fields = dict(fields)
    assert refused(send(client, fields.pop("key"), **fields), *words)
    assert client.countEvents(key="large").event_count == 0


def test_the_largest_values_keys_and_uuids_are_taken(client):
    value = "x" * MEBIBYTE
    stored = must_send(client, "k" * 1024, value=value, context=value, uuid="u" * 256)
    listed = client.listEvents(key="k" * 1024)
    assert len(listed.events) == 1 and listed.events[0] == stored
    assert must_send(client, "empty", value="").value == ""


@pytest.fixture(scope="module")
def six(client):
    """Offsets of six events: keys a b a, by one and another sender, in two namespaces."""
    sent = [must_send(client, key, value="six", namespace=namespace, sender=sender)
            for namespace in ("six", "other_six")
            for key, sender in (("six_a", "one"), ("six_b", "two"), ("six_a", ""))]
    return [stored.offset for stored in sent]


@pytest.mark.parametrize("filters, found", [
    ({"key": "six_a"}, [0, 2, 3, 5]),
    ({"key": "six_a", "namespace": "six"}, [0, 2]),
    ({"key": "*", "namespace": "six"}, [0, 1, 2]),
    ({"key": "", "namespace": "six"}, [0, 1, 2]),
    ({"namespace": "other_six", "sender": "two"}, [4]),
    ({"key": "six_a", "namespace": "*", "sender": "one"}, [0, 3]),
    ({"key": "six_c"}, []),
    ({"key": "six_a", "start_offset": 0}, [2, 3, 5]),
    ({"key": "six_a", "end_offset": 3}, [0, 2, 3]),
    ({"key": "six_a", "start_offset": 2, "end_offset": 3}, [3]),
    ({"key": "six_a", "start_offset": 3, "end_offset": 2}, []),
])
def test_filters_of_lists_and_counts(client, six, filters, found):
    filters = {name: six[value] if name.endswith("offset") else value
               for name, value in filters.items()}
    listed = client.listEvents(**filters)
    assert listed.return_code == SUCCESS
    assert [stored.offset for stored in listed.events] == [six[index] for index in found]
    counted = client.countEvents(**filters)
    assert counted.return_code == SUCCESS and counted.event_count == len(found)
    assert sum(sender.event_count for sender in counted.sender_event_counts) == len(found)


def test_counts_have_an_entry_for_each_sender(client, six):
    counted = client.countEvents(namespace="six")
    assert [(s.sender, s.event_count) for s in counted.sender_event_counts] == [
        ("one", 1), ("two", 1), ("", 1)]


@pytest.mark.parametrize("offset", [-1, -(1 << 63)])
def test_negative_offsets_count_as_unset(client, six, offset):
    listed = client.listEvents(namespace="six", start_offset=offset, end_offset=offset)
    assert [stored.offset for stored in listed.events] == six[:3]
    everything = client.listAllEvents(start_offset=offset, end_offset=offset, start_time=-1)
    assert set(six) < {stored.offset for stored in everything.events}
    assert client.listEvents(namespace="six", start_offset=(1 << 63) - 1).return_code == SUCCESS
    assert client.timestampToEventOffset(timestamp=offset).offset == 0


def test_list_all_goes_by_offset_or_by_time(client, six):
    def offsets(**request):
        response = client.listAllEvents(**request)
        assert response.return_code == SUCCESS, response.return_msg
        found = [stored.offset for stored in response.events]
        assert found == sorted(set(found))
        return found

    assert offsets(start_offset=six[1], end_offset=six[3]) == six[2:4]
    assert offsets(start_offset=six[4], start_time=now_ms() + 10**9)[:1] == [six[5]]
    assert offsets(start_time=now_ms() + 10**9) == []
    created = next(e for e in client.listEvents(namespace="six").events if e.offset == six[0])
    since = offsets(start_time=created.create_time, end_offset=1)
    assert six[0] in since and six[5] in since, "the end is ignored with a time"
    assert client.timestampToEventOffset(timestamp=created.create_time - 1).offset < six[0]
    assert client.timestampToEventOffset(timestamp=now_ms() + 10**6).offset >= six[5]


def test_a_poll_answers_at_once_when_there_is_something(client, six):
    begin = time.monotonic()
    assert len(client.listEvents(namespace="six", timeout_seconds=50).events) == 3
    assert client.listAllEvents(start_offset=six[0], timeout_seconds=50).events
    assert time.monotonic() - begin < 25


@pytest.mark.parametrize("request_of", [
    lambda key, after: ("listEvents", {"key": key, "namespace": "wire"}),
    lambda key, after: ("listEvents", {"key": "*", "sender": key}),
    lambda key, after: ("listAllEvents", {"start_offset": after}),
])
def test_a_poll_is_woken_by_the_write_that_it_waits_for(client, request_of):
    for round_ in range(20):
        key = f"woken {request_of.__code__.co_firstlineno} {round_} {time.monotonic()}"
        method, request = request_of(key, must_send(client, "before").offset)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(
            getattr(client, method)(timeout_seconds=50, **request)))
        begin = time.monotonic()
        thread.start()
        stored = must_send(client, key, sender=key)
        thread.join(40)
        assert time.monotonic() - begin < 40
        assert [found.offset for found in answers[0].events] == [stored.offset]


def test_a_poll_without_a_match_ends_empty_at_its_time(client):
    begin = time.monotonic()
    response = client.listEvents(key="never", timeout_seconds=1)
    assert (response.return_code, list(response.events)) == (SUCCESS, [])
    assert 0.9 < time.monotonic() - begin < 20
    assert client.listEvents(key="never", timeout_seconds=-5).return_code == SUCCESS


def test_clients_are_registered_and_deleted(client):
    meta = field_numbers.notification["ClientMeta"](namespace="wire", sender="me")
    first, second = (client.registerClient(client_meta=meta) for _ in range(2))
    assert first.return_code == SUCCESS and second.client_id > first.client_id > 0
    assert client.isClientExists(client_id=first.client_id).is_exists
    assert client.deleteClient(client_id=first.client_id).return_code == SUCCESS
    gone = client.isClientExists(client_id=first.client_id)
    assert (gone.return_code, gone.is_exists) == (SUCCESS, False)
    for unknown in (first.client_id, 10**12, 0, -1):
        assert refused(client.deleteClient(client_id=unknown), str(unknown))
        assert not client.isClientExists(client_id=unknown).is_exists
    assert client.registerClient().client_id > second.client_id, "ids are never used again"


def test_members_are_asked_for_and_told_without_high_availability(client):
    begin = time.monotonic()
    assert client.listMembers().return_code == SUCCESS
    assert list(client.listMembers(timeout_seconds=1).members) == []
    assert time.monotonic() - begin >= 0.9
    member = field_numbers.notification["MemberProto"](version=1, server_uri="a:1", update_time=2)
    assert client.notifyNewMember(member=member).return_code == SUCCESS
    notify = field_numbers.notification["Notify"](key="k", namespace="n")
    assert client.notify(notifies=[notify]).return_code == SUCCESS


def test_fields_that_nobody_knows_are_passed_over(client, server):
    """Of a client that is newer than this server: unknown fields, and known ones of another type."""
    with grpc.insecure_channel(server.endpoints()["notification_uri"]) as channel:
        count = channel.unary_unary(
            "/notification_service.NotificationService/countEvents",
            response_deserializer=field_numbers.notification["CountEventsResponse"].FromString)
        unknown = b"\x98\x06\x05"  # field 99 = 5
        wrong_type = b"\x08\x05"  # field 1, a text, as a number
        assert count(unknown + wrong_type, timeout=60).return_code == SUCCESS
        with pytest.raises(grpc.RpcError) as raised:
            count(b"\x0a\xff", timeout=60)  # a text that is longer than the message
        # Whatever the framework calls it.
        assert raised.value.code() in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED)
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary("/notification_service.NotificationService/nothing")(b"", timeout=60)
        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert client.countEvents().return_code == SUCCESS


def test_what_is_stored_outlives_the_server(client, server, six):
    before = client.listEvents(namespace="six").events
    again = send(client, "hour", uuid="kept")
    server.kill()
    server.start()
    after = field_numbers.notification_client(server.endpoints()["notification_uri"])
    assert list(after.listEvents(namespace="six").events) == list(before)
    assert send(after, "hour", uuid="kept").event == again.event
    after.close()


def test_every_call_of_the_service_was_made(client):
    assert client.called == set(client.calls)
