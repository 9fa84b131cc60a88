"""Workflow files as users of the forerunner wrote them, unchanged, on a real server that is killed."""

import os
import subprocess
import sys

from aiflow_server import SOURCE, wait_until

FILES = SOURCE / "sdk/python/tests/forerunner"


def send(server, key, value="x"):
    server.cli("event", "send", key, value, "-n", "default")


def restart(server):
    server.kill()
    server.start()


def runs(server, execution, task):
    """Of the task, the first one first."""
    found = [run for run in server.rows("task-execution", "list", str(execution))
             if run["task_name"] == task]
    return sorted(found, key=lambda run: int(run["sequence_number"]))


def statuses(server, execution, task):
    return [run["status"] for run in runs(server, execution, task)]


def test_an_event_triggered_workflow_counts_across_the_death_of_the_server(server):
    env = {**os.environ, "AIFLOW_SERVER": server.endpoints()["server_uri"]}
    subprocess.run([sys.executable, str(FILES / "event_triggered.py")], env=env, check=True,
                   timeout=60)
    for number in range(1, 6):
        if number == 4:
            restart(server)
        send(server, "data_arrived", str(number))

    def ended():
        found = server.rows("workflow-execution", "list", "event_triggered")
        return found if len(found) >= 2 and all(
            row["status"] == "SUCCESS" for row in found) else None

    found = wait_until(ended, "every second event has started an execution that has ended")
    assert len(found) == 2
    for row in found:
        assert server.cli("logs", row["id"], "only_task").stdout == "started by data_arrived\n"
        assert row["run_type"] == "EVENT"


def test_a_condition_that_accumulates_state(server):
    server.cli("workflow", "upload", str(FILES / "accumulated_state.py"))
    execution = server.start_execution("accumulated_state")
    wait_until(lambda: statuses(server, execution, "prepare") == ["SUCCESS"], "prepare has run")
    for value in ("60", "30"):
        send(server, "samples", value)
    restart(server)
    send(server, "samples", "9")
    send(server, "closed")
    assert statuses(server, execution, "train") == [], "99 samples are not enough"
    send(server, "samples", "1")
    wait_until(lambda: statuses(server, execution, "train") == ["SUCCESS"], "100 samples are there")
    assert server.cli("logs", str(execution), "train").stdout == "learning with 0.1, 3 rounds\n"
    # Conditions of one execution that name the same state share it.
    send(server, "more", "5")
    wait_until(lambda: statuses(server, execution, "report") == ["SUCCESS"], "both events were there")
    server.cli("workflow-execution", "stop", str(execution))
    server.wait_for_end(execution)
    assert len(runs(server, execution, "train")) == 1


def test_periodic_tasks_by_cron_and_interval_wait_for_their_time(server):
    server.cli("workflow", "upload", str(FILES / "periodic.py"))
    for workflow in ("periodic_cron", "periodic_interval"):
        execution = server.start_execution(workflow)
        assert server.status(execution) == "RUNNING"
        server.cli("workflow-execution", "stop", str(execution))
        assert server.wait_for_end(execution) == "STOPPED"


def test_stream_plus_batch_learning(server):
    server.cli("workflow", "upload", str(FILES / "stream_and_batch.py"))
    execution = server.start_execution("stream_and_batch")
    wait_until(lambda: "SUCCESS" in statuses(server, execution, "validation"), "a model is valid")
    wait_until(lambda: len(runs(server, execution, "serving")) > 1, "serving begins anew")
    restart(server)
    assert statuses(server, execution, "stream") == ["RUNNING"], "the stream goes on"
    send(server, "enough")
    wait_until(lambda: statuses(server, execution, "stream") == ["STOPPED"], "the stream has stopped")
    wait_until(lambda: statuses(server, execution, "cleanup") == ["SUCCESS"], "cleanup follows")
    assert "stopping" in server.cli("logs", str(execution), "stream").stdout
    server.cli("workflow-execution", "stop", str(execution))
    server.wait_for_end(execution)
