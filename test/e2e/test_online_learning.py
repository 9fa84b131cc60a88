"""Online learning on a real server that is killed while it runs."""

import os
import signal
import subprocess
import sys

import pytest
from aiflow_server import BINARIES, SOURCE, Server, start_time, wait_until

DIGITS = SOURCE / "examples/online_learning/data/digits.csv"
FILES = {
    "cpp": BINARIES / "online_learning",
    "python": SOURCE / "examples/online_learning/python/online_learning.py",
}


def lines(path) -> list:
    return path.read_text().split() if path.exists() else []


@pytest.fixture(params=sorted(FILES))
def learning(request, tmp_path):
    """A server with online learning uploaded and started: (server, execution, working directory)."""
    env = {"ONLINE_LEARNING_HOURS": "8", "ONLINE_LEARNING_SECONDS_PER_HOUR": "0.5"}
    with Server(tmp_path / "home", env) as server:
        server.cli("workflow", "upload", str(FILES[request.param]), "-f", str(DIGITS))
        execution = server.start_execution("online_learning")
        yield server, execution, server.working_dir("online_learning", execution)


def stream_pids(server) -> dict:
    """Process of each streaming task: task -> (pid, its start time)."""
    found = {}
    for pid in server.processes():
        try:
            environ = open(f"/proc/{pid}/environ", "rb").read().split(b"\0")
        except OSError:
            continue
        for task in ("stream", "predict"):
            if f"AIFLOW_TASK={task}".encode() in environ and os.getsid(pid) == pid:
                found[task] = (pid, start_time(pid))
    return found


def check(server, execution, directory):
    assert server.wait_for_end(execution, 120) == "SUCCESS"
    summary = subprocess.run(
        [sys.executable, str(SOURCE / "examples/online_learning/summary.py"), str(directory),
         "--hours", "8"], capture_output=True, text=True)
    assert summary.returncode == 0, summary.stdout + summary.stderr
    hours = [e["value"] for e in server.rows("event", "list", "hour_complete")]
    assert len(hours) == len(set(hours)) >= 8
    trained = [line.split(",")[0] for line in lines(directory / "trainings.csv")]
    assert sorted(trained) == sorted(hours)  # each hour once, none missed
    runs = server.rows("task-execution", "list", str(execution))
    for stream in ("stream", "predict"):
        assert [r["status"] for r in runs if r["task_name"] == stream] in (["SUCCESS"], ["STOPPED"])
    assert all(r["try_number"] == "1" for r in runs)


def test_killed_server_misses_and_repeats_nothing(learning):
    server, execution, directory = learning
    for hours in (2, 4):
        wait_until(lambda: len(lines(directory / "hours.csv")) >= hours, f"{hours} hours")
        before = stream_pids(server)
        assert sorted(before) == ["predict", "stream"]
        server.kill()
        assert {t: start_time(p) for t, (p, _) in before.items()} == \
            {t: s for t, (_, s) in before.items()}, "a stream did not survive the server"
        server.start()
        assert stream_pids(server) == before
    check(server, execution, directory)


def test_killed_server_and_runner_miss_and_repeat_nothing(learning):
    server, execution, directory = learning
    wait_until(lambda: len(lines(directory / "hours.csv")) >= 2, "2 hours")
    before = stream_pids(server)
    os.kill(server.runner_pid(), signal.SIGKILL)
    server.kill()
    server.start()
    wait_until(lambda: len(lines(directory / "hours.csv")) >= 4, "4 hours")
    assert stream_pids(server) == before
    # The runner alone, under a living server.
    os.kill(server.runner_pid(), signal.SIGKILL)
    wait_until(lambda: len(lines(directory / "hours.csv")) >= 5, "5 hours")
    assert stream_pids(server) == before
    check(server, execution, directory)
