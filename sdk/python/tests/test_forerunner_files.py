"""Workflow files as users of the forerunner wrote them: they compile and run unchanged."""

import json
import os
import pathlib
import runpy
import shutil
import signal
import subprocess
import sys

import pytest
from condition_host import decoded, task_rule
from condition_host import trigger as trigger_question
from fake_server import success

from ai_flow.rpc.protobuf import message_pb2 as pb
from ai_flow.rpc.protobuf import orchestrator_pb2 as v1

FILES = pathlib.Path(__file__).parent / "forerunner"


@pytest.fixture
def bundle(tmp_path):
    """Copies one of the files to where a server would unpack it."""

    def copy(name):
        folder = tmp_path / "bundle"
        folder.mkdir(exist_ok=True)
        return pathlib.Path(shutil.copy(FILES / name, folder))

    return copy


def compiled(host, path):
    done = host.compile(path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["warnings"] == []
    return [workflow["spec"] for workflow in result["workflows"]]


def tasks_of(spec):
    return {task["name"]: task for task in spec["tasks"]}


@pytest.mark.parametrize("path", sorted(FILES.glob("*.py")), ids=lambda path: path.stem)
def test_it_compiles_without_a_warning(host, path):
    assert compiled(host, path)


def run_task(host, notification, path, workflow, task, **settings):
    settings = dict(settings, AIFLOW_NOTIFICATION_URI=notification.uri)
    return host.run(path, workflow=workflow, task=task, **settings)


def test_quickstart(host, notification, bundle):
    path = bundle("quickstart.py")
    (spec,) = compiled(host, path)
    tasks = tasks_of(spec)
    assert [tasks[f"task{n}"]["operator"] for n in (1, 2, 3, 4)] == ["bash", "bash", "host", "bash"]
    assert tasks["task4"]["rules"] == [
        {"action": "START", "condition": {"type": "event", "key": "key"}}
    ]
    code, output = run_task(host, notification, path, "quickstart_workflow", "task3")
    assert code == 0, output
    (event,) = notification.events
    assert (event.key, json.loads(event.context)) == ("key", {"workflow_execution_id": 7})


def as_main(path, folder):
    """Runs the file as a program, as its user does."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=str(folder),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def workflow_proto():
    proto = pb.WorkflowProto(uuid=4, name="event_triggered", namespace="default")
    proto.create_time.value = proto.update_time.value = 1
    return proto


def test_the_quickstart_starts_itself_when_it_is_run(server, tmp_path):
    server.answers["getWorkflow"] = success(workflow_proto())
    as_main(FILES / "quickstart.py", tmp_path)
    calls = [name for name, _ in server.calls if name[0].isupper()]
    assert len(server.uploads) == 1 and calls == ["StartWorkflowExecution"]


def test_an_event_triggered_workflow(server, condition_host, tmp_path):
    """The file uploads itself and adds its trigger; a host then counts its events."""
    server.answers["getWorkflow"] = success(workflow_proto())
    server.answers["AddWorkflowTrigger"] = lambda request: v1.WorkflowTrigger(id=1, workflow_id=4)
    as_main(FILES / "event_triggered.py", tmp_path)
    assert len(server.uploads) == 1
    name, request = server.calls[-1]
    assert (name, request.name, request.namespace) == (
        "AddWorkflowTrigger",
        "event_triggered",
        "default",
    )
    assert json.loads(request.condition_json) == {
        "type": "custom",
        "name": "EverySecondEvent",
        "event_keys": ["data_arrived"],
    }
    condition_host.start()
    ask = trigger_question(request.pickled_rule, workflow="event_triggered")
    assert [condition_host.met(ask, key="data_arrived") for _ in range(4)] == [
        False,
        True,
        False,
        True,
    ]
    assert decoded(condition_host.states) == {"seen": 4}


def test_a_condition_that_accumulates_state(host, condition_host, bundle, notification):
    path = bundle("accumulated_state.py")
    (spec,) = compiled(host, path)
    assert spec["config"] == {"owner": "team"}
    tasks = tasks_of(spec)
    own = {"type": "custom", "name": "EnoughSamples", "event_keys": ["samples"]}
    assert tasks["train"]["rules"] == [{"action": "START", "condition": own}]
    assert tasks["report"]["rules"][0]["condition"]["conditions"] == [
        {"type": "event", "key": "closed"},
        {"type": "custom", "name": "EnoughSamples", "event_keys": ["more"]},
    ]

    condition_host.start(path)
    ask = task_rule(task="train", workflow="accumulated_state")
    ready = {"prepare": "SUCCESS"}
    met = [
        condition_host.met(ask, key="samples", value="60", statuses={"prepare": "RUNNING"}),
        condition_host.met(ask, key="samples", value="60", statuses={"prepare": "RUNNING"}),
        condition_host.met(ask, key="samples", value="1", statuses=ready),
        condition_host.met(ask, key="samples", value="99", statuses=ready),
    ]
    assert met == [False, False, True, False]
    assert decoded(condition_host.states) == {"samples": 99}
    assert condition_host.met(
        task_rule(task="report", workflow="accumulated_state"), value="5", statuses=ready
    )

    code, output = run_task(host, notification, path, "accumulated_state", "train")
    assert (code, output) == (0, "learning with 0.1, 3 rounds\n")


def test_periodic_tasks_by_cron_and_interval(host):
    by_cron, by_interval = compiled(host, FILES / "periodic.py")
    assert tasks_of(by_cron)["hourly"]["periodic_expression"] == "cron@0 * * * *"
    assert tasks_of(by_interval)["often"]["periodic_expression"] == "interval@0 0 1 30"


def started(host, notification, path, task, line):
    process = host.start(
        path,
        workflow="stream_and_batch",
        task=task,
        AIFLOW_NOTIFICATION_URI=notification.uri,
    )
    for found in process.stdout:
        if line in found:
            return process
    raise AssertionError(f"{task} ended without {line!r}")


def test_stream_plus_batch_learning(host, notification, bundle):
    path = bundle("stream_and_batch.py")
    (spec,) = compiled(host, path)
    rules = {name: task.get("rules", []) for name, task in tasks_of(spec).items()}
    assert [rule["action"] for rule in rules["serving"]] == ["RESTART"]
    assert rules["cleanup"][0]["condition"]["conditions"][0]["status"] == "STOPPED"

    stream = started(host, notification, path, "stream", "all batches of stream_and_batch are out")
    assert notification.keys() == ["batch_ready", "batch_ready"]
    serving = started(host, notification, path, "serving", "serving")
    code, output = run_task(host, notification, path, "stream_and_batch", "training")
    assert code == 0, output
    output, _ = serving.communicate(timeout=60)
    assert serving.returncode == 0 and "model model of 7_training_2" in output

    stream.send_signal(signal.SIGTERM)
    output, _ = stream.communicate(timeout=60)
    assert stream.returncode == 143 and "stopping 7_stream_2" in output


def test_the_files_are_modules_without_side_effects():
    for path in FILES.glob("*.py"):
        runpy.run_path(str(path), run_name="imported")
