"""The examples: they compile, and online learning's tasks tell their story without a server."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "examples"
ONLINE_LEARNING = EXAMPLES / "online_learning"


def rules_of(spec):
    return {
        task["name"]: [(rule["action"], rule["condition"]) for rule in task.get("rules", [])]
        for task in spec["tasks"]
    }


def compiled(host, path):
    done = host.compile(path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["warnings"] == []
    return result["workflows"][0]["spec"]


def test_quickstart_compiles_to_its_four_tasks(host):
    spec = compiled(host, EXAMPLES / "quickstart" / "quickstart.py")
    assert spec["name"] == "quickstart_workflow"
    assert [(t["name"], t["operator"]) for t in spec["tasks"]] == [
        ("task1", "bash"),
        ("task2", "bash"),
        ("task3", "host"),
        ("task4", "bash"),
    ]
    rules = rules_of(spec)
    assert rules["task1"] == rules["task2"] == []
    ((action, condition),) = rules["task3"]
    assert action == "START" and condition["type"] == "all_task_status"
    assert [leaf["task"] for leaf in condition["conditions"]] == ["task1", "task2"]
    assert rules["task4"] == [("START", {"type": "event", "key": "key"})]


class Execution:
    """Stands in for the server: starts each task's process when its rule says so."""

    def __init__(self, host, notification, bundle, hours):
        self.host = host
        self.notification = notification
        self.path = bundle / "online_learning.py"
        self.settings = {
            "AIFLOW_NOTIFICATION_URI": notification.uri,
            "AIFLOW_BUNDLE_DIR": bundle,
            "ONLINE_LEARNING_HOURS": hours,
            "ONLINE_LEARNING_SECONDS_PER_HOUR": "0.3",
        }
        self.position = 0
        self.runs = 0

    def start(self, task, event=None):
        self.runs += 1
        settings = dict(self.settings, AIFLOW_ATTEMPT_KEY=f"7-0-{self.runs}-1")
        settings["AIFLOW_SEQUENCE_NUMBER"] = self.runs
        if event is not None:
            settings["AIFLOW_EVENT_KEY"] = event.key
            settings["AIFLOW_EVENT_VALUE"] = event.value
            settings["AIFLOW_EVENT_OFFSET"] = event.offset
        return self.host.start(self.path, workflow="online_learning", task=task, **settings)

    def run(self, task, event=None):
        process = self.start(task, event)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output

    def next_event(self):
        self.notification.wait_for(lambda events: len(events) > self.position)
        event = self.notification.events[self.position]
        self.position += 1
        return event

    def stop(self, process):
        process.terminate()
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 143, output
        return output


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle" / "online_learning"
    folder.mkdir(parents=True)
    shutil.copy(ONLINE_LEARNING / "python" / "online_learning.py", folder)
    shutil.copy(ONLINE_LEARNING / "data" / "digits.csv", folder)
    return folder


def summary(work, hours):
    return subprocess.run(
        [sys.executable, str(ONLINE_LEARNING / "summary.py"), str(work), "--hours", str(hours)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_online_learning_compiles_to_its_rules(host, bundle):
    spec = compiled(host, bundle / "online_learning.py")
    assert {t["name"]: t.get("on_alive") for t in spec["tasks"]} == {
        "stream": None,
        "predict": None,
        "train": "queue",
        "validate": "queue",
        "deploy": "queue",
    }
    rules = rules_of(spec)
    stop = [("STOP", {"type": "event", "key": "enough_hours"})]
    assert rules["stream"] == rules["predict"] == stop
    assert rules["train"] == [("START", {"type": "event", "key": "hour_complete"})]
    assert rules["deploy"] == [("START", {"type": "event", "key": "model_validated"})]
    assert rules["validate"][0][1]["type"] == "all_task_status"


def test_online_learning_gets_better_and_trains_each_hour_once(host, notification, bundle):
    execution = Execution(host, notification, bundle, hours=4)
    stream, predict = execution.start("stream"), execution.start("predict")
    while True:
        event = execution.next_event()
        if event.key == "hour_complete":
            execution.run("train", event)
            execution.run("validate")
        elif event.key == "model_validated":
            execution.run("deploy", event)
        elif event.key == "enough_hours":
            break
    # The stream goes on from the beginning: the repeated hours are no new events.
    notification.wait_for(lambda events: notification.calls.count("sendEvent") > len(events))
    execution.stop(stream)
    output = execution.stop(predict)
    assert "now predicts with the model of hour" in output

    work = host.work
    done = summary(work, 4)
    assert done.returncode == 0, done.stdout
    assert "4 hours, 4 trainings" in done.stdout
    assert notification.keys().count("hour_complete") == 4
    pids = {line.split(",")[5] for line in (work / "predictions.csv").read_text().splitlines()}
    assert pids == {str(predict.pid)}

    # Each way in which the story can be incomplete is found.
    with open(work / "trainings.csv", "a") as file:
        file.write("2,800,again,0.1\n")
    assert "expected each of [1, 2, 3, 4] once" in summary(work, 4).stdout
    with open(work / "predictions.csv", "a") as file:
        file.write(f"4,1599,1,1,3,{os.getpid()}\n")
    assert "by 2 processes" in summary(work, 4).stdout
    assert summary(work, 5).returncode == 1
