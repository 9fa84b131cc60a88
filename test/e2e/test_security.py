"""Who may use a server, and who may read what it keeps: with another user of the machine."""

import json
import os
import pathlib
import stat
import subprocess
import sys
import textwrap

import grpc
import pytest
from aiflow_server import AIFLOW, Server

NOBODY = 65534
USAGE = 2  # docs/configuration.md
# A client made of nothing but method names and field numbers, in a process of another user.
STRANGER = """
import json, os, sys
import grpc
os.setgroups([])
os.setgid({nobody})
os.setuid({nobody})
address, token = sys.argv[1:]
with grpc.insecure_channel(address) as channel:
    call = channel.unary_unary(sys.stdin.readline().strip())
    metadata = [("authorization", "Bearer " + token)] if token else []
    try:
        answer = call(b"", timeout=20, metadata=metadata)
        print(json.dumps(["OK", ""]))
    except grpc.RpcError as error:
        print(json.dumps([error.code().name, error.details()]))
"""
METHODS = {
    "server_uri": ["/ai_flow.SchedulerService/listNamespaces",
                   "/ai_flow.HeartbeatService/SendHeartBeat",
                   "/aiflow.v1.Orchestrator/GetServerInfo"],
    "notification_uri": ["/notification_service.NotificationService/listMembers",
                         "/aiflow.v1.EventLog/Publish"],
}
as_root = pytest.mark.skipif(
    os.getuid() != 0,
    reason="only root can become another user; AccessTest covers the rule without one")


def call_as_stranger(address, method, token=""):
    done = subprocess.run(
        [sys.executable, "-c", STRANGER.format(nobody=NOBODY), address, token],
        input=method, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# `server` runs as root here: whoever is not root is a stranger.
@as_root
def test_another_user_needs_a_token_and_own_user_none(server):
    for uri, methods in METHODS.items():
        for method in methods:
            code, details = call_as_stranger(server.endpoints()[uri], method)
            assert code == "UNAUTHENTICATED", (method, code, details)
            assert "aiflow token add" in details
    assert server.rows("namespace", "list")[0]["name"] == "default"

    token = server.cli("token", "add", "stranger").stdout.strip()
    address, method = server.endpoints()["server_uri"], METHODS["server_uri"][0]
    assert call_as_stranger(address, method, token) == ["OK", ""]
    assert call_as_stranger(address, method, token + "0")[0] == "UNAUTHENTICATED"
    assert [row["name"] for row in server.rows("token", "list")] == ["stranger"]
    server.cli("token", "remove", "stranger")
    assert call_as_stranger(address, method, token)[0] == "UNAUTHENTICATED"
    for place in (server.log(), server.output(), server.cli("config", "show").stdout):
        assert token not in place


@as_root
def test_another_user_is_told_by_the_command_line_what_to_do(server, tmp_path):
    def cli(**env):
        return subprocess.run(
            [str(AIFLOW), "--server", server.endpoints()["server_uri"], "namespace", "list"],
            env={"HOME": "/nonexistent", **env}, capture_output=True, text=True, timeout=120,
            user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")

    if subprocess.run(["test", "-x", str(AIFLOW)], user=NOBODY, group=NOBODY, extra_groups=[],
                      cwd="/").returncode != 0:
        pytest.skip("nobody cannot reach the program")
    refused = cli()
    assert refused.returncode == 1, refused.stderr
    assert "aiflow token add" in refused.stderr and "AIFLOW_TOKEN" in refused.stderr
    token = server.cli("token", "add", "stranger").stdout.strip()
    allowed = cli(AIFLOW_TOKEN=token)
    assert allowed.returncode == 0, allowed.stderr
    assert "default" in allowed.stdout
    wrong = cli(AIFLOW_TOKEN=token[:-1])
    assert wrong.returncode == 1
    assert token[:-1] not in wrong.stderr


def test_unix_sockets_serve_the_home_s_own_user(server):
    sockets = server.home / "run"
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    for name in ("scheduler.sock", "notification.sock"):
        assert stat.S_IMODE((sockets / name).stat().st_mode) == 0o600
    rows = server.cli("--server", f"unix:{sockets}/scheduler.sock", "namespace", "list", "-o",
                      "json").stdout
    assert json.loads(rows)[0]["name"] == "default"
    server.cli("--notification-server", f"unix:{sockets}/notification.sock", "event", "send", "k",
               "v")
    sys.path.insert(0, os.path.join(os.environ["AIFLOW_SOURCE"], "sdk", "python"))
    from notification_service.rpc.connection import open_channel

    with open_channel(f"unix:{sockets}/scheduler.sock") as channel:
        channel.unary_unary(METHODS["server_uri"][0])(b"", timeout=20)


def test_what_a_server_makes_is_for_its_user_alone_and_tasks_keep_the_user_s_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with Server(tmp_path / "home") as server:
            file = tmp_path / "w.yaml"
            file.write_text(textwrap.dedent("""
                name: w
                tasks:
                  t: {bash: "umask; echo made > made"}
                """))
            server.cli("workflow", "upload", str(file))
            execution = server.start_execution("w")
            assert server.wait_for_end(execution) == "SUCCESS"
            assert server.cli("logs", str(execution), "t").stdout == "0027\n"
            made = server.working_dir("w", execution) / "made"
            assert stat.S_IMODE(made.stat().st_mode) == 0o640
            server.cli("token", "add", "somebody")
            for path in [server.home, *server.home.rglob("*")]:
                mode = path.lstat().st_mode
                if path == made or stat.S_ISLNK(mode) or server.home / "snapshots" in path.parents:
                    continue
                assert mode & 0o077 == 0, f"{path} has mode {stat.S_IMODE(mode):o}"
    finally:
        os.umask(before)


def refusal(tmp_path, *options, **settings):
    """What a server that does not start says."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "aiflow_server.yaml").write_text(
        "".join(f"{name}: {value}\n" for name, value in settings.items()))
    ports = ["--rpc-port", "0", "--notification-port", "0", "--http-port", "0"]
    done = subprocess.run(
        [str(AIFLOW), "standalone", "--home", str(home), *ports, *options],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


def make_certificate(directory: pathlib.Path, names="DNS:localhost,IP:127.0.0.1"):
    certificate, key = directory / "server.crt", directory / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
         f"subjectAltName={names}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    key.chmod(0o600)
    return certificate, key


def test_other_machines_reach_a_server_only_through_tls_and_with_a_token(tmp_path):
    code, text = refusal(tmp_path, "--host", "0.0.0.0")
    assert code == USAGE
    assert "tls_certificate_file" in text and "aiflow token add" in text and "--insecure" in text
    certificate, key = make_certificate(tmp_path)
    tls = {"tls_certificate_file": certificate, "tls_key_file": key}
    code, text = refusal(tmp_path, "--host", "0.0.0.0", **tls)
    assert code == USAGE
    assert "aiflow token add" in text and "set tls_certificate_file" not in text
    key.chmod(0o644)
    code, text = refusal(tmp_path, **tls)
    assert code == 3
    assert "chmod 600" in text


def test_tls_is_beside_the_plain_connections_of_tasks(tmp_path):
    certificate, key = make_certificate(tmp_path)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "aiflow_server.yaml").write_text(
        f"tls_certificate_file: {certificate}\ntls_key_file: {key}\n")
    added = subprocess.run([str(AIFLOW), "--home", str(home), "token", "add", "t"],
                           capture_output=True, text=True, check=True)
    token = added.stdout.strip()
    with Server(home, options=("--stop-tasks", "--host", "0.0.0.0")) as server:
        file = tmp_path / "w.yaml"
        file.write_text(textwrap.dedent(f"""
            name: w
            tasks:
              t: {{bash: "{AIFLOW} event send from-a-task v"}}
            """))
        server.cli("workflow", "upload", str(file))
        assert server.wait_for_end(server.start_execution("w")) == "SUCCESS"
        port = server.endpoints()["server_uri"].rsplit(":", 1)[1]
        server.cli("--server", f"localhost:{port}", "--tls-ca", str(certificate), "namespace",
                   "list")
        server.cli("--server", f"localhost:{port}", "namespace", "list")  # own user, plainly
        doctor = json.loads(server.cli("doctor", "-o", "json", check=False).stdout)
        found = {row["check"]: row for row in doctor}
        assert found["server"]["state"] == "ok", found["server"]
        if os.getuid() != 0:
            return
        # A stranger, by TLS.
        script = STRANGER.replace("grpc.insecure_channel(address)", (
            "grpc.secure_channel(address, grpc.ssl_channel_credentials("
            f"{certificate.read_bytes()!r}))"))
        for given, expected in (("", "UNAUTHENTICATED"), (token, "OK")):
            done = subprocess.run(
                [sys.executable, "-c", script.format(nobody=NOBODY), f"localhost:{port}", given],
                input=METHODS["server_uri"][0], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)[0] == expected


def test_a_connection_that_says_nothing_keeps_nobody_waiting(server):
    import socket

    host, port = server.endpoints()["server_uri"].rsplit(":", 1)
    idle = [socket.create_connection((host, int(port))) for _ in range(200)]
    try:
        server.cli("namespace", "list", timeout=60)
    finally:
        for connection in idle:
            connection.close()
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        channel.unary_unary(METHODS["server_uri"][0])(b"", timeout=20)
