"""What an operator sees and does: metrics, readiness, logs, doctor, the service manager, systemd units."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import textwrap
import urllib.error
import urllib.request

import pytest
from aiflow_server import AIFLOW, PATIENCE, SOURCE, Server, wait_until

PORTS = ["--rpc-port", "0", "--notification-port", "0", "--http-port", "0", "--internal-rpc-port", "0"]


def get(server, path):
    with urllib.request.urlopen(server.endpoints()["http_url"] + path, timeout=PATIENCE) as answer:
        return answer.read().decode()


def run_one(server, tmp_path, command="true"):
    (tmp_path / "w.py").write_text(textwrap.dedent(f"""
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator
        with Workflow(name='w') as w:
            BashOperator('a', {command!r})
        """))
    server.cli("workflow", "upload", str(tmp_path / "w.py"))
    server.cli("workflow-execution", "start", "w")
    server.cli("workflow-execution", "wait", "1")


def doctor(env, *options):
    done = subprocess.run([str(AIFLOW), "doctor", "-o", "json", *options], env=env, text=True,
                          capture_output=True, timeout=PATIENCE)
    return done.returncode, {row["check"]: row for row in json.loads(done.stdout)}


def test_metrics_are_read_by_prometheus_own_parser(server, tmp_path):
    parser = pytest.importorskip("prometheus_client.parser")
    run_one(server, tmp_path)
    families = {family.name: family for family in parser.text_string_to_metric_families(get(server, "/metrics"))}
    ended = {sample.labels["status"]: sample.value
             for sample in families["aiflow_workflow_executions_ended"].samples}
    assert ended["SUCCESS"] == 1
    assert families["aiflow_engine_decision_delay_seconds"].type == "histogram"
    assert all(family.documentation for family in families.values())


def test_metrics_are_documented_and_the_other_way_round(server):
    served = set(re.findall(r"^# TYPE (aiflow_\w+)", get(server, "/metrics"), re.M))
    documented = set(re.findall(r"`(aiflow_[a-z_]+)[`{]", (SOURCE / "docs/operating.md").read_text()))
    # Of executors and blob stores that this server has not.
    elsewhere = {name for name in documented if name.startswith(("aiflow_executor_", "aiflow_blob_"))}
    assert served == documented - elsewhere


def test_requests_are_counted_by_method_route_and_code(server, tmp_path):
    run_one(server, tmp_path)
    server.cli("workflow", "show", "nobody", check=False)
    for path in ("/healthz", "/api/v1/workflows", "/api/v1/nothing/of/ours", "/nor/here", "/api/v1/executions/1"):
        try:
            get(server, path)
        except urllib.error.HTTPError:
            pass

    def samples(name):
        return {tuple(re.findall(r'="([^"]*)"', labels)): float(value) for labels, value in
                re.findall(rf"^{name}{{(.*)}} (\S+)$", get(server, "/metrics"), re.M)}

    def calls(method):
        return {key[2]: value for key, value in samples("aiflow_grpc_requests_total").items() if key[1] == method}

    assert calls("StartWorkflowExecution") == {"OK": 1}
    assert calls("GetWorkflow")["NOT_FOUND"] >= 1
    counts = samples("aiflow_grpc_request_seconds_count")
    assert counts[("aiflow.v1.Orchestrator", "StartWorkflowExecution")] == 1
    assert ("aiflow.v1.EventLog", "Subscribe") in samples("aiflow_grpc_streams")
    requests = samples("aiflow_http_requests_total")
    assert requests[("GET", "/healthz", "200")] >= 1
    assert requests[("GET", "/api/v1/workflows", "200")] == 1
    assert requests[("GET", "/api/v1/executions/{execution_id}", "200")] == 1
    assert requests[("GET", "other", "404")] == 2
    assert requests[("GET", "/metrics", "200")] >= 4
    routes = {key[1] for key in requests}
    assert not any(route.endswith("/1") or "nothing" in route for route in routes), routes


def test_a_server_in_json_logs_one_object_a_line(tmp_path):
    with Server(tmp_path / "home", env={"AIFLOW__SERVER__LOG_FORMAT": "json"}) as server:
        run_one(server, tmp_path)
        lines = [json.loads(line) for line in server.log().splitlines()]
    assert any(line["message"].startswith("ready: ") for line in lines)
    assert {"time", "level", "pid", "message"} == set(lines[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lines[0]["time"])


def test_a_hangup_opens_the_log_anew(server):
    log = server.home / "logs" / os.path.basename(server.endpoints()["log"])
    log.rename(log.with_suffix(".moved"))
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.exists() and "opened anew" in log.read_text(), "a new log")
    assert server.process.poll() is None


def test_a_log_that_cannot_be_written_stops_no_server(tmp_path):
    home = tmp_path / "home"
    home.mkdir(0o700)
    (home / "logs").write_text("in the way")
    with Server(home) as server:
        assert "the log goes to stderr" in server.output()
        get(server, "/readyz")
        (home / "logs").unlink()


def test_the_background_server_logs_to_a_file_of_its_start(tmp_path):
    home = tmp_path / "home"
    env = {**os.environ, "AIFLOW_HOME": str(home), "NO_COLOR": "1"}

    def run(*words):
        return subprocess.run([str(AIFLOW), *words], env=env, text=True, capture_output=True, timeout=2 * PATIENCE)

    assert run("db", "init").returncode == 0
    started = run("server", "start", "-d", *PORTS)
    assert started.returncode == 0, started.stderr
    try:
        log = re.search(r"log +(\S+)", started.stdout).group(1)
        assert re.fullmatch(r"aiflow_server-\d{8}-\d{6}\.log", os.path.basename(log))
        assert "ready: " in open(log).read()
        code, checks = doctor(env)
        assert checks["server"]["state"] == "ok", checks["server"]
        assert checks["ports"]["state"] == "ok"
    finally:
        assert run("server", "stop").returncode == 0
    code, checks = doctor(env)
    assert "does not run" in checks["server"]["finding"]
    assert "checked" in checks["metadata"]["finding"]


def test_a_background_server_starts_at_once_after_it_was_stopped_again_and_again(tmp_path):
    env = {**os.environ, "AIFLOW_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}

    def run(*words):
        done = subprocess.run([str(AIFLOW), *words], env=env, text=True, capture_output=True, timeout=2 * PATIENCE)
        assert done.returncode == 0, done.stderr

    run("db", "init")
    for _ in range(15):
        # Looking whether it runs, as `start -d` does until it is ready, must not keep it out.
        run("server", "start", "-d", *PORTS)
        run("server", "stop")


def test_doctor_tells_what_is_wrong_and_its_exit_code_too(tmp_path):
    env = {**os.environ, "AIFLOW_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}
    code, checks = doctor(env)
    assert code == 1 and checks["home"]["state"] == "problem"
    assert "aiflow db init" in checks["home"]["what to do"]
    (tmp_path / "home").mkdir(0o700)
    (tmp_path / "home" / "aiflow_server.yaml").write_text("rpc_port: [\n")
    (tmp_path / "home" / "aiflow.db").write_bytes(os.urandom(5000))
    code, checks = doctor(env)
    assert code == 1
    assert checks["configuration"]["state"] == "problem" and checks["metadata"]["state"] == "problem"


def test_the_service_manager_is_told_and_tasks_do_not_speak_for_the_server(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        with Server(tmp_path / "home", env={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as server:
            assert manager.recv(100) == b"READY=1"
            run_one(server, tmp_path, f"echo socket=$NOTIFY_SOCKET > {tmp_path}/seen")
            assert (tmp_path / "seen").read_text() == "socket=\n"
        assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_small_disk_that_fills_up_refuses_what_is_new_and_goes_on_by_itself(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        with Server(disk / "home") as server:
            server.cli("event", "send", "k", "v")
            # Below half of the reserve, which is a tenth of so small a disk.
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            (disk / "filler").write_bytes(bytes(free - (2 << 20)))
            wait_until(lambda: "aiflow_disk_alarm 2" in get(server, "/metrics"), "the alarm")
            refused = subprocess.run([str(AIFLOW), "event", "send", "k", "v", "--timeout", "2"], env=server.env,
                                     text=True, capture_output=True, timeout=PATIENCE)
            assert refused.returncode != 0
            assert "free some space" in " ".join(refused.stderr.split())
            assert "disk: " in server.log()
            (disk / "filler").unlink()
            # Who asks makes it look; by itself it looks with an event, once a second.
            wait_until(lambda: "aiflow_disk_alarm 0" in get(server, "/metrics"), "the end of the alarm")
            server.cli("event", "send", "k", "v", "--timeout", "30")
            assert "enough space again" in server.log()
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("name", ["aiflow", "notification"])
def test_systemd_takes_the_units(tmp_path, name):
    # The program and the user are not on this machine.
    text = (SOURCE / "deploy" / "systemd" / f"{name}.service").read_text()
    text = re.sub(r"^ExecStart=\S+", f"ExecStart={AIFLOW}", text, flags=re.M)
    text = re.sub(r"^(User|Group)=.*", r"\1=root", text, flags=re.M)
    (tmp_path / f"{name}.service").write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / f"{name}.service"], text=True, capture_output=True,
                          timeout=PATIENCE)
    assert done.returncode == 0 and done.stderr == "", done.stderr
