"""The notification server on its own, and an AIFlow server that works with it."""

import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import urllib.error
import urllib.request

import pytest
from aiflow_server import AIFLOW, BINARIES, PATIENCE, Server, wait_until
from notification_server import NOTIFICATION, NotificationServer, RemoteServer

HOME_MISMATCH = 6  # docs/cli.md
EVENTS = 12

WORKFLOW = """
name: w
tasks:
  each:
    bash: echo "$AIFLOW_EVENT_VALUE" >> seen
    start_on: batch
    on_alive: queue
  end:
    bash: echo end
    start_on: finish
"""


@pytest.fixture
def notification(tmp_path):
    with NotificationServer(tmp_path / "ns") as running:
        yield running


@pytest.fixture
def server(tmp_path, notification):
    with RemoteServer(tmp_path / "home", notification) as running:
        yield running


def begin(server, tmp_path) -> int:
    """Uploads and starts the workflow that runs a task for each event `batch`."""
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    server.cli("workflow", "upload", str(tmp_path / "w.yaml"))
    return server.start_execution("w")


def seen(server, execution) -> list:
    path = server.working_dir("w", execution) / "seen"
    return path.read_text().split() if path.exists() else []


def expect_each_once(server, execution, count=EVENTS):
    expected = [str(i) for i in range(count)]
    wait_until(lambda: len(seen(server, execution)) >= count, "the task has run for each event")

    def runs():
        return [run for run in server.rows("task-execution", "list", str(execution))
                if run["task_name"] == "each"]

    wait_until(lambda: [run["status"] for run in runs()] == ["SUCCESS"] * count,
               f"each run has succeeded: {runs()}")
    assert seen(server, execution) == expected


def readiness(server) -> str:
    """Empty when ready; else why not."""
    try:
        with urllib.request.urlopen(server.endpoints()["http_url"] + "/readyz", timeout=10) as answer:
            return "" if answer.status == 200 else answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


# ---- The command line ----------------------------------------------------------------------------


def test_event_commands_print_what_the_forerunners_did(notification):
    uri = ("-s", notification.uri)
    sent = notification.cli("event", "send", "key", "value1", *uri, "-n", "namespace1", "--sender",
                            "sender1", "--context", '{"a": 1}').stdout
    assert sent.startswith("Successfully send event: key:key, value:value1, namespace:namespace1, "
                           "sender:sender1, ")
    notification.cli("event", "send", "key", "value2", *uri)
    assert notification.cli("event", "count", "key", *uri).stdout == "2\n"
    assert notification.cli("event", "count", "key", *uri, "-n", "namespace1").stdout == "1\n"
    assert notification.cli("event", "count", "key", *uri, "--begin-offset", "1").stdout == "1\n"
    assert notification.cli("event", "count", "other", *uri).stdout == "0\n"
    assert notification.cli("event", "count", "*", *uri, "--begin-time",
                            "2100-01-01T00:00:00").stdout == "0\n"
    rows = notification.rows("event", "list", "key", *uri)
    assert list(rows[0]) == ["namespace", "key", "value", "sender", "create_time", "context", "offset"]
    assert rows[0]["context"] == '{"a": 1}', "the context is sent"
    assert [row["value"] for row in rows] == ["value1", "value2"]
    assert notification.rows("event", "list", "*", *uri, "--sender", "sender1") == rows[:1]


@pytest.mark.parametrize("command", ["list", "count", "listen", "send"])
def test_event_commands_without_a_server_say_so(notification, command):
    arguments = ["key", "value"] if command == "send" else ["key"]
    done = notification.cli("event", command, *arguments)
    assert done.stdout == (f"Argument --server-uri is not set. See `notification event {command} "
                           "-h` \n")


def test_listen_prints_what_comes(notification):
    notification.cli("event", "send", "key", "before", "-s", notification.uri)
    listener = subprocess.Popen(
        [str(NOTIFICATION), "event", "listen", "key", "-s", notification.uri, "--begin-offset", "1"],
        env=notification.env, stdout=subprocess.PIPE, text=True)
    try:
        notification.cli("event", "send", "other", "x", "-s", notification.uri)
        notification.cli("event", "send", "key", "after", "-s", notification.uri)
        assert listener.stdout.readline().startswith("key:key, value:after, ")
    finally:
        listener.kill()
        listener.wait()
        listener.stdout.close()


def test_config_and_db_commands(tmp_path):
    home = tmp_path / "ns"
    env = {**os.environ, "NOTIFICATION_HOME": str(home)}

    def run(*args, program=(str(NOTIFICATION),), **kwargs):
        return subprocess.run([*program, *args], env=env, capture_output=True, text=True, **kwargs)

    path = home / "notification_server.yaml"
    assert f"Do not find config file {path}" in run("config", "list").stderr
    assert run("config", "init").stdout == f"Notification server config generated at {path}.\n"
    assert run("config", "init").stderr == (
        f"Notification server config has already initialized at {path}.\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(home.stat().st_mode) == 0o700
    assert run("config", "get-value", "server_port").stdout == "50052\n"
    unknown = run("config", "get-value", "x")
    assert unknown.stderr == "notification: The option [x] is not found in config.\n"
    assert unknown.returncode == 1
    assert run("config", "list").stdout == path.read_text()
    # The same by the other name, and by the environment.
    env["AIFLOW__NOTIFICATION__SERVER_PORT"] = "6000"
    aiflow = (str(AIFLOW), "notification")
    assert run("config", "get-value", "x", program=aiflow).stderr.startswith("aiflow: The option")
    shown = run("config", "show", "--origin", "-o", "json", program=aiflow).stdout
    port = next(row for row in json.loads(shown) if row["key"] == "server_port")
    assert (port["value"], port["origin"]) == ("6000", "AIFLOW__NOTIFICATION__SERVER_PORT")
    path.write_text("server_prot: 1")
    assert "did you mean server_port?" in run("config", "show").stderr
    path.write_text("enable_ha: true")
    refused = run("server", "start")
    assert refused.returncode == 3 and "come in a later version" in refused.stderr
    path.unlink()

    assert str(home / "ns.db.events") in run("db", "init").stdout
    assert run("db", "reset", input="n\n").returncode == 1
    assert "everything removed" in run("db", "reset", "-y").stdout
    assert run("db", "upgrade", "-v", "heads").returncode == 0
    assert "cannot be downgraded" in run("db", "downgrade").stderr
    assert run("version").stdout == run("version", program=(str(AIFLOW),)).stdout


def test_server_start_in_the_background_is_ready_and_is_stopped(tmp_path):
    home = tmp_path / "ns"
    env = {**os.environ, "NOTIFICATION_HOME": str(home)}

    def run(*args):
        return subprocess.run([str(NOTIFICATION), *args], env=env, capture_output=True, text=True)

    pid_file = home / "notification_server.pid"
    none = run("server", "stop")
    assert none.returncode == 7
    assert none.stderr == (
        f"notification: PID file of Notification server does not exist at {pid_file}\n")
    started = run("server", "start", "-d", "--port", "0")
    try:
        assert started.returncode == 0, started.stderr
        assert "Starting Notification Server in daemon mode" in started.stdout
        assert str(pid_file) in started.stdout
        endpoints = json.loads((home / "notification_server.json").read_text())
        assert re.fullmatch(r"notification_server-\d{8}-\d{6}\.log", os.path.basename(endpoints["log"]))
        assert endpoints["log"] in started.stdout
        log = pathlib.Path(endpoints["log"]).read_text()
        assert f"Starting notification server at pid: {pid_file.read_text().strip()}" in log
        assert f"events are in {home}/ns.db.events" in log
        uri = endpoints["notification_uri"]
        assert run("event", "count", "*", "-s", uri).stdout == "0\n", "it is ready"
        again = run("server", "start", "-d")
        assert again.returncode == 5
        assert ("Notification Server is running, stop it first with 'notification server stop'."
                in again.stderr)
        assert "stop the server first" in run("db", "reset", "-y").stderr
        for path in home.rglob("*"):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o077 == 0 or not path.parent.stat().st_mode & 0o077, f"{path}: {mode:o}"
        # A server that was killed leaves its pid file.
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        wait_until(lambda: "staled PID file" in run("server", "stop").stderr, "it is gone")
        assert run("server", "start", "-d", "--port", "0").returncode == 0
    finally:
        stopped = run("server", "stop")
    assert stopped.returncode == 0 and not pid_file.exists()


def test_consumers_are_listed_with_their_lag_and_deleted(notification):
    for i in range(3):
        notification.send("k", str(i))
    notification.cli("consumer", "register", "slow")
    notification.kill()
    notification.start()
    rows = notification.rows("consumer", "list")
    assert [(row["name"], row["cursor"], row["lag"]) for row in rows] == [("slow", "0", "3")]
    assert notification.cli("consumer", "delete", "slow").stdout == "Consumer: slow deleted.\n"
    assert notification.rows("consumer", "list") == []
    assert notification.cli("consumer", "delete", "slow", check=False).returncode == 3


# ---- With an AIFlow server -----------------------------------------------------------------------


def test_an_event_of_the_notification_server_starts_a_task(server, notification, tmp_path):
    execution = begin(server, tmp_path)
    for i in range(EVENTS):
        notification.send("batch", str(i))
    expect_each_once(server, execution)
    assert not (server.home / "log").exists(), "the log is the notification server's alone"
    assert server.endpoints()["notification_uri"] == notification.uri
    # `aiflow event` finds it, too, and what servers send to themselves is nobody's business.
    assert len(server.rows("event", "list", "batch")) == EVENTS
    keys = {row["key"] for row in notification.rows("event", "list", "*", "-s", notification.uri)}
    assert "batch" in keys and not any(key.startswith("aiflow.") for key in keys)
    assert [row["name"] for row in notification.rows("consumer", "list")] == ["aiflow-server"]
    refused = notification.cli("consumer", "delete", "aiflow-server", check=False)
    assert "AIFlow server's own" in refused.stderr


@pytest.mark.parametrize("who", ["notification", "aiflow", "both"])
def test_a_kill_in_the_midst_loses_and_repeats_nothing(server, notification, tmp_path, who):
    execution = begin(server, tmp_path)
    for i in range(EVENTS):
        notification.send("batch", str(i))
        if i % 4 != 2:
            continue
        if who != "notification":
            server.kill()
        if who != "aiflow":
            notification.kill()
            notification.start()
        if who != "notification":
            server.start()
    expect_each_once(server, execution)
    wait_until(lambda: readiness(server) == "", "the server is ready again")


def test_a_log_that_is_away_is_told_and_the_server_goes_on_by_itself(server, notification, tmp_path):
    execution = begin(server, tmp_path)
    notification.send("batch", "0")
    wait_until(lambda: seen(server, execution) == ["0"], "the task has run")
    notification.kill()
    wait_until(lambda: "the event log cannot be reached" in readiness(server), "it is told")
    assert notification.uri in readiness(server)
    refused = server.cli("workflow-execution", "start", "w", check=False)
    assert refused.returncode != 0 and "cannot be reached" in refused.stderr
    notification.start()
    wait_until(lambda: readiness(server) == "", "the server is ready again")
    for i in range(1, 4):
        notification.send("batch", str(i))
    expect_each_once(server, execution, 4)


def test_a_task_that_ends_while_the_log_is_away_is_reported_later(server, notification, tmp_path):
    (tmp_path / "w.yaml").write_text("""
name: w
tasks:
  first:
    bash: touch runs; until [ -e go ]; do sleep 0.05; done
  second:
    bash: echo done
    start_after: first
""")
    server.cli("workflow", "upload", str(tmp_path / "w.yaml"))
    execution = server.start_execution("w")
    runs = server.working_dir("w", execution)
    wait_until(lambda: (runs / "runs").exists(), "the task runs")
    notification.kill()
    (runs / "go").touch()
    wait_until(lambda: "cannot be reached" in readiness(server), "it is told")
    notification.start()
    assert server.wait_for_end(execution) == "SUCCESS"


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_server_stops_while_its_log_is_away(tmp_path, how):
    with NotificationServer(tmp_path / "ns") as notification:
        with RemoteServer(tmp_path / "home", notification, options=()) as server:
            begin(server, tmp_path)
            if how == "killed":
                notification.kill()
                wait_until(lambda: "cannot be reached" in readiness(server), "it is told")
            else:
                notification.process.send_signal(signal.SIGSTOP)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0, server.output()
            if how == "killed":
                notification.start()
            else:
                notification.process.send_signal(signal.SIGCONT)


def test_a_server_whose_log_is_away_does_not_start_and_says_what_to_do(tmp_path):
    with NotificationServer(tmp_path / "ns") as notification:
        with RemoteServer(tmp_path / "home", notification) as server:
            server.kill()
            notification.stop()
            process = server.launch()
            assert process.wait(PATIENCE) == 1
            assert "notification server start -d" in server.output()
            notification.start()


def test_a_foreign_log_is_refused(tmp_path):
    with NotificationServer(tmp_path / "ns") as notification, \
            NotificationServer(tmp_path / "other") as other:
        with RemoteServer(tmp_path / "home", notification) as server:
            server.kill()
            server.env["AIFLOW__SERVER__NOTIFICATION_SERVER_URI"] = other.uri
            process = server.launch()
            assert process.wait(PATIENCE) == HOME_MISMATCH
            assert "this is event log" in server.output()
            # Nor does a log of its own take its place.
            standalone = subprocess.run([str(AIFLOW), "standalone", "--rpc-port", "0"],
                                        env=server.env, capture_output=True, text=True)
            assert standalone.returncode == HOME_MISMATCH, standalone.stderr
            assert "which is not in the home" in standalone.stderr
            assert not (server.home / "log").exists()
            server.env["AIFLOW__SERVER__NOTIFICATION_SERVER_URI"] = notification.uri


def test_a_log_belongs_to_one_server_for_good(tmp_path):
    with NotificationServer(tmp_path / "ns") as notification:
        with RemoteServer(tmp_path / "home", notification) as server:
            execution = begin(server, tmp_path)
            notification.send("batch", "0")
            expect_each_once(server, execution, 1)
        second = RemoteServer(tmp_path / "second", notification)
        process = second.launch()
        assert process.wait(PATIENCE) != 0
        assert "notification db reset" in second.output()
        # The first one goes on as if nothing had been.
        with server:
            notification.send("batch", "1")
            expect_each_once(server, execution, 2)


def test_both_on_a_fresh_machine_find_each_other(tmp_path):
    """As users of the forerunner start them, apart from the ports."""
    uri = "127.0.0.1:%d" % free_port()
    env = {**os.environ, "HOME": str(tmp_path), "AIFLOW__SERVER__NOTIFICATION_SERVER_URI": uri,
           "AIFLOW__NOTIFICATION__SERVER_PORT": uri.split(":")[1]}
    for name in ("AIFLOW_HOME", "NOTIFICATION_HOME"):
        env.pop(name, None)

    def run(*args):
        done = subprocess.run([str(BINARIES / args[0]), *args[1:]], env=env, capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
        return done.stdout

    ports = ("--rpc-port", "0", "--http-port", "0", "--internal-rpc-port", "0")
    run("aiflow", "db", "init")
    run("notification", "server", "start", "-d")
    try:
        assert uri in run("aiflow", "server", "start", "-d", *ports)
        run("notification", "event", "send", "k", "v", "-s", uri)
        assert "aiflow-server" in run("notification", "consumer", "list")
        run("aiflow", "server", "stop")
    finally:
        run("notification", "server", "stop")


def free_port() -> int:
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_home_with_a_log_of_its_own_stays_as_it_is(tmp_path, notification):
    with Server(tmp_path / "home") as server:
        server.cli("event", "send", "k", "v")
    # The address is the other one's: that is said, and nothing is mixed up.
    again = RemoteServer(tmp_path / "home", notification)
    process = again.launch()
    assert process.wait(PATIENCE) != 0
    assert "in use" in again.output()
    with Server(tmp_path / "home") as server:
        assert [row["value"] for row in server.rows("event", "list", "k")] == ["v"]
