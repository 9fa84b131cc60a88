"""Hooks, backfills, deletion and retention, with real processes and a server that is killed."""

import http.server
import json
import textwrap
import threading

from aiflow_server import Server, wait_until

HEAD = """
from ai_flow.model.action import TaskAction
from ai_flow.model.hook import Hook
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
"""


def upload(server, tmp_path, text, name="w.py"):
    path = tmp_path / name
    path.write_text(HEAD + textwrap.dedent(text))
    server.cli("workflow", "upload", str(path))


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


class Listener:
    """An HTTP server that refuses the first calls, and keeps what it was told."""

    def __init__(self, refuse):
        self.told = []
        self.refuse = refuse
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if listener.refuse > 0:
                    listener.refuse -= 1
                    self.send_response(503)
                else:
                    listener.told.append(body)
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/ended"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def test_hooks_hear_of_ends_also_when_the_server_dies(server, tmp_path):
    listener = Listener(refuse=1)
    try:
        upload(server, tmp_path, f"""
            told = 'echo "$AIFLOW_WORKFLOW_EXECUTION_ID $AIFLOW_STATUS" >> {tmp_path}/told'
            with Workflow('bad', on_failure=[Hook(command=told), Hook(url='{listener.url}')],
                          on_success=Hook(command='touch {tmp_path}/wrong')) as w:
                BashOperator('a', 'exit 3')
            """, "bad.py")
        upload(server, tmp_path, f"""
            with Workflow('good', on_success=Hook(command='echo good >> {tmp_path}/told')) as w:
                BashOperator('a', 'true')
            """, "good.py")
        failed = server.start_execution("bad")
        assert server.wait_for_end(failed) == "FAILED"
        server.kill()  # the first call was refused, or is not made yet
        server.start()
        good = server.start_execution("good")
        assert server.wait_for_end(good) == "SUCCESS"
        wait_until(lambda: len(listener.told) >= 1 and len(lines(tmp_path / "told")) >= 2,
                   "everybody is told")
        # At least once, and each telling says the same.
        assert {json.dumps(body, sort_keys=True) for body in listener.told} == {
            json.dumps(listener.told[0], sort_keys=True)}
        body = listener.told[0]
        assert (body["workflow"], body["status"]) == ("bad", "FAILED")
        assert set(lines(tmp_path / "told")) == {f"{failed} FAILED", "good"}
        assert not (tmp_path / "wrong").exists()
    finally:
        listener.close()


def test_a_backfill_starts_each_due_time_once(server, tmp_path):
    upload(server, tmp_path, f"""
        with Workflow('w') as w:
            BashOperator('a', 'echo "$AIFLOW_DUE_TIME" >> {tmp_path}/due')
        """)
    fill = ("workflow", "backfill", "w", "--expression", "cron@0 0 6 * * *",
            "--from", "2026-01-01", "--to", "2026-01-06T00:00Z")
    server.cli(*fill, "--dry-run")
    assert server.rows("workflow-execution", "list", "w") == []
    server.cli(*fill)
    server.kill()
    server.start()
    server.cli(*fill)
    wait_until(lambda: len(lines(tmp_path / "due")) >= 5, "five days")
    wait_until(lambda: all(row["status"] == "SUCCESS"
                           for row in server.rows("workflow-execution", "list", "w")),
               "every execution ends")
    assert sorted(lines(tmp_path / "due")) == [f"2026-01-0{day}T06:00:00Z" for day in range(1, 6)]
    assert len(server.rows("workflow-execution", "list", "w")) == 5


def test_a_namespace_goes_with_everything_in_it_or_not_at_all(server, tmp_path):
    server.cli("namespace", "add", "team")
    upload(server, tmp_path, """
        with Workflow('w', namespace='team') as w:
            BashOperator('a', 'sleep 1000')
        """)
    started = server.cli("workflow-execution", "start", "w", "-n", "team").stdout
    execution = started.split("Workflow execution: ")[1].split()[0]
    refused = server.cli("namespace", "delete", "team", "-y", check=False)
    assert refused.returncode != 0
    refused = server.cli("namespace", "delete", "team", "--cascade", "-y", check=False)
    assert refused.returncode != 0 and f"execution {execution} of its workflow w" in refused.stderr
    server.cli("workflow-execution", "stop", execution)
    server.wait_for_end(int(execution))
    server.cli("namespace", "delete", "team", "--cascade", "-y")
    assert [row["name"] for row in server.rows("namespace", "list")] == ["default"]
    assert server.cli("workflow-execution", "show", execution, check=False).returncode != 0


def test_what_is_old_goes_and_what_runs_stays(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "aiflow_server.yaml").write_text("history_retention: 2s\nretention_interval: 1s\n")
    with Server(home) as server:
        upload(server, tmp_path, """
            with Workflow('short') as w1:
                BashOperator('a', 'echo hello')
            with Workflow('endless') as w2:
                BashOperator('stream', 'sleep 1000')
                tick = BashOperator('tick', 'true', on_alive='queue')
                tick.action_on_event_received(TaskAction.START, 'go')
            """, "both.py")
        old = [server.start_execution("short") for _ in range(3)]
        endless = server.start_execution("endless")
        for execution in old:
            server.wait_for_end(execution)
        for _ in range(5):
            server.cli("event", "send", "go", "x", "-n", "default")
        wait_until(lambda: server.rows("workflow-execution", "list", "short") == [],
                   "finished executions are removed")

        def ticks():
            return [run for run in server.rows("task-execution", "list", str(endless))
                    if run["task_name"] == "tick"]

        wait_until(lambda: len(ticks()) == 1, "old runs are removed, the latest stays")
        logs = home / "logs" / "default" / "short"
        wait_until(lambda: list(logs.glob("*")) == [], "their logs are gone")
        wait_until(lambda: not server.working_dir("short", old[0]).exists(), "and directories")
        assert server.status(endless) == "RUNNING"
        server.kill()
        server.start()
        assert server.status(endless) == "RUNNING"
        assert len(ticks()) == 1
        server.cli("event", "send", "go", "x", "-n", "default")
        wait_until(lambda: any(run["sequence_number"] == "6" for run in ticks()),
                   "it goes on counting")
