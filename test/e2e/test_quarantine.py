"""A server that dies at one event again and again: it quarantines the event and goes on."""

import pathlib
import signal
import textwrap

from aiflow_server import BINARIES, PATIENCE, Server, wait_until

def lines(path: pathlib.Path) -> list:
    return path.read_text().split() if path.exists() else []


def upload(server, tmp_path, name, **events):
    """A workflow with a stream, and a task for each event; started. Its execution."""
    text = textwrap.dedent(f"""
        from ai_flow.model.action import TaskAction
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator

        with Workflow('{name}') as w:
            BashOperator('stream', 'echo $$ >> {tmp_path}/{name}.stream; exec sleep 1000')
        """)
    for task, event in events.items():
        text += (f"    task = BashOperator('{task}', 'echo {task} >> {tmp_path}/{name}.{task}')\n"
                 f"    task.action_on_event_received(TaskAction.START, '{event}')\n")
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    server.cli("workflow", "upload", str(path))
    execution = server.start_execution(name)
    wait_until(lambda: lines(tmp_path / f"{name}.stream"), f"{name} streams")
    return execution


def live(server) -> int:
    """Starts the server again whenever it dies, until it has quarantined an event. How often."""
    deaths = 0

    def quarantined():
        nonlocal deaths
        if server.process.poll() is not None:
            deaths += 1
            try:
                server.start()
            except AssertionError:  # it died before it was ready
                return False
        done = server.cli("event", "failed", "list", "-o", "json", check=False)
        return done.returncode == 0 and "event_key" in done.stdout

    wait_until(quarantined, "the server quarantines the event")
    return deaths


def test_an_event_at_which_the_server_dies_is_quarantined_and_comes_once_when_it_is_mended(tmp_path):
    deadly = {"LD_PRELOAD": str(BINARIES.parent / "lib" / "libdeadly_row.so"),
              "AIFLOW_TEST_DEADLY_TASK": "boom"}
    server = Server(tmp_path / "home", env=deadly)
    with server:
        troubled = upload(server, tmp_path, "troubled", boom="poison", after="more")
        calm = upload(server, tmp_path, "calm", ok="fine")
        streams = lines(tmp_path / "troubled.stream") + lines(tmp_path / "calm.stream")
        server.cli("event", "send", "poison", "1", check=False)
        wait_until(lambda: server.process.poll() is not None, "the server dies")
        assert live(server) >= 3

        assert "(poison) is failed event" in server.log(), server.log()

        # It lives, and only whoever would have received the event waits.
        [letter] = server.rows("event", "failed", "list")
        assert letter["event_key"] == "poison", letter
        assert f"workflow execution {troubled}" in letter["error"], letter
        server.cli("event", "send", "more", "1")
        server.cli("event", "send", "fine", "1")
        wait_until(lambda: lines(tmp_path / "calm.ok") == ["ok"], "everything else goes on")
        why = server.cli("why", str(troubled)).stdout
        assert "suspended" in why and "event failed retry" in why, why
        refused = server.cli("workflow-execution", "stop", str(troubled), check=False)
        assert refused.returncode != 0 and "suspended" in refused.stderr, refused.stderr
        assert not lines(tmp_path / "troubled.after")

        # A stop with its tasks does not wait for what cannot be stopped; it is picked up again.
        server.process.send_signal(signal.SIGUSR1)
        assert server.process.wait(PATIENCE / 2) == 0
        assert "1 task runs on" in server.output(), server.output()
        server.start()
        assert server.rows("event", "failed", "list") == [letter]

        # A mended server: what was held comes once, in order; the streams have never noticed.
        server.kill()
        server.env = {key: value for key, value in server.env.items() if key not in deadly}
        server.start()
        server.cli("event", "failed", "retry", str(letter["id"]))
        wait_until(lambda: lines(tmp_path / "troubled.after"), "held events come")
        server.kill()
        server.start()
        wait_until(lambda: lines(tmp_path / "troubled.boom"), "the quarantined event comes")
        assert server.rows("event", "failed", "list") == []
        for execution in (troubled, calm):
            server.cli("workflow-execution", "stop", str(execution))
            assert server.wait_for_end(execution) == "STOPPED"
        assert lines(tmp_path / "troubled.boom") == ["boom"]
        assert lines(tmp_path / "troubled.after") == ["after"]
        assert lines(tmp_path / "troubled.stream") + lines(tmp_path / "calm.stream") == streams
