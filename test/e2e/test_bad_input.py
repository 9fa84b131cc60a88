"""What is wrong is refused with one paragraph that says what to do, and leaves nothing behind."""

import http.client
import json
import socket
import subprocess
import textwrap

import pytest
from aiflow_server import AIFLOW, Server


def write(path, text):
    path.write_text(textwrap.dedent(text))
    return str(path)


def refused(server, *args) -> str:
    """The error text of a command that must fail with one paragraph and no traceback."""
    done = server.cli(*args, check=False)
    assert done.returncode not in (0, -6, -11), done.stdout
    error = done.stderr.strip()
    assert error and "\n\n" not in error and "Traceback" not in error and "terminate" not in error
    return error


BAD_FILES = {
    "syntax": ("from ai_flow import (", "bad.py"),
    "no_workflow": ("x = 1\n", "no workflow"),
    "no_task": ("""
        from ai_flow.model.workflow import Workflow
        with Workflow(name='empty') as w:
            pass
        """, "task"),
    "duplicate": ("""
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator
        with Workflow(name='w') as w:
            BashOperator('twin', 'true')
            BashOperator('twin', 'false')
        """, "twin"),
    "cycle": ("""
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator
        with Workflow(name='w') as w:
            first = BashOperator('first', 'true')
            second = BashOperator('second', 'true')
            first.start_after(second)
            second.start_after(first)
        """, "first"),
    "name": ("""
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator
        with Workflow(name='../etc') as w:
            BashOperator('t', 'true')
        """, "../etc"),
}


@pytest.mark.parametrize("case", sorted(BAD_FILES))
def test_bad_upload_is_refused_with_its_reason(server, tmp_path, case):
    text, named = BAD_FILES[case]
    assert named in refused(server, "workflow", "upload", write(tmp_path / "bad.py", text))
    assert server.rows("workflow", "list") == []


def test_unknown_names_are_errors(server, tmp_path):
    assert "nobody" in refused(server, "workflow-execution", "start", "nobody")
    assert "nobody" in refused(server, "workflow", "delete", "nobody", "-y")
    assert "77" in refused(server, "workflow-execution", "stop", "77")
    flow = write(tmp_path / "w.py", """
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator
        with Workflow(name='w') as w:
            BashOperator('t', 'sleep 60')
        """)
    server.cli("workflow", "upload", flow)
    execution = server.start_execution("w")
    assert "ghost" in refused(server, "task-execution", "start", str(execution), "ghost")
    assert "ghost" in refused(server, "task-execution", "stop", str(execution), "ghost")
    assert refused(server, "logs", str(execution), "ghost")
    server.cli("workflow-execution", "stop", str(execution))
    assert server.wait_for_end(execution) == "STOPPED"


def test_too_large_event_is_refused_naming_the_limit(server):
    done = subprocess.run(
        [str(AIFLOW), "event", "send", "key", "x" * 100_000, "--context", "y" * 1],
        env=server.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1024" in refused(server, "event", "send", "k" * 1025, "value")


def test_used_port_is_named(server, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [str(AIFLOW), "standalone", "--home", str(tmp_path / "other"), "--rpc-port", str(port),
             "--notification-port", "0", "--http-port", "0", "--internal-rpc-port", "0"],
            capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert str(port) in done.stderr and "--rpc-port" in done.stderr


def test_second_server_on_a_home_is_refused(server):
    done = subprocess.run(
        [str(AIFLOW), "standalone", "--home", str(server.home), "--rpc-port", "0",
         "--notification-port", "0", "--http-port", "0", "--internal-rpc-port", "0"],
        capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert str(server.process.pid) in done.stderr
    server.cli("workflow", "list")  # the first one is untouched


def test_home_of_a_newer_version_is_refused_untouched(tmp_path):
    import sqlite3

    home = tmp_path / "home"
    with Server(home):
        pass
    with sqlite3.connect(home / "aiflow.db") as db:
        table = next(name for (name,) in db.execute("SELECT name FROM sqlite_master")
                     if name in ("meta", "store_meta"))
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        if "schema_version" in columns:
            db.execute(f"UPDATE {table} SET schema_version = 999")
        else:
            db.execute(f"UPDATE {table} SET {columns[1]} = 999 WHERE {columns[0]} = 'schema_version'")
    done = subprocess.run(
        [str(AIFLOW), "standalone", "--home", str(home), "--rpc-port", "0", "--notification-port",
         "0", "--http-port", "0", "--internal-rpc-port", "0"],
        capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "newer" in done.stderr


def test_listening_to_other_machines_needs_insecure(tmp_path):
    done = subprocess.run(
        [str(AIFLOW), "standalone", "--home", str(tmp_path / "home"), "--host", "0.0.0.0",
         "--rpc-port", "0", "--notification-port", "0", "--http-port", "0", "--internal-rpc-port",
         "0"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "--insecure" in done.stderr
    assert not (tmp_path / "home").exists()


def test_pages_of_other_sites_do_not_reach_the_http_port(server):
    port = int(server.endpoints()["http_url"].rsplit(":", 1)[1])

    def status(**headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/readyz", headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    assert status() == 200
    assert status(Origin=f"http://127.0.0.1:{port}") == 200
    assert status(Origin="http://localhost:3000") == 403  # a page of another program here
    assert status(Host="evil.example") == 403
    assert status(Origin="http://evil.example") == 403


def test_server_that_is_away_is_said_with_what_to_do(tmp_path):
    done = subprocess.run([str(AIFLOW), "--home", str(tmp_path / "none"), "workflow", "list",
                           "--server", "127.0.0.1:1"], capture_output=True, text=True, timeout=30)
    if done.returncode == 2:  # the option may stand before the command only
        done = subprocess.run([str(AIFLOW), "--server", "127.0.0.1:1", "workflow", "list"],
                              capture_output=True, text=True, timeout=30)
    assert done.returncode not in (0, 2)
    assert "standalone" in done.stderr


def test_json_output_is_machine_readable(server):
    assert json.loads(server.cli("namespace", "list", "-o", "json").stdout)[0]["name"] == "default"
