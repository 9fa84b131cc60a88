"""Executors that are programs of their own, beside the local one, under a real server."""

import json
import os
import pathlib
import signal
import subprocess
import textwrap

import pytest

from aiflow_server import AIFLOW, SOURCE, Server, start_time, wait_until

pytest.importorskip("ai_flow.executor", reason="the base class of plug-ins is not installed")

PYTHON = os.environ.get("AIFLOW_PYTHON", "python3")
PLUGIN = '''
from ai_flow.executor import ExecutorPlugin, processes


class Plugin(ExecutorPlugin):
    description = "test plug-in 1.0"

    def submit(self, attempt, command):
        word = self.config.get("word", "")
        return processes.start(attempt, command, ["env", "WORD=" + word, *command.argv])

    def find(self, attempt):
        return processes.find(attempt)

    def wait(self, attempt, handle):
        return processes.wait(attempt)

    def cancel(self, attempt, handle, grace):
        processes.stop(attempt, grace)


Plugin.main()
'''


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "plugin.py").write_text(PLUGIN)
    configure(home, {"far": {}, "near": {"config": {"word": "near"}}})
    return home


def configure(home, executors, default="Local"):
    for settings in executors.values():
        settings.setdefault("command", [PYTHON, str(home.parent / "plugin.py")])
    # JSON is YAML.
    text = f"task_executor: {default}\nexecutors: {json.dumps(executors)}\n"
    (home / "aiflow_server.yaml").write_text(text)


def serve(home, **more):
    return Server(home, env={"PYTHONPATH": str(SOURCE / "sdk/python") + os.pathsep +
                             os.environ.get("PYTHONPATH", "")}, **more)


def upload(server, text):
    path = server.home.parent / "flow.yaml"
    path.write_text(textwrap.dedent(text))
    server.cli("workflow", "upload", str(path))


def run_of(server, execution, task):
    runs = [run for run in server.rows("task-execution", "list", str(execution))
            if run["task_name"] == task]
    return runs[-1] if runs else None


def await_status(server, execution, task, status):
    return wait_until(lambda: (run_of(server, execution, task) or {}).get("status") == status,
                      f"{task} is {status}")


def plugin_pid(home, name) -> int:
    """Of the plug-in that runs now."""
    def read():
        try:
            pid, began, _boot, _epoch = (home / f"run/executor-{name}.pid").read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if start_time(int(pid)) == int(began) else None

    return wait_until(read, f"the plug-in of {name} runs")


STREAM = """
    name: stream
    tasks:
      work:
        bash: 'echo x >> runs; touch here; while [ ! -e go ]; do sleep 0.05; done; echo done'
        executor: far
    """


def test_tasks_run_side_by_side_where_they_say(home):
    with serve(home) as server:
        upload(server, """
            name: side
            tasks:
              a: {bash: 'echo "local ${WORD-none}"'}
              b: {bash: 'echo "far ${WORD-none}"', executor: far, start_after: a}
              c: {bash: 'echo "near $WORD"; printf out > "$AIFLOW_OUTPUT"', executor: near, start_after: b}
              d: {bash: 'echo "got $AIFLOW_OUTPUT_C"', start_after: c}
              e: {bash: 'echo broken; exit 3', executor: near, start_after: d, optional: true}
            """)
        execution = server.start_execution("side")
        assert server.wait_for_end(execution) == "FAILED"
        logs = {task: server.cli("logs", str(execution), task).stdout for task in "abcde"}
        assert logs == {"a": "local none\n", "b": "far \n", "c": "near near\n", "d": "got out\n",
                        "e": "broken\n"}
        assert run_of(server, execution, "e")["status"] == "FAILED"
        assert "exit code 3" in server.cli("why", str(execution), "e").stdout


def test_what_names_no_executor_runs_at_the_servers_default(home):
    configure(home, {"near": {"config": {"word": "near"}}}, default="near")
    with serve(home) as server:
        upload(server, """
            name: default
            tasks:
              a: {bash: 'echo "word $WORD"'}
              b: {bash: 'echo "word ${WORD-none}"', executor: local}
            """)
        execution = server.start_execution("default")
        assert server.wait_for_end(execution) == "SUCCESS"
        assert server.cli("logs", str(execution), "a").stdout == "word near\n"
        assert server.cli("logs", str(execution), "b").stdout == "word none\n"


def test_a_killed_server_loses_nothing_of_a_plug_in(home):
    with serve(home) as server:
        upload(server, STREAM)
        execution = server.start_execution("stream")
        await_status(server, execution, "work", "RUNNING")
        directory = server.working_dir("stream", execution)
        wait_until(lambda: (directory / "here").exists(), "the task runs")
        before = plugin_pid(home, "far")
        server.kill()
        (directory / "go").touch()
        server.start()
        assert server.wait_for_end(execution) == "SUCCESS"
        assert (directory / "runs").read_text() == "x\n"
        assert server.cli("logs", str(execution), "work").stdout == "done\n"
        assert plugin_pid(home, "far") != before
        assert start_time(before) is None


def test_a_killed_plug_in_is_started_again_and_loses_nothing(home):
    with serve(home) as server:
        upload(server, STREAM)
        execution = server.start_execution("stream")
        directory = server.working_dir("stream", execution)
        wait_until(lambda: (directory / "here").exists(), "the task runs")
        before = plugin_pid(home, "far")
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: start_time(before) is None, "it is dead")
        assert plugin_pid(home, "far") != before
        (directory / "go").touch()
        assert server.wait_for_end(execution) == "SUCCESS"
        assert (directory / "runs").read_text() == "x\n"


def test_a_task_of_a_plug_in_is_stopped(home):
    with serve(home) as server:
        upload(server, STREAM)
        execution = server.start_execution("stream")
        await_status(server, execution, "work", "RUNNING")
        server.cli("workflow-execution", "stop", str(execution))
        assert server.wait_for_end(execution) == "STOPPED"
        assert run_of(server, execution, "work")["status"] == "STOPPED"


def test_a_broken_plug_in_keeps_nobody_else_from_working(home):
    configure(home, {"far": {"command": ["/nonexistent/plug-in"]}})
    with serve(home) as server:
        upload(server, """
            name: flow
            tasks: {a: {bash: 'echo a'}, b: {bash: 'echo b', executor: far}}
            """)
        execution = server.start_execution("flow")
        await_status(server, execution, "a", "SUCCESS")
        assert run_of(server, execution, "b")["status"] == "QUEUED"
        doctor = server.cli("doctor", "-o", "json", check=False)
        assert "executor far: /nonexistent/plug-in cannot be run" in doctor.stdout
        assert "executor far: /nonexistent/plug-in cannot be started" in server.log()
        # Repaired, the task that waited is started, once.
        server.kill()
        configure(home, {"far": {}})
        server.start()
        assert server.wait_for_end(execution) == "SUCCESS"
        assert server.cli("logs", str(execution), "b").stdout == "b\n"


def test_a_removed_executor_with_unfinished_tasks_is_no_start_unless_abandoned(home):
    with serve(home) as server:
        upload(server, STREAM)
        execution = server.start_execution("stream")
        await_status(server, execution, "work", "RUNNING")
        directory = server.working_dir("stream", execution)
        server.kill()
        configure(home, {})
        refused = subprocess.run([str(AIFLOW), "standalone", "--home", str(home), "--rpc-port", "0",
                                  "--notification-port", "0", "--http-port", "0"], env=server.env,
                                 capture_output=True, text=True, timeout=60)
        assert refused.returncode == 6, refused
        assert "executor far is not configured, and 1 unfinished" in refused.stderr
        assert "--abandon-executor=far" in refused.stderr
        server.options.append("--abandon-executor=far")
        server.start()
        assert server.wait_for_end(execution) == "FAILED"
        assert "executor far was abandoned" in server.cli("why", str(execution), "work").stdout
        (directory / "go").touch()  # it still runs


def test_wrong_settings_are_named_before_anything_starts(home):
    (home / "aiflow_server.yaml").write_text("executors: {far: {comand: [x]}}\n")
    done = subprocess.run([str(AIFLOW), "standalone", "--home", str(home)], capture_output=True,
                          text=True, timeout=60, env={**os.environ, "AIFLOW_HOME": str(home)})
    assert done.returncode == 3
    assert "[executors.far.comand] is unknown; did you mean command?" in done.stderr
    assert not pathlib.Path(home / "server.json").exists()
