"""What outlives a server, and what a server refuses to start on."""

import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import textwrap

import pytest
from aiflow_server import AIFLOW, PATIENCE, Server, start_time, wait_until

HOME_MISMATCH = 6  # docs/cli.md


def upload(server, path, text, *files):
    path.write_text(textwrap.dedent(text))
    more = [argument for file in files for argument in ("-f", str(file))]
    server.cli("workflow", "upload", str(path), *more)


def upload_stream(server, tmp_path):
    """Workflow w: a task that runs until the file `go` appears."""
    upload(server, tmp_path / "w.py", """
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator
        with Workflow(name='w') as w:
            BashOperator('stream', 'echo run >> runs; until [ -e go ]; do sleep 0.05; done')
        """)


def task_pid(server, execution):
    def found():
        for pid in server.processes():
            try:
                environ = open(f"/proc/{pid}/environ", "rb").read().split(b"\0")
            except OSError:
                continue
            if b"AIFLOW_TASK=stream" in environ and os.getsid(pid) == pid:
                return pid
        return None

    return wait_until(lambda: server.working_dir("w", execution).joinpath("runs").exists() and found(),
                      "the task runs")


def test_a_server_stops_while_a_request_waits_for_a_locked_store(server, tmp_path):
    upload_stream(server, tmp_path)
    shell = sqlite3.connect(server.home / "aiflow.db", isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")

    def log_written():
        return max(file.stat().st_mtime_ns for file in (server.home / "log").rglob("*"))

    before = log_written()
    starting = subprocess.Popen([str(AIFLOW), "workflow-execution", "start", "w"], env=server.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: log_written() > before, "the request is in the log")
        assert starting.poll() is None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
    finally:
        shell.execute("ROLLBACK")
        shell.close()
        starting.kill()
        starting.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_stopped_server_leaves_its_tasks_running_and_says_how_many(tmp_path, how):
    with Server(tmp_path / "home", options=()) as server:
        upload_stream(server, tmp_path)
        executions = [server.start_execution("w") for _ in range(2)]
        pids = [task_pid(server, e) for e in executions]
        started = {pid: start_time(pid) for pid in pids}
        server.process.send_signal(how)
        assert server.process.wait(PATIENCE) == 0
        assert "2 tasks run on and will be picked up" in server.output()
        assert {pid: start_time(pid) for pid in pids} == started
        server.start()
        assert "2 running from before" in server.output()
        assert {pid: start_time(pid) for pid in pids} == started
        for execution in executions:
            server.working_dir("w", execution).joinpath("go").touch()
            assert server.wait_for_end(execution) == "SUCCESS"
            assert server.working_dir("w", execution).joinpath("runs").read_text() == "run\n"


def test_a_server_whose_ports_the_system_chose_comes_back_on_them(tmp_path):
    with Server(tmp_path / "home") as server:
        before = {name: server.endpoints()[name] for name in ("server_uri", "notification_uri")}
        server.kill()
        server.start()
        assert {name: server.endpoints()[name] for name in before} == before


def test_an_event_that_a_task_sends_while_its_server_is_away_arrives(tmp_path):
    with Server(tmp_path / "home") as server:
        upload(server, tmp_path / "w.py", """
            from ai_flow.model.workflow import Workflow
            from ai_flow.operators.bash import BashOperator
            with Workflow(name='w') as w:
                BashOperator('t', 'touch runs; until [ -e go ]; do sleep 0.05; done; '
                                  '%s event send done yes 2> said')
            """ % AIFLOW)
        execution = server.start_execution("w")
        runs = server.working_dir("w", execution)
        wait_until(lambda: (runs / "runs").exists(), "the task runs")
        server.kill()
        (runs / "go").touch()
        wait_until(lambda: (runs / "said").exists() and "trying again" in (runs / "said").read_text(),
                   "the task has found no server")
        server.start()
        assert server.wait_for_end(execution) == "SUCCESS"
        assert [event["value"] for event in server.rows("event", "list", "done")] == ["yes"]


def test_stop_tasks_stops_them_first(tmp_path):
    with Server(tmp_path / "home") as server:
        upload_stream(server, tmp_path)
        execution = server.start_execution("w")
        pid = task_pid(server, execution)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        assert start_time(pid) is None
        assert "No task is running" in server.output()
        server.start()
        assert server.status(execution) == "STOPPED"


def refusal(server) -> str:
    """What the server says that refuses to start on its home."""
    done = subprocess.run(
        [str(AIFLOW), "standalone", "--home", str(server.home), "--rpc-port", "0",
         "--notification-port", "0", "--http-port", "0", "--internal-rpc-port", "0"],
        capture_output=True, text=True, timeout=30)
    assert done.returncode == HOME_MISMATCH, done.stdout + done.stderr
    assert "is ready" not in done.stdout
    error = done.stderr.strip()
    assert "\n\n" not in error
    return error


def test_a_home_whose_log_was_replaced_or_cut_is_refused_until_it_is_back(tmp_path):
    with Server(tmp_path / "home") as server:
        log = server.home / "log"
        old, newest = tmp_path / "old", tmp_path / "newest"

        def stop():
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0

        stop()
        shutil.copytree(log, old)
        server.start()
        upload_stream(server, tmp_path)
        execution = server.start_execution("w")
        task_pid(server, execution)
        server.working_dir("w", execution).joinpath("go").touch()
        assert server.wait_for_end(execution) == "SUCCESS"
        stop()
        log.rename(newest)

        assert "belongs to event log" in refusal(server)
        assert not log.exists()  # no new one takes its place
        other = Server(tmp_path / "other")
        with other:
            pass
        shutil.copytree(other.home / "log", log)
        assert "belongs to event log" in refusal(server)  # another log
        shutil.rmtree(log)
        shutil.copytree(old, log)
        assert "committed offset" in refusal(server)  # the same log, of an earlier time

        shutil.rmtree(log)
        newest.rename(log)
        server.start()
        assert server.status(execution) == "SUCCESS"
        assert len(server.rows("task-execution", "list", str(execution))) == 1


def test_an_execution_stays_on_its_files_after_an_upload_of_changed_ones(server, tmp_path):
    flow = """
        import pathlib
        from ai_flow.model.action import TaskAction
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator
        from ai_flow.operators.python import PythonOperator

        def tell():
            here = pathlib.Path(__file__).parent
            print('VERSION', here.joinpath('data.txt').read_text())

        with Workflow(name='w') as w:
            wait = BashOperator('stream', 'echo run >> runs; until [ -e go ]; do sleep 0.05; done')
            told = PythonOperator('told', tell)
            told.start_after(wait)
        """
    data = tmp_path / "data.txt"
    data.write_text("1 old")
    upload(server, tmp_path / "w.py", flow.replace("VERSION", "code 1"), data)
    before = server.start_execution("w")
    task_pid(server, before)
    data.write_text("2 new")
    upload(server, tmp_path / "w.py", flow.replace("VERSION", "code 2"), data)
    after = server.start_execution("w")
    for execution, said in ((before, "code 1 1 old"), (after, "code 2 2 new")):
        wait_until(lambda: server.working_dir("w", execution).joinpath("runs").exists(), "it runs")
        server.working_dir("w", execution).joinpath("go").touch()
        assert server.wait_for_end(execution) == "SUCCESS"
        assert said in server.cli("logs", str(execution), "told").stdout


def test_wait_says_how_an_execution_ended_across_a_restart(server, tmp_path):
    flow = tmp_path / "slow.yaml"
    flow.write_text(f"""
name: slow
tasks:
  - name: a
    bash: touch {tmp_path}/begun; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; exit 3
""")
    server.cli("workflow", "upload", str(flow))
    execution = str(server.start_execution("slow"))
    late = server.cli("workflow-execution", "wait", execution, "--timeout", "0.2", check=False)
    assert late.returncode == 7 and late.stdout == "", late
    waiting = subprocess.Popen([str(AIFLOW), "workflow-execution", "wait", execution],
                               env=server.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    wait_until((tmp_path / "begun").exists, "the task runs")
    port = int(server.endpoints()["server_uri"].rsplit(":", 1)[1])

    def connected():
        lines = [line.split() for table in ("tcp", "tcp6")
                 for line in pathlib.Path("/proc/net", table).read_text().splitlines()[1:]]
        return any(line[3] == "01" and line[2].endswith(f":{port:04X}") for line in lines)

    wait_until(connected, "it waits")
    server.kill()
    server.start()
    (tmp_path / "go").touch()
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 5, (out, err)
    assert out.startswith(f"Workflow execution {execution}: FAILED"), (out, err)
