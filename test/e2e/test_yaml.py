"""Workflows of plain YAML files, validated without a server and run on a real one."""

import os
import subprocess
import textwrap

import pytest

from aiflow_server import AIFLOW, BINARIES, SOURCE, Server

QUICKSTART = str(SOURCE / "examples/quickstart/quickstart.yaml")


@pytest.fixture
def server(tmp_path):
    path = f"{BINARIES}:{os.environ['PATH']}"  # its tasks call `aiflow`
    with Server(tmp_path / "home", env={"PATH": path}) as running:
        yield running


def write(path, text):
    path.write_text(textwrap.dedent(text))
    return str(path)


def validate(*files):
    """The outcome of each file's validation, where there is no server."""
    env = {**os.environ, "AIFLOW_SERVER": "127.0.0.1:1"}
    return [subprocess.run([str(AIFLOW), "workflow", "validate", str(file)], env=env, timeout=120,
                           capture_output=True, text=True, stdin=subprocess.DEVNULL)
            for file in files]


def test_the_quickstart_runs_from_yaml(server):
    server.cli("workflow", "upload", QUICKSTART)
    execution = server.start_execution("quickstart_yaml")
    assert server.wait_for_end(execution) == "SUCCESS"
    runs = server.rows("task-execution", "list", str(execution))
    assert sorted(run["task_name"] for run in runs) == ["task1", "task2", "task3", "task4"]
    assert all(run["status"] == "SUCCESS" for run in runs)
    assert "started by key" in server.cli("logs", str(execution), "task4").stdout
    shown = server.rows("workflow", "show", "quickstart_yaml")[0]
    assert "name: quickstart_yaml" in shown["content"]


def test_filters_empty_tasks_and_retries_of_yaml_are_carried_out(server, tmp_path):
    server.cli("workflow", "upload", write(tmp_path / "flow.yaml", """
        name: filtered
        tasks:
          load:
            bash: 'echo "rows $AIFLOW_EVENT_VALUE"; [ "$AIFLOW_TRY_NUMBER" = 2 ]'
            retries: 1
            start_on: {event: batch, value: {/rows: {min: 10}}, context: {/region: [eu, us]}}
          done: {empty: true, start_after: load}
          report: {bash: echo reported, start_after: done}
        """))
    execution = server.start_execution("filtered")
    for value, region in (('{"rows": 9}', "eu"), ('{"rows": 11}', "cn"), ('{"rows": 12}', "us")):
        server.cli("event", "send", "batch", value, "--context", f'{{"region": "{region}"}}')
    assert server.wait_for_end(execution) == "SUCCESS"
    runs = {run["task_name"]: run for run in server.rows("task-execution", "list", str(execution))}
    assert sorted(runs) == ["done", "load", "report"]
    assert runs["load"]["try_number"] == "2" and runs["load"]["sequence_number"] == "1"
    assert 'rows {"rows": 12}' in server.cli("logs", str(execution), "load").stdout


def test_validation_needs_no_server(tmp_path):
    flow = write(tmp_path / "flow.yaml", """
        name: one
        tasks: {a: {bash: "true", pool_slots: 2}}
        ---
        name: two
        tasks: {a: {empty: true}}
        """)
    spec = write(tmp_path / "spec.json",
                 '{"version": 1, "name": "w", "tasks": [{"name": "a", "operator": "empty"}]}')
    good, as_json, program = validate(flow, spec, BINARIES / "sdk_cpp_sample")
    assert good.returncode == 0, good.stderr
    assert good.stdout == ("Workflow: default.one, valid, 1 tasks.\n"
                           "Workflow: default.two, valid, 1 tasks.\n")
    assert good.stderr == "warning: default.one: task 'a' has pool_slots but no pool\n"
    assert as_json.returncode == 0, as_json.stderr
    assert program.returncode == 0, program.stderr
    assert "team.asking, valid" in program.stdout


def test_mistakes_are_named_with_their_place(tmp_path):
    typo = write(tmp_path / "typo.yaml", "name: w\ntasks:\n  a: {bash: x, retires: 3}\n")
    cycle = write(tmp_path / "cycle.yaml", """
        name: good
        tasks: {a: {empty: true}}
        ---
        name: bad
        tasks: {a: {empty: true, start_after: b}, b: {empty: true, start_after: a}}
        """)
    spec = write(tmp_path / "spec.json", '{"version": 2, "name": "w"}')
    missing = tmp_path / "missing.yaml"
    wrong, never, lacking, absent = validate(typo, cycle, spec, missing)
    assert wrong.returncode == 1
    assert f'{typo}:3:16: a task has no key "retires"; did you mean "retries"?' in wrong.stderr
    assert never.returncode == 1
    assert never.stdout == ""  # a file is uploaded as a whole
    assert f"{cycle}:6:9: tasks that can never start" in never.stderr
    assert "cycle: 'a' waits for 'b' waits for 'a'" in never.stderr
    assert lacking.returncode == 1
    assert 'lacks the member "tasks"' in lacking.stderr
    assert absent.returncode == 3
