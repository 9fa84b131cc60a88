"""Programs as users of the forerunner wrote them: operations, clients and listeners, unchanged but for
addresses, on a real server."""

import json
import textwrap
import threading
import time
from datetime import datetime, timedelta

import pytest
from ai_flow import ops
from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.metadata import (
    NamespaceMeta,
    TaskExecutionMeta,
    WorkflowExecutionMeta,
    WorkflowMeta,
    WorkflowScheduleMeta,
    WorkflowSnapshotMeta,
)
from ai_flow.model.internal.conditions import SingleEventCondition
from ai_flow.model.internal.events import StopWorkflowExecutionEvent
from ai_flow.model.rule import WorkflowRule
from ai_flow.model.task_execution import TaskExecutionKey
from ai_flow.rpc.client.aiflow_client import get_notification_client, get_scheduler_client
from ai_flow.rpc.client.heartbeat_client import HeartbeatClient
from ai_flow.rpc.client.scheduler_client import SchedulerClient
from aiflow_server import Server, wait_until
from notification_service.client.embedded_notification_client import EmbeddedNotificationClient
from notification_service.client.notification_client import ListenerProcessor
from notification_service.model.event import Event

FLOW = """
    from ai_flow.model.action import TaskAction
    from ai_flow.model.workflow import Workflow
    from ai_flow.operators.bash import BashOperator

    with Workflow(name='{name}') as workflow:
        first = BashOperator(name='first', bash_command='echo first')
        second = BashOperator(name='second', bash_command='echo second')
        second.action_on_event_received(action=TaskAction.START, event_key='{name}_go')
    """


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("old") / "home") as running:
        yield running


@pytest.fixture(autouse=True)
def client_home(server, tmp_path, monkeypatch):
    """Clients are configured by the file, as the documentation said."""
    home = tmp_path / "client"
    home.mkdir()
    (home / "aiflow_client.yaml").write_text(textwrap.dedent(f"""
        # address of the AIFlow server
        server_address: {server.endpoints()["server_uri"]}
        blob_manager:
          blob_manager_class: ai_flow.blob_manager.impl.local_blob_manager.LocalBlobManager
          blob_manager_config:
            root_directory: {{AIFLOW_HOME}}/blob
        """))
    monkeypatch.setenv("AIFLOW_HOME", str(home))


def upload(tmp_path, name):
    path = tmp_path / f"{name}.py"
    path.write_text(textwrap.dedent(FLOW.format(name=name)))
    (artifact := tmp_path / "data.txt").write_text("data")
    (uploaded,) = ops.upload_workflows(workflow_file_path=str(path), artifacts=[str(artifact)])
    return uploaded


def finish(execution_id):
    def ended():
        found = ops.get_workflow_execution(execution_id)
        return found.status if found.status in ("SUCCESS", "FAILED", "STOPPED") else None

    return wait_until(ended, f"execution {execution_id} ends")


def notification_uri(server):
    return server.endpoints()["notification_uri"]


class Collecting(ListenerProcessor):
    def __init__(self):
        self.events = []
        self.arrived = threading.Condition()

    def process(self, events):
        with self.arrived:
            assert events, "no empty batch"
            self.events.extend(events)
            self.arrived.notify_all()

    def wait_for(self, count):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.events) >= count, 60), self.events
        return self.events


def test_operations_on_namespaces():
    added = ops.add_namespace("team", {"owner": "me"})
    assert isinstance(added, NamespaceMeta)
    assert added.get_properties() == {"owner": "me"} == json.loads(added.properties)
    assert ops.update_namespace("team", {"a": "b"}).get_properties() == {"a": "b"}
    assert ops.get_namespace("team").name == "team"
    assert ops.get_namespace("nobody") is None
    assert [n.name for n in ops.list_namespace()] == ["default", "team"]
    assert [n.name for n in ops.list_namespace(limit=1, offset=1)] == ["team"]
    with pytest.raises(AIFlowException, match="team"):
        ops.add_namespace("team", {})
    ops.delete_namespace("team")
    with pytest.raises(AIFlowException, match="Namespace team not exists."):
        ops.delete_namespace("team")


def test_operations_on_workflows_and_snapshots(tmp_path):
    uploaded = upload(tmp_path, "of_ops")
    assert isinstance(uploaded, WorkflowMeta) and uploaded.is_enabled is True
    assert (uploaded.name, uploaded.namespace) == ("of_ops", "default")
    assert "BashOperator" in uploaded.content
    assert abs(uploaded.create_time - datetime.now()) < timedelta(minutes=1)
    assert upload(tmp_path, "of_ops").id == uploaded.id
    snapshots = ops.list_workflow_snapshots("of_ops")
    assert len(snapshots) == 2 and isinstance(snapshots[0], WorkflowSnapshotMeta)
    assert ops.get_workflow_snapshot(snapshots[1].id).workflow_id == uploaded.id
    assert [w.name for w in ops.list_workflows("default", 10, 0) if w.id == uploaded.id] == ["of_ops"]
    ops.disable_workflow("of_ops")
    assert ops.get_workflow("of_ops").is_enabled is False
    with pytest.raises(AIFlowException, match="disabled"):
        ops.start_workflow_execution("of_ops")
    ops.enable_workflow("of_ops")
    ops.delete_workflow_snapshot(snapshots[0].id)
    assert ops.get_workflow_snapshot(snapshots[0].id) is None
    with pytest.raises(AIFlowException, match="Workflow default.nobody not exists"):
        ops.start_workflow_execution("nobody")
    assert ops.get_workflow("nobody") is None and ops.list_workflows("nobody") is None
    ops.delete_workflow("of_ops")
    assert ops.get_workflow("of_ops") is None


def test_operations_on_executions_and_tasks(server, tmp_path):
    upload(tmp_path, "runs")
    assert ops.list_workflow_executions("runs") is None
    execution_id = ops.start_workflow_execution(workflow_name="runs", namespace="default")
    assert isinstance(execution_id, int)
    execution = ops.get_workflow_execution(execution_id)
    assert isinstance(execution, WorkflowExecutionMeta)
    assert (execution.run_type, execution.status) == ("MANUAL", "RUNNING")
    assert execution.end_date == datetime.fromtimestamp(0), "not ended yet"
    wait_until(lambda: [t for t in ops.list_task_executions(execution_id) or []
                        if t.status == "SUCCESS"], "the first task has run")
    (task,) = ops.list_task_executions(execution_id)
    assert isinstance(task, TaskExecutionMeta)
    assert (task.task_name, task.sequence_number, task.try_number) == ("first", 1, 1)
    assert ops.get_task_execution(task.id) == task
    assert ops.start_task_execution(execution_id, "first") == f"{execution_id}_first_2"
    ops.stop_task_execution(execution_id, "first")
    with pytest.raises(AIFlowException, match="ghost"):
        ops.start_task_execution(execution_id, "ghost")
    with pytest.raises(AIFlowException, match="is not finished, cannot be removed"):
        ops.delete_workflow_execution(execution_id)
    client = get_notification_client(notification_uri(server), "default", "somebody")
    event = Event("runs_go", "")
    event.context = json.dumps({"workflow_execution_id": execution_id})
    client.send_event(event)
    client.close()
    assert finish(execution_id) in ("SUCCESS", "STOPPED")
    assert [e.id for e in ops.list_workflow_executions("runs", limit=5, offset=0)] == [execution_id]
    other = ops.start_workflow_execution("runs")
    ops.stop_workflow_executions("runs")
    assert finish(other) == "STOPPED"
    ops.stop_workflow_execution(other)
    with pytest.raises(AIFlowException, match="Workflow execution 4711 not exists"):
        ops.stop_workflow_execution(4711)
    ops.delete_workflow_execution(other)
    assert ops.get_workflow_execution(other) is None


def test_operations_on_schedules_and_triggers(server, tmp_path):
    upload(tmp_path, "scheduled")
    schedule = ops.add_workflow_schedule("cron@0 0 1 1 *", "scheduled", "default")
    assert isinstance(schedule, WorkflowScheduleMeta)
    assert (schedule.expression, schedule.is_paused) == ("cron@0 0 1 1 *", False)
    ops.pause_workflow_schedule(schedule.id)
    assert ops.get_workflow_schedule(schedule.id).is_paused is True
    ops.resume_workflow_schedule(schedule.id)
    assert [s.id for s in ops.list_workflow_schedules("scheduled")] == [schedule.id]
    with pytest.raises(AIFlowException):
        ops.add_workflow_schedule("every day", "scheduled")
    every = ops.add_workflow_schedule("interval@0 0 0 1", "scheduled")
    wait_until(lambda: ops.list_workflow_executions("scheduled"), "the interval fires")
    ops.delete_workflow_schedule(every.id)
    assert ops.list_workflow_executions("scheduled")[0].run_type == "PERIODIC"
    ops.delete_workflow_schedules("scheduled")
    assert ops.list_workflow_schedules("scheduled") is None

    ops.add_workflow_trigger(WorkflowRule(SingleEventCondition("trigger_key")), "scheduled")
    (trigger,) = ops.list_workflow_triggers("scheduled")
    ops.pause_workflow_trigger(trigger.id)
    ops.resume_workflow_trigger(trigger.id)
    before = len(ops.list_workflow_executions("scheduled"))
    client = EmbeddedNotificationClient(notification_uri(server), "default", "me")
    client.send_event(Event("trigger_key", "value"))
    client.close()
    wait_until(lambda: len(ops.list_workflow_executions("scheduled")) > before, "it starts one")
    assert ops.list_workflow_executions("scheduled")[-1].run_type == "EVENT"
    ops.delete_workflow_trigger(trigger.id)
    assert ops.get_workflow_trigger(trigger.id) is None
    ops.delete_workflow_triggers("scheduled")
    ops.stop_workflow_executions("scheduled")
    for execution in ops.list_workflow_executions("scheduled"):
        finish(execution.id)
    ops.delete_workflow("scheduled")


def test_a_workflow_is_deleted_step_by_step_as_the_old_operation_did(tmp_path):
    upload(tmp_path, "step_by_step")
    for _ in range(12):
        ops.start_workflow_execution("step_by_step")
    ops.stop_workflow_executions("step_by_step")
    for execution in ops.list_workflow_executions("step_by_step"):
        finish(execution.id)
    client = get_scheduler_client()
    while True:
        page = client.list_workflow_executions("default", "step_by_step", 10, 0)
        if page is None:
            break
        for execution in page:
            client.delete_workflow_execution(execution.id)
    client.delete_workflow_schedules("default", "step_by_step")
    client.delete_workflow_triggers("default", "step_by_step")
    client.delete_workflow_snapshots("default", "step_by_step")
    client.delete_workflow("step_by_step", "default")
    assert client.get_workflow("step_by_step", "default") is None
    client.close()


def test_the_scheduler_client_by_hand(server):
    """All of its methods that the operations do not use, with their orders of arguments."""
    import cloudpickle
    from ai_flow.model.workflow import Workflow
    from ai_flow.operators.bash import BashOperator

    with Workflow(name="by_hand") as made:
        BashOperator("task", "true")
    pickled = cloudpickle.dumps(made)
    client = SchedulerClient(server.endpoints()["server_uri"])
    added = client.add_workflow("by_hand", "default", "text", pickled)
    assert (added.workflow_object, added.content) == (pickled, "text")
    assert client.get_workflow("by_hand", "default") == added
    assert client.update_workflow("by_hand", "default", "new", b"x", True).content == "new"
    assert client.list_workflows("default", 100, 0)[-1].name == "by_hand"
    assert client.list_workflow_snapshots("default", "by_hand") is None
    schedule = client.add_workflow_schedule(added.id, "interval@1 0 0 0")
    assert client.list_workflow_schedules("default", "by_hand") == [schedule]
    assert client.list_workflow_executions("default", "by_hand") is None
    with pytest.raises(AIFlowException, match="by_hand"):
        client.start_workflow_execution("by_hand", "default")  # it has no snapshot
    client.disable_workflow("by_hand", "default")
    client.enable_workflow("by_hand", "default")
    client.stop_workflow_executions("default", "by_hand")
    client.delete_workflow("by_hand", "default")
    client.close()
    heartbeat = HeartbeatClient(server.endpoints()["server_uri"])
    assert heartbeat.send_heartbeat(TaskExecutionKey(1, "task", 1)) == "0"
    heartbeat.close()


def test_a_stop_by_an_event(server, tmp_path):
    upload(tmp_path, "stopped_by_event")
    execution = ops.start_workflow_execution("stopped_by_event")
    client = EmbeddedNotificationClient(notification_uri(server), namespace="default", sender="x")
    client.send_event(StopWorkflowExecutionEvent(execution))
    client.close()
    assert finish(execution) == "STOPPED"


# The notification client.


def test_sends_lists_and_counts(server):
    client = EmbeddedNotificationClient(server_uri=notification_uri(server), namespace="lists",
                                        sender="sender")
    first = client.send_event(Event(key="key", value="value1"))
    for value in ("value2", "value3"):
        client.send_event(Event(key="key", value=value))
    assert client.sequence_number == 3 and client.client_id > 0
    events = client.list_events("key", "lists", "sender", first.offset)
    assert [event.value for event in events] == ["value2", "value3"]
    assert client.list_events("key", namespace="lists", end_offset=first.offset) == [first]
    assert str(first).startswith(
        f"key:key, value:value1, namespace:lists, sender:sender, create_time:{first.create_time}, ")
    other = EmbeddedNotificationClient(notification_uri(server), "lists", "sender2")
    other.send_event(Event("key", "value4"))
    count, by_sender = client.count_events(key="key", namespace="lists")
    assert count == 4 and {s.sender: s.event_count for s in by_sender} == {"sender": 3, "sender2": 1}
    assert len(client.list_all_events(start_time=first.create_time, start_offset=None)) >= 4
    assert client.time_to_offset(datetime.now() + timedelta(hours=1)) >= first.offset + 3
    assert client.time_to_offset(datetime.fromtimestamp(0)) == 0
    client.close()
    other.close()


def test_a_listener_with_keys_gets_what_comes(server):
    client = EmbeddedNotificationClient(notification_uri(server), "listening", "sender")
    client.send_event(Event("key", "before"))
    offset = client.time_to_offset(datetime.now() + timedelta(seconds=1))
    collector = Collecting()
    registration = client.register_listener(collector, event_keys=["key", "key2"], offset=offset)
    for key in ("key", "other", "key2"):
        client.send_event(Event(key, "after"))
    client.unregister_listener(registration)
    assert [event.key for event in collector.events] == ["key", "key2"]
    assert client.threads == {}
    client.send_event(Event("key", "later"))
    client.close()
    assert len(collector.events) == 2


def test_a_listener_outlives_the_server(tmp_path):
    with Server(tmp_path / "home") as server:
        client = EmbeddedNotificationClient(notification_uri(server), "ns", "s", retry_seconds=60)
        collector = Collecting()
        client.register_listener(collector)
        client.send_event(Event("1", ""))
        collector.wait_for(1)
        for number in "234":
            server.kill()
            server.start()
            client.send_event(Event(number, ""))
        assert [event.key for event in collector.wait_for(4)] == ["1", "2", "3", "4"]
        client.close()


def test_a_client_goes_on_with_its_id_and_number(server):
    client = EmbeddedNotificationClient(notification_uri(server), "again", "s")
    first = client.send_event(Event("key", "a"))
    same = EmbeddedNotificationClient(notification_uri(server), "again", "s",
                                      client_id=client.client_id, initial_seq_num=0)
    assert same.send_event(Event("key", "a")) == first, "the number was used for this event"
    assert same.sequence_number == 1
    with pytest.raises(Exception, match="have not registered"):
        EmbeddedNotificationClient(notification_uri(server), client_id=987654)
    client.close()


def test_eight_threads_of_one_client_lose_nothing(server):
    client = EmbeddedNotificationClient(notification_uri(server), "threads", "s")

    def send(thread):
        for number in range(25):
            client.send_event(Event("key", f"{thread}.{number}"))

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = [event.value for event in client.list_events(namespace="threads")]
    assert sorted(values) == sorted(f"{t}.{n}" for t in range(8) for n in range(25))
    client.close()


def test_a_list_of_servers_of_which_one_lives(server):
    uri = f"localhost:1,{notification_uri(server)}"
    client = EmbeddedNotificationClient(server_uri=uri, namespace="list", sender="s")
    assert client.current_uri == notification_uri(server)
    assert client.living_members == []
    assert client.send_event(Event("key", "value")).offset > 0
    client.disable_high_availability()
    assert client.send_event(Event("key", "value")).offset > 0
    client.close()


def test_a_poll_is_as_long_as_the_environment_says(server, monkeypatch):
    monkeypatch.setenv("NOTIFICATION_TIMEOUT_SECONDS", "1")
    client = EmbeddedNotificationClient(notification_uri(server), "poll", "s")
    collector = Collecting()
    client.register_listener(collector, ["key"])
    begin = time.monotonic()
    client.close()
    assert time.monotonic() - begin < 20


TASK = """
    from ai_flow.model.action import TaskAction
    from ai_flow.model.workflow import Workflow
    from ai_flow.notification.notification_client import (
        AIFlowNotificationClient, Event, ListenerProcessor)
    from ai_flow.operators.bash import BashOperator
    from ai_flow.operators.python import PythonOperator

    class Waiting(ListenerProcessor):
        def __init__(self):
            self.values = []

        def process(self, events):
            self.values += [event.value for event in events]

    def talk():
        import time
        client = AIFlowNotificationClient("localhost:50052")
        waiting = Waiting()
        registration = client.register_listener(
            listener_processor=waiting, event_keys=["answer"])
        sent = client.send_event(key="question", value="what")
        print("sent by", sent.sender, "in", sent.namespace)
        while not waiting.values:
            time.sleep(0.05)
        client.unregister_listener(registration)
        client.close()
        print("heard", waiting.values)

    def reply():
        client = AIFlowNotificationClient(server_uri="localhost:50052")
        client.send_event("answer", "that")
        client.close()

    with Workflow(name="talking") as workflow:
        PythonOperator("talk", talk)
        answering = PythonOperator("reply", reply)
        answering.action_on_event_received(action=TaskAction.START, event_key="question")
    """


def test_tasks_that_talk_by_events(server, tmp_path):
    path = tmp_path / "talking.py"
    path.write_text(textwrap.dedent(TASK))
    ops.upload_workflows(str(path))
    execution = ops.start_workflow_execution("talking")
    assert finish(execution) == "SUCCESS"
    log = server.cli("logs", str(execution), "talk").stdout
    assert f"sent by {execution}_talk_1 in default" in log
    assert "heard ['that']" in log


def test_without_a_server_operations_say_so(client_home, monkeypatch):
    monkeypatch.setenv("AIFLOW_SERVER", "localhost:1")
    monkeypatch.setattr("ai_flow.rpc.client.channel.CONNECT_SECONDS", 0.2)
    with pytest.raises(AIFlowException, match="no AIFlow server answers at localhost:1"):
        ops.list_workflows()
