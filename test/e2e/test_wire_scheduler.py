"""The frozen scheduler and heartbeat services, over the wire, as a client sees them that knows the
numbers only: codes, texts, and how answers are encoded."""

import base64
import json
import sys
import time

import field_numbers
import pytest
from aiflow_server import Server, wait_until
from google.protobuf import json_format

SUCCESS, INVALID_VALUE, INVALID_STATE, EXISTS, NOT_FOUND = "0", "1000", "1003", "2001", "2002"
NOTHING = "resource_does_not_exist"
UNKNOWN = 987654
MESSAGES = field_numbers.ai_flow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """It compiles with the Python of this test."""
    home = tmp_path_factory.mktemp("wire") / "home"
    home.mkdir(mode=0o700)
    (home / "aiflow_server.yaml").write_text(f"python_executable: {sys.executable}\n")
    with Server(home) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    client = field_numbers.scheduler_client(server.endpoints()["server_uri"])
    yield client
    client.close()


def refused(response, code, text):
    assert (response.return_code, response.error_msg, response.data) == (code, text, "")
    return True


def nothing(response):
    return refused(response, NOT_FOUND, NOTHING)


def done(response):
    """The data."""
    assert (response.return_code, response.error_msg) == (SUCCESS, "")
    return response.data


def parsed(response, message):
    """As JSON, after an unmodified parser has read it as the message: it refuses unknown fields."""
    data = done(response)
    found = json_format.Parse(data, MESSAGES[message]())
    assert data.startswith("{\n"), "several lines"
    return json.loads(data), found


def workflow(name, namespace="default"):
    return {"namespace": namespace, "workflow_name": name}


def pickled_workflow(name, namespace="default"):
    """One task waits for events, the other one runs until it is stopped."""
    import cloudpickle
    from ai_flow.model.action import TaskAction
    from ai_flow.model.workflow import Workflow
    from ai_flow.operators.bash import BashOperator

    with Workflow(name=name, namespace=namespace) as made:
        BashOperator("runs", "sleep 1000")
        BashOperator("waits", "true").action_on_event_received(TaskAction.START, "wire_event")
    return cloudpickle.dumps(made)


def pickled_rule(key):
    import cloudpickle
    from ai_flow.model.internal.conditions import SingleEventCondition
    from ai_flow.model.rule import WorkflowRule

    return cloudpickle.dumps(WorkflowRule(SingleEventCondition(key)))


@pytest.fixture(scope="module")
def uploaded(client):
    """name -> id of a workflow that was added and has a snapshot."""
    ids = {}

    def upload(name):
        if name not in ids:
            pickled = pickled_workflow(name)
            added, _ = parsed(client.addWorkflow(
                name=name, namespace="default", content=f"# {name}", pickled_workflow=pickled),
                "WorkflowProto")
            ids[name] = int(added["uuid"])
            done(add_snapshot(client, ids[name], pickled))
        return ids[name]

    return upload


def add_snapshot(client, workflow_id, pickled, uri="bucket.host/flow.zip"):
    return client.addWorkflowSnapshot(workflow_id=workflow_id, uri={"value": uri},
                                      workflow_object=pickled, signature={"value": "md5"})


# Namespaces.


def test_namespaces(client):
    properties = {"owner": "ä", "tier": ""}
    added, _ = parsed(client.addNamespace(name="wire", properties=properties), "NamespaceProto")
    assert added == {"name": "wire", "properties": properties}
    found, _ = parsed(client.getNamespace(name="wire"), "NamespaceProto")
    assert found == added
    updated, _ = parsed(client.updateNamespace(name="wire", properties={"b": "2"}), "NamespaceProto")
    assert updated["properties"] == {"b": "2"}, "replaced"
    without, _ = parsed(client.updateNamespace(name="wire"), "NamespaceProto")
    assert without == {"name": "wire"}
    listed, _ = parsed(client.listNamespaces(), "NamespaceListProto")
    assert [n["name"] for n in listed["namespaces"]] == ["default", "wire"]

    assert client.addNamespace(name="wire").return_code == EXISTS
    assert nothing(client.getNamespace(name="nobody"))
    assert nothing(client.updateNamespace(name="nobody"))
    gone = client.deleteNamespace(name="nobody")
    assert gone.return_code == NOT_FOUND and gone.error_msg == "Namespace nobody not exists."
    for name in ("", "a/b", " a", "DEFAULT", "x" * 201):
        assert client.addNamespace(name=name).return_code == INVALID_VALUE
    assert done(client.deleteNamespace(name="wire")) == ""
    assert nothing(client.getNamespace(name="wire"))
    assert client.deleteNamespace(name="default").return_code == INVALID_STATE


def test_pages_of_lists(client):
    for number in range(5):
        done(client.addNamespace(name=f"page_{number}"))

    def page(**request):
        response = client.listNamespaces(**request)
        if response.return_code == NOT_FOUND:
            return []
        return [n["name"] for n in parsed(response, "NamespaceListProto")[0]["namespaces"]]

    everything = page()
    assert len(everything) == 6 and everything == sorted(everything)
    assert page(page_size=2) == everything[:2]
    assert page(page_size=2, offset=2) == everything[2:4]
    assert page(page_size=0, offset=4) == everything[4:]
    for huge in (10**6, (1 << 63) - 1):
        assert page(page_size=huge) == everything
        assert page(page_size=10, offset=huge) == []
    for negative in (-1, -(1 << 63)):
        assert page(page_size=negative, offset=negative) == everything
    assert nothing(client.listNamespaces(page_size=10, offset=6))
    for number in range(5):
        done(client.deleteNamespace(name=f"page_{number}"))


# Workflows and snapshots.


def test_workflows(client):
    pickled = pickled_workflow("wire_flow")
    added, message = parsed(client.addWorkflow(
        name="wire_flow", namespace="default", content="text", pickled_workflow=pickled),
        "WorkflowProto")
    # int64 is a decimal text, bytes are base64, wrappers are there also when they are nothing.
    assert added["uuid"] == str(message.uuid) and isinstance(added["uuid"], str)
    assert added["pickled_workflow"] == base64.b64encode(pickled).decode()
    assert message.pickled_workflow == pickled
    assert abs(int(added["create_time"]) / 1000 - time.time()) < 60
    assert added["update_time"].isdigit() and added["is_enabled"] is True
    assert added["event_offset"].lstrip("-").isdigit()
    found, _ = parsed(client.getWorkflow(**workflow("wire_flow")), "WorkflowProto")
    assert found == added
    listed, _ = parsed(client.listWorkflows(namespace="default"), "WorkflowListProto")
    assert added in listed["workflows"]
    everywhere, _ = parsed(client.listWorkflows(), "WorkflowListProto")
    assert added in everywhere["workflows"]

    assert client.addWorkflow(name="wire_flow", namespace="default",
                              pickled_workflow=pickled).return_code == EXISTS
    assert refused(client.addWorkflow(name="w", namespace="nobody", pickled_workflow=b"x"),
                   INVALID_VALUE, "Namespace nobody not exists")
    assert nothing(client.getWorkflow(**workflow("nobody")))
    assert nothing(client.listWorkflows(namespace="nobody"))

    updated, _ = parsed(client.updateWorkflow(
        identifier=workflow("wire_flow"), content="new", pickled_workflow=b"new", is_enabled=False),
        "WorkflowProto")
    assert updated["content"] == "new" and updated["uuid"] == added["uuid"]
    assert updated["is_enabled"] is True, "an update does not change the flag"
    assert refused(client.updateWorkflow(identifier=workflow("nobody")), INVALID_VALUE,
                   "Workflow default.nobody not exists")

    assert done(client.disableWorkflow(**workflow("wire_flow"))) == ""
    disabled, message = parsed(client.getWorkflow(**workflow("wire_flow")), "WorkflowProto")
    assert "is_enabled" not in disabled and message.is_enabled is False
    assert done(client.enableWorkflow(**workflow("wire_flow"))) == ""
    for method in ("disableWorkflow", "enableWorkflow", "deleteWorkflow"):
        response = getattr(client, method)(**workflow("nobody"))
        assert response.return_code not in (SUCCESS, "1"), method
        assert response.error_msg == "Workflow default.nobody not exists", method
    assert done(client.deleteWorkflow(**workflow("wire_flow"))) == ""
    assert nothing(client.getWorkflow(**workflow("wire_flow")))


def test_a_namespace_with_workflows_is_not_deleted(client):
    done(client.addNamespace(name="full"))
    parsed(client.addWorkflow(name="w", namespace="full", pickled_workflow=b"x"), "WorkflowProto")
    assert refused(client.deleteNamespace(name="full"), INVALID_STATE,
                   "Namespace: full is not empty, please remove all its workflows first.")
    done(client.deleteWorkflow(**workflow("w", "full")))
    done(client.deleteNamespace(name="full"))


def test_snapshots(client):
    pickled = pickled_workflow("snapped")
    added, _ = parsed(client.addWorkflow(name="snapped", namespace="default", content="c",
                                         pickled_workflow=pickled), "WorkflowProto")
    workflow_id = int(added["uuid"])
    assert nothing(client.listWorkflowSnapshots(**workflow("snapped")))
    first, message = parsed(add_snapshot(client, workflow_id, pickled), "WorkflowSnapshotProto")
    assert message.workflow_object == pickled and message.workflow_id == workflow_id
    assert (first["uri"], first["signature"]) == ("bucket.host/flow.zip", "md5")
    assert abs(int(first["create_time"]) / 1000 - time.time()) < 60
    second, _ = parsed(add_snapshot(client, workflow_id, pickled), "WorkflowSnapshotProto")
    found, _ = parsed(client.getWorkflowSnapshot(id=int(second["uuid"])), "WorkflowSnapshotProto")
    assert found == second
    listed, _ = parsed(client.listWorkflowSnapshots(**workflow("snapped")),
                       "WorkflowSnapshotListProto")
    assert listed["workflow_snapshots"] == [first, second]
    paged, _ = parsed(client.listWorkflowSnapshots(page_size=1, offset=1, **workflow("snapped")),
                      "WorkflowSnapshotListProto")
    assert paged["workflow_snapshots"] == [second]

    assert refused(add_snapshot(client, UNKNOWN, pickled), INVALID_VALUE,
                   f"Workflow with id: {UNKNOWN} not exists")
    assert nothing(client.getWorkflowSnapshot(id=UNKNOWN))
    assert refused(client.listWorkflowSnapshots(**workflow("nobody")), INVALID_VALUE,
                   "Workflow default.nobody not exists")
    gone = client.deleteWorkflowSnapshot(id=UNKNOWN)
    assert gone.error_msg == f"Workflow snapshot {UNKNOWN} not exists" != gone.return_code != "1"
    assert done(client.deleteWorkflowSnapshot(id=int(first["uuid"]))) == ""
    assert nothing(client.getWorkflowSnapshot(id=int(first["uuid"])))
    assert done(client.deleteWorkflowSnapshots(**workflow("snapped"))) == ""
    assert nothing(client.listWorkflowSnapshots(**workflow("snapped")))
    assert client.deleteWorkflowSnapshots(**workflow("nobody")).error_msg == (
        "Workflow default.nobody not exists")
    done(client.deleteWorkflow(**workflow("snapped")))


# Executions.


def test_executions(client, uploaded):
    workflow_id = uploaded("executed")
    assert nothing(client.listWorkflowExecutions(**workflow("executed")))
    data = done(client.startWorkflowExecution(**workflow("executed")))
    assert data == str(int(data)), "plain text"
    execution = int(data)
    found, _ = parsed(client.getWorkflowExecution(id=execution), "WorkflowExecutionProto")
    assert (found["uuid"], found["workflow_id"]) == (str(execution), str(workflow_id))
    assert (found["status"], found["run_type"]) == ("RUNNING", "MANUAL")
    assert int(found["begin_date"]) > 0 and found["end_date"] == "0"
    assert int(found["snapshot_id"]) > 0 and "event_offset" in found
    other = int(done(client.startWorkflowExecution(**workflow("executed"))))
    listed, _ = parsed(client.listWorkflowExecutions(**workflow("executed")),
                       "WorkflowExecutionListProto")
    assert [int(e["uuid"]) for e in listed["workflow_executions"]] == [execution, other]

    assert refused(client.startWorkflowExecution(**workflow("nobody")), client.startWorkflowExecution(
        **workflow("nobody")).return_code, "Workflow default.nobody not exists")
    assert nothing(client.getWorkflowExecution(id=UNKNOWN))
    assert refused(client.listWorkflowExecutions(**workflow("nobody")), INVALID_VALUE,
                   "Workflow default.nobody not exists")
    assert refused(client.deleteWorkflowExecution(id=execution), INVALID_STATE,
                   f"Workflow execution {execution} is not finished, cannot be removed.")
    for method in ("deleteWorkflowExecution", "stopWorkflowExecution"):
        response = getattr(client, method)(id=UNKNOWN)
        assert response.return_code not in (SUCCESS, "1")
        assert response.error_msg == f"Workflow execution {UNKNOWN} not exists"

    done(client.disableWorkflow(**workflow("executed")))
    refusal = client.startWorkflowExecution(**workflow("executed"))
    assert refusal.return_code == INVALID_STATE and "disabled" in refusal.error_msg
    done(client.enableWorkflow(**workflow("executed")))

    def status(number):
        return parsed(client.getWorkflowExecution(id=number), "WorkflowExecutionProto")[0]["status"]

    assert done(client.stopWorkflowExecution(id=execution)) == ""
    wait_until(lambda: status(execution) == "STOPPED", "it is stopped")
    ended, _ = parsed(client.getWorkflowExecution(id=execution), "WorkflowExecutionProto")
    assert int(ended["end_date"]) >= int(ended["begin_date"])
    assert done(client.stopWorkflowExecution(id=execution)) == "", "stopping twice is nothing"
    assert done(client.stopWorkflowExecutions(**workflow("executed"))) == ""
    wait_until(lambda: status(other) == "STOPPED", "all are stopped")
    assert client.stopWorkflowExecutions(**workflow("nobody")).error_msg == (
        "Workflow default.nobody not exists")
    assert done(client.deleteWorkflowExecution(id=execution)) == ""
    assert nothing(client.getWorkflowExecution(id=execution))


def test_task_executions(client, uploaded):
    uploaded("tasks")
    execution = int(done(client.startWorkflowExecution(**workflow("tasks"))))

    def tasks(**page):
        response = client.listTaskExecutions(workflow_execution_id=execution, **page)
        if response.return_code == NOT_FOUND:
            return []
        return parsed(response, "TaskExecutionListProto")[0]["task_executions"]

    running = wait_until(lambda: [t for t in tasks() if t.get("status") == "RUNNING"], "it runs")
    task = running[0]
    assert (task["task_name"], task["sequence_number"], task["try_number"]) == ("runs", "1", "1")
    assert task["workflow_execution_id"] == str(execution)
    assert int(task["begin_date"]) > 0 and task["end_date"] == "0"
    found, _ = parsed(client.getTaskExecution(id=int(task["uuid"])), "TaskExecutionProto")
    assert found == task

    waits = {"workflow_execution_id": execution, "task_name": "waits"}
    assert done(client.startTaskExecution(**waits)) == f"{execution}_waits_1"
    wait_until(lambda: [t for t in tasks() if t.get("status") == "SUCCESS"], "it was started")
    assert done(client.startTaskExecution(**waits)) == f"{execution}_waits_2"
    assert [t["task_name"] for t in tasks(page_size=2, offset=1)] == ["waits", "waits"]
    runs = {"workflow_execution_id": execution, "task_name": "runs"}
    busy = client.startTaskExecution(**runs)
    assert busy.return_code == INVALID_STATE and "Start task execution failed." in busy.error_msg

    ghost = {"workflow_execution_id": execution, "task_name": "ghost"}
    for method in ("startTaskExecution", "stopTaskExecution"):
        assert getattr(client, method)(**ghost).return_code not in (SUCCESS, "1")
    assert client.stopTaskExecution(**ghost).error_msg == (
        f"Task execution {execution}.ghost not exists")
    unknown = client.stopTaskExecution(workflow_execution_id=UNKNOWN, task_name="runs")
    assert unknown.return_code != SUCCESS and unknown.error_msg == (
        f"Task execution {UNKNOWN}.runs not exists")
    assert nothing(client.getTaskExecution(id=UNKNOWN))
    assert refused(client.listTaskExecutions(workflow_execution_id=UNKNOWN), INVALID_VALUE,
                   f"Workflow execution with id: {UNKNOWN} not exists")

    assert done(client.stopTaskExecution(**runs)) == ""
    wait_until(lambda: [t for t in tasks() if t["status"] == "STOPPED"], "it is stopped")
    done(client.stopWorkflowExecution(id=execution))


# Schedules and triggers.


@pytest.mark.parametrize("kind", ["Schedule", "Trigger"])
def test_schedules_and_triggers(client, uploaded, kind):
    workflow_id = uploaded(f"has_{kind.lower()}s")
    of = workflow(f"has_{kind.lower()}s")
    proto, field = f"Workflow{kind}Proto", f"workflow_{kind.lower()}s"
    what = ({"expression": {"value": "cron@0 0 1 1 *"}} if kind == "Schedule"
            else {"rule": pickled_rule("wire_key")})

    def call(verb, plural="", **request):
        return getattr(client, f"{verb}Workflow{kind}{plural}")(**request)

    assert nothing(call("list", "s", **of))
    first, message = parsed(call("add", workflow_id=workflow_id, **what), proto)
    if kind == "Schedule":
        assert first["expression"] == "cron@0 0 1 1 *"
    else:
        assert message.rule == what["rule"], "byte for byte"
    assert first["workflow_id"] == str(workflow_id) and "is_paused" not in first
    assert abs(int(first["create_time"]) / 1000 - time.time()) < 60
    second, _ = parsed(call("add", workflow_id=workflow_id, **what), proto)
    number = int(first["uuid"])
    assert parsed(call("get", id=number), proto)[0] == first
    listed, _ = parsed(call("list", "s", **of), f"Workflow{kind}ListProto")
    assert listed[field] == [first, second]
    paged, _ = parsed(call("list", "s", page_size=1, offset=1, **of), f"Workflow{kind}ListProto")
    assert paged[field] == [second]

    for _ in range(2):
        assert done(call("pause", id=number)) == ""
        assert parsed(call("get", id=number), proto)[0]["is_paused"] is True
    for _ in range(2):
        assert done(call("resume", id=number)) == ""
        assert "is_paused" not in parsed(call("get", id=number), proto)[0]

    assert nothing(call("get", id=UNKNOWN))
    for verb in ("pause", "resume", "delete"):
        response = call(verb, id=UNKNOWN)
        assert response.return_code not in (SUCCESS, "1")
        assert response.error_msg == f"Workflow {kind.lower()} {UNKNOWN} not exists"
    assert refused(call("add", workflow_id=UNKNOWN, **what), INVALID_VALUE,
                   f"Workflow with id: {UNKNOWN} not exists")
    assert refused(call("list", "s", **workflow("nobody")), INVALID_VALUE,
                   "Workflow default.nobody not exists")
    assert call("delete", "s", **workflow("nobody")).error_msg == (
        "Workflow default.nobody not exists")

    done(call("pause", id=number))
    assert done(call("delete", id=number)) == "", "also a paused one"
    assert nothing(call("get", id=number))
    assert done(call("delete", "s", **of)) == ""
    assert nothing(call("list", "s", **of))


def test_expressions_that_mean_nothing_are_refused(client, uploaded):
    workflow_id = uploaded("has_schedules")
    for expression in ("", "cron@", "cron@61 * * * *", "interval@-1 0 0 0", "interval@1",
                       "every day", "cron@* * * * * Europe/Nowhere"):
        response = client.addWorkflowSchedule(workflow_id=workflow_id,
                                              expression={"value": expression})
        assert response.return_code == INVALID_VALUE, expression
        assert response.error_msg and "\n" not in response.error_msg
    assert client.addWorkflowSchedule(workflow_id=workflow_id).return_code == INVALID_VALUE
    assert nothing(client.listWorkflowSchedules(**workflow("has_schedules")))


def test_large_pickles_and_texts_come_back_whole(client):
    """More than the four mebibytes that clients without options accept would be their error."""
    content = "ö" * (1 << 19)
    added, _ = parsed(client.addWorkflow(name="large", namespace="default", content=content,
                                         pickled_workflow=bytes(range(256)) * 4096), "WorkflowProto")
    assert added["content"] == content
    done(client.deleteWorkflow(**workflow("large")))


@pytest.mark.parametrize("method, request_", [
    ("getWorkflow", {"namespace": "", "workflow_name": ""}),
    ("getNamespace", {"name": ""}),
    ("getWorkflowExecution", {"id": 0}),
    ("getWorkflowExecution", {"id": -1}),
    ("getTaskExecution", {"id": (1 << 63) - 1}),
    ("getWorkflowSchedule", {"id": -(1 << 63)}),
])
def test_what_cannot_exist_is_not_found(client, method, request_):
    assert nothing(getattr(client, method)(**request_))


# Heartbeats.


def test_heartbeats_are_answered_on_both_ports(server):
    endpoints = server.endpoints()
    known = {int(endpoints[name].rsplit(":", 1)[1])
             for name in ("server_uri", "notification_uri", "http_url")}
    (internal,) = server.listening_ports() - known
    for address in (endpoints["server_uri"], f"localhost:{internal}"):
        client = field_numbers.heartbeat_client(address)
        for beat in ({"workflow_execution_id": 1, "task_name": "t", "sequence_number": 1}, {}):
            assert client.send_heartbeat(**beat).return_code == SUCCESS
        client.close()


def test_every_call_of_the_service_was_made(client):
    assert client.called == set(client.calls) and len(client.calls) == 41
