"""The forerunner's quickstart file, unchanged, on a real server (which listens on other ports than the
file names)."""

from aiflow_server import SOURCE


QUICKSTART = str(SOURCE / "examples/quickstart/quickstart.py")


def test_forerunners_quickstart_gives_its_statuses_and_its_17_events(server):
    server.cli("workflow", "upload", QUICKSTART)
    execution = server.start_execution("quickstart_workflow")
    assert server.wait_for_end(execution) == "SUCCESS"

    shown = server.rows("workflow-execution", "show", str(execution))[0]
    assert shown["run_type"] == "MANUAL"
    runs = {run["task_name"]: run for run in server.rows("task-execution", "list", str(execution))}
    assert sorted(runs) == ["task1", "task2", "task3", "task4"]
    assert all(run["status"] == "SUCCESS" and run["sequence_number"] == "1" for run in runs.values())

    events = server.rows("event", "list", "*")
    reports = [e for e in events if e["value"] == "TASK_STATUS"]
    changes = [e for e in events if e["key"].startswith("[task_status_change].")]
    users = [e for e in events if e["key"] == "key"]
    assert (len(events), len(reports), len(changes), len(users)) == (17, 8, 8, 1)

    def position(task, status):
        key = f"[task_status_change].default.quickstart_workflow.{task}"
        return next(i for i, e in enumerate(events)
                    if e["key"] == key and f'"{status}"' in e["context"])

    for task in runs:
        assert position(task, "RUNNING") < position(task, "SUCCESS")
    for upstream in ("task1", "task2"):
        assert position(upstream, "SUCCESS") < position("task3", "RUNNING")
    sent = events.index(users[0])
    # task4 is started by the event, which task3 sends while it still runs; who of the two comes
    # next is open.
    assert position("task3", "RUNNING") < sent < position("task3", "SUCCESS")
    assert sent < position("task4", "RUNNING")


def test_why_names_the_event_that_started_a_task(server):
    server.cli("workflow", "upload", QUICKSTART)
    execution = server.start_execution("quickstart_workflow")
    server.wait_for_end(execution)
    text = server.cli("why", str(execution), "task4").stdout
    assert "key" in text and "STARTED" in text.upper()
    assert "4th task" in server.cli("logs", str(execution), "task4").stdout
