"""User-written conditions, in their own processes, which hang, die and raise; and a server that is killed."""

import os
import subprocess
import sys
import textwrap

import pytest
from aiflow_server import BINARIES, Server, start_time, wait_until

HEAD = """
import os
import pathlib
import time
from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition
from ai_flow.model.state import ValueStateDescriptor
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator

class Every(Condition):
    def __init__(self, key, n):
        super().__init__([key])
        self.n = n

    def is_met(self, event, context):
        seen = context.get_state(ValueStateDescriptor('seen'))
        seen.update((seen.value() or 0) + 1)
        return seen.value() % self.n == 0

class Does(Condition):
    '''What the value of the event says.'''

    def is_met(self, event, context):
        pathlib.Path(os.environ['PID_FILE']).write_text(str(os.getpid()))
        if event.value == 'hang':
            time.sleep(3600)
        if event.value == 'die':
            os._exit(3)
        if event.value == 'raise':
            raise ValueError('bad input')
        return True
"""


def upload(server, tmp_path, text, name="w.py"):
    path = tmp_path / name
    path.write_text(HEAD + textwrap.dedent(text))
    server.cli("workflow", "upload", str(path))


def send(server, key, value="x", *options):
    server.cli("event", "send", key, value, "-n", "default", *options)


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def failed_events(server):
    return server.rows("event", "failed", "list")


def a_server(tmp_path, **settings):
    """One whose configuration has these keys; conditions find the name of a file in PID_FILE."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "aiflow_server.yaml").write_text(
        "".join(f"{key}: {value}\n" for key, value in settings.items()))
    return Server(home, env={"PID_FILE": str(tmp_path / "pid")})


def upload_python(server, tmp_path):
    upload(server, tmp_path, """
        with Workflow(name='w') as w:
            BashOperator('stream', 'sleep 1000')
            third = BashOperator('third', 'echo $AIFLOW_EVENT_VALUE >> "$THIRDS"',
                                 on_alive='queue')
            third.action_on_condition(TaskAction.START, Every('k', 3))
        """)


def upload_cpp(server, tmp_path):
    server.cli("workflow", "upload", str(BINARIES / "every_third"))


@pytest.fixture
def thirds(tmp_path, monkeypatch):
    """The file that tasks of the server write to."""
    monkeypatch.setenv("THIRDS", str(tmp_path / "thirds"))


@pytest.mark.parametrize("upload_workflow", [upload_python, upload_cpp])
def test_a_condition_counts_every_event_once_whoever_dies(
        thirds, server, tmp_path, upload_workflow):
    upload_workflow(server, tmp_path)
    execution = server.start_execution("w")
    for value in range(1, 13):
        if value in (3, 7, 11):
            server.kill()
            server.start()
        for _ in range(2):  # a producer that repeats itself
            send(server, "k", str(value), "--id", str(value))
    wait_until(lambda: len(lines(tmp_path / "thirds")) >= 4, "every third event")
    assert lines(tmp_path / "thirds") == ["3", "6", "9", "12"]
    server.cli("workflow-execution", "stop", str(execution))
    assert server.wait_for_end(execution) == "STOPPED"


def test_hosts_die_with_the_server(tmp_path):
    with a_server(tmp_path) as server:
        upload(server, tmp_path, """
            with Workflow(name='w') as w:
                a = BashOperator('a', 'true')
                a.action_on_condition(TaskAction.START, Does(['k']))
            """)
        server.start_execution("w")
        send(server, "k", "hang")
        pid = int(wait_until(lambda: lines(tmp_path / "pid"), "the condition is asked")[0])
        server.kill()
        wait_until(lambda: start_time(pid) is None, "the host has ended")


def test_what_a_condition_cannot_answer_harms_nothing_else_and_is_asked_again(tmp_path):
    with a_server(tmp_path, condition_timeout=1, condition_attempts=2) as server:
        upload(server, tmp_path, f"""
            with Workflow(name='w') as w:
                plain = BashOperator('plain', 'echo $AIFLOW_EVENT_VALUE >> {tmp_path}/plain',
                                     on_alive='queue')
                plain.action_on_event_received(TaskAction.START, 'k')
                asked = BashOperator('asked', 'echo $AIFLOW_EVENT_VALUE >> {tmp_path}/asked')
                asked.action_on_condition(TaskAction.START, Does(['k']))
            """)
        execution = server.start_execution("w")
        for value in ("raise", "die", "hang"):
            send(server, "k", value)
        wait_until(lambda: len(failed_events(server)) == 3, "three failed events")
        wait_until(lambda: len(lines(tmp_path / "plain")) == 3, "the plain rule acts")
        errors = [row["error"] for row in failed_events(server)]
        assert errors == ["ValueError: bad input",
                          "its host ended with exit code 3; attempt 2, the last",
                          "no answer within 1 s; attempt 2, the last"]
        first, second, third = (row["id"] for row in failed_events(server))
        server.cli("event", "failed", "drop", first, "-y")
        server.cli("event", "failed", "retry", second)
        wait_until(lambda: [row["id"] for row in failed_events(server)] == [third, "4"],
                   "it fails again")
        send(server, "k", "fine")
        assert server.wait_for_end(execution) == "SUCCESS"
        assert lines(tmp_path / "asked") == ["fine"]
        assert lines(tmp_path / "plain") == ["raise", "die", "hang", "fine"]
        log = next((server.home / "logs" / "hosts").glob("*.log")).read_text()
        assert "ValueError: bad input" in log
        assert "killed: no answer within 1 s" in log


def test_a_trigger_with_a_condition_of_its_own_starts_one_execution_per_event(server, tmp_path):
    upload(server, tmp_path, f"""
        with Workflow(name='w', params={{'value': ''}}) as w:
            BashOperator('a', 'echo $AIFLOW_PARAM_VALUE >> {tmp_path}/started')
        """)
    script = tmp_path / "add_triggers.py"
    script.write_text(HEAD + textwrap.dedent("""
        from ai_flow import ops
        from ai_flow.model.param import EventField
        from ai_flow.model.rule import WorkflowRule
        for condition in (Every('k', 2), Every('k', 2)):
            ops.add_workflow_trigger(WorkflowRule(condition, params={'value': EventField()}), 'w')
        """))
    env = {**os.environ, "AIFLOW_SERVER": server.endpoints()["server_uri"]}
    subprocess.run([sys.executable, str(script)], env=env, check=True, timeout=60)
    for value in range(1, 7):
        if value == 4:
            server.kill()
            server.start()
        send(server, "k", str(value))
    # Two triggers count in one state of the workflow: each event is an even number for one of them.
    started = tmp_path / "started"
    wait_until(lambda: len(lines(started)) >= 6, "one execution per event")
    wait_until(lambda: all(row["status"] == "SUCCESS"
                           for row in server.rows("workflow-execution", "list", "w")),
               "every execution ends")
    assert sorted(lines(started)) == [str(value) for value in range(1, 7)]
