"""AIFlowNotificationClient: the client of tasks."""

import json

import pytest

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.model.internal.contexts import TaskExecutionContext, set_runtime_task_context
from ai_flow.model.task_execution import TaskExecutionKey
from ai_flow.model.workflow import Workflow
from ai_flow.notification.notification_client import AIFlowNotificationClient


def be_task(sequence=1, execution=7):
    workflow = Workflow("flow", namespace="team")
    key = TaskExecutionKey(execution, "task", sequence)
    set_runtime_task_context(TaskExecutionContext(workflow, key))


@pytest.fixture
def task():
    be_task()
    yield
    set_runtime_task_context(None)


def test_it_works_only_inside_a_task(notification):
    with pytest.raises(AIFlowException, match="inside a running task"):
        AIFlowNotificationClient(notification.uri)


def test_events_belong_to_the_execution(notification, task):
    with AIFlowNotificationClient(notification.uri) as client:
        event = client.send_event("key", "value")
    assert (event.namespace, event.sender, event.offset) == ("team", "7_task_1", 1)
    assert json.loads(event.context) == {"workflow_execution_id": 7}


def test_events_of_the_namespace_scope_name_no_execution(notification, task):
    with AIFlowNotificationClient(notification.uri) as client:
        assert not client.send_event("key", scope="namespace").context
        with pytest.raises(AIFlowException, match="scope"):
            client.send_event("key", scope="world")


def test_the_service_is_that_of_the_tasks_server(notification, task, monkeypatch):
    with pytest.raises(AIFlowException, match="AIFLOW_NOTIFICATION_URI is not set"):
        AIFlowNotificationClient()
    monkeypatch.setenv("AIFLOW_NOTIFICATION_URI", notification.uri)
    with AIFlowNotificationClient() as client:
        client.send_event("key")
    assert notification.keys() == ["key"]


def test_an_event_id_holds_for_every_run_of_the_task_in_its_execution(notification, task):
    for sequence in (1, 2):
        be_task(sequence)
        with AIFlowNotificationClient(notification.uri) as client:
            assert client.send_event("hour", "3", event_id="hour-3").offset == 1
    be_task(execution=8)
    with AIFlowNotificationClient(notification.uri) as client:
        assert client.send_event("hour", "3", event_id="hour-3").offset == 2


def test_an_event_id_of_the_namespace_scope_holds_for_all_executions(notification, task):
    for execution in (7, 8):
        be_task(execution=execution)
        with AIFlowNotificationClient(notification.uri) as client:
            sent = client.send_event("hour", "3", event_id="hour-3", scope="namespace")
            assert sent.offset == 1


def test_a_listener_begins_now(notification, task):
    import time

    from test_notification_client import Collector

    collector = Collector()
    with AIFlowNotificationClient(notification.uri) as client:
        client.send_event("a", "before")
        time.sleep(0.01)  # another millisecond than the event's
        registration = client.register_listener(collector, ["a"])
        client.send_event("b")
        client.send_event("a", "after")
        client.unregister_listener(registration)
    assert [event.value for batch in collector.batches for event in batch] == ["after"]


@pytest.mark.parametrize("habit", ["localhost:50052", "127.0.0.1:50052"])
def test_the_default_address_means_the_tasks_server(notification, task, monkeypatch, habit):
    monkeypatch.setenv("AIFLOW_NOTIFICATION_URI", notification.uri)
    with AIFlowNotificationClient(habit) as client:
        client.send_event("key")
    assert notification.keys() == ["key"]
