"""The notification server on its own: who may use it, and what an operator sees of it."""

import json
import os
import pathlib
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from aiflow_server import PATIENCE, SOURCE, wait_until
from notification_server import NOTIFICATION, NotificationServer
from test_security import NOBODY, as_root, call_as_stranger, make_certificate

SEND = "/notification_service.NotificationService/listMembers"
USAGE = 2  # docs/cli.md
CONFIG = 3


def get(url: str):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def refusal(home: pathlib.Path, *options, **settings):
    """Exit code and words of a server that does not start."""
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "notification_server.yaml").write_text(
        "server_port: 0\n" + "".join(f"{name}: {value}\n" for name, value in settings.items()))
    done = subprocess.run([str(NOTIFICATION), "--home", str(home), "server", "start", *options],
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr


@as_root
def test_another_user_of_a_notification_server_needs_a_token(tmp_path):
    with NotificationServer(tmp_path / "ns") as server:
        code, details = call_as_stranger(server.uri, SEND)
        assert code == "UNAUTHENTICATED" and "notification token add" in details
        token = server.cli("token", "add", "stranger").stdout.strip()
        assert call_as_stranger(server.uri, SEND, token)[0] == "OK"
        assert [row["name"] for row in server.rows("token", "list")] == ["stranger"]
        server.cli("token", "remove", "stranger")
        assert call_as_stranger(server.uri, SEND, token)[0] == "UNAUTHENTICATED"
        assert token not in server.output()


def test_a_notification_server_is_open_to_other_machines_only_by_tls_and_token(tmp_path):
    home = tmp_path / "ns"
    code, text = refusal(home, "--host", "0.0.0.0")
    assert code == USAGE and text.startswith("notification: ")
    assert "tls_certificate_file" in text and "notification token add" in text and "--insecure" in text
    certificate, key = make_certificate(tmp_path)
    key.chmod(0o644)
    code, text = refusal(home, tls_certificate_file=certificate, tls_key_file=key)
    assert code == CONFIG and "chmod 600" in text
    key.chmod(0o600)
    code, text = refusal(home, "--host", "0.0.0.0", tls_certificate_file=certificate, tls_key_file=key)
    assert code == USAGE and "notification token add" in text


def test_a_notification_server_speaks_tls_beside_plain_connections_of_its_user(tmp_path):
    certificate, key = make_certificate(tmp_path)
    home = tmp_path / "ns"
    token = subprocess.run([str(NOTIFICATION), "--home", str(home), "token", "add", "t"],
                           capture_output=True, text=True, check=True).stdout.strip()
    config = f"tls_certificate_file: {certificate}\ntls_key_file: {key}\nhttp_port: 0\n"
    with NotificationServer(home, config, ("--host", "0.0.0.0")) as server:
        port = server.uri.rsplit(":", 1)[1]
        server.cli("event", "send", "k", "plain", "-s", server.uri)
        server.env["AIFLOW_TLS_CA"] = str(certificate)
        server.env["AIFLOW_TOKEN"] = token
        server.cli("event", "send", "k", "tls", "-s", f"localhost:{port}")
        assert server.cli("event", "count", "k", "-s", f"localhost:{port}").stdout == "2\n"
        url = server.endpoints()["http_url"]
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=certificate)
        assert urllib.request.urlopen(url + "/readyz", context=trust, timeout=PATIENCE).status == 200
        if os.getuid() != 0:
            return
        script = """
import os, sys, grpc
os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
with grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials({ca!r})) as channel:
    try:
        metadata = [("authorization", "Bearer " + sys.argv[2])] if sys.argv[2] else []
        channel.unary_unary({method!r})(b"", timeout=20, metadata=metadata)
        print("OK")
    except grpc.RpcError as error:
        print(error.code().name)
""".format(nobody=NOBODY, ca=certificate.read_bytes(), method=SEND)
        for given, expected in (("", "UNAUTHENTICATED"), (token, "OK")):
            done = subprocess.run([sys.executable, "-c", script, f"localhost:{port}", given],
                                  capture_output=True, text=True, timeout=120)
            assert done.stdout == expected + "\n", done.stderr


def test_a_notification_server_with_a_client_ca_wants_a_certificate(tmp_path):
    certificate, key = make_certificate(tmp_path)
    config = (f"tls_certificate_file: {certificate}\ntls_key_file: {key}\n"
              f"tls_client_ca_file: {certificate}\n")
    with NotificationServer(tmp_path / "ns", config) as server:
        address = "localhost:" + server.uri.rsplit(":", 1)[1]
        server.env["AIFLOW_TLS_CA"] = str(certificate)
        refused = server.cli("event", "send", "k", "v", "-s", address, "--timeout", "2", check=False)
        assert refused.returncode != 0
        server.env["AIFLOW_TLS_CERTIFICATE"] = str(certificate)
        server.env["AIFLOW_TLS_KEY"] = str(key)
        server.cli("event", "send", "k", "v", "-s", address)


def test_the_unix_socket_of_a_notification_server_serves_its_user(tmp_path):
    with NotificationServer(tmp_path / "ns") as server:
        path = server.home / "run" / "notification.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        server.cli("event", "send", "k", "v", "-s", f"unix:{path}")
        assert server.cli("event", "count", "k", "-s", server.uri).stdout == "1\n"
    assert not path.exists()
    with NotificationServer(tmp_path / "ns", "unix_socket: 'false'") as server:
        assert not path.exists()


def test_a_notification_server_tells_how_it_is_when_it_is_asked_to(tmp_path):
    with NotificationServer(tmp_path / "ns") as server:
        assert server.endpoints()["http_url"] == "", "HTTP is off unless it is configured"
    with NotificationServer(tmp_path / "ns", "http_port: 0") as server:
        url = server.endpoints()["http_url"]
        assert get(url + "/healthz") == (200, "ok\n")
        assert get(url + "/readyz") == (200, "ready\n")
        server.send("k", "v")
        code, page = get(url + "/metrics")
        assert code == 200
        assert re.search(r"^aiflow_log_head_offset 1$", page, re.M)
        assert re.search(r"^aiflow_log_appended_events_total 1$", page, re.M)
        published = 'aiflow_grpc_requests_total{service="aiflow.v1.EventLog",method="Publish",code="OK"} 1'
        wait_until(lambda: published in get(url + "/metrics")[1], "the end of the stream is counted")
        assert re.search(r'^aiflow_http_requests_total{method="GET",route="/readyz",code="200"} 1$', page, re.M)
        served = set(re.findall(r"^# TYPE (aiflow_\w+)", page, re.M))
        documented = set(re.findall(r"`(aiflow_[a-z_]+)[`{]", (SOURCE / "docs/operating.md").read_text()))
        assert served <= documented
        assert not any(name.startswith("aiflow_engine") for name in served)
        assert get(url + "/api/v1/namespaces")[0] == 404


def test_the_log_of_a_notification_server_is_rotated_and_opened_anew(tmp_path):
    home = tmp_path / "ns"
    env = {**os.environ, "NOTIFICATION_HOME": str(home), "AIFLOW__NOTIFICATION__LOG_FORMAT": "json"}

    def run(*words):
        return subprocess.run([str(NOTIFICATION), *words], env=env, capture_output=True, text=True,
                              timeout=120)

    assert run("server", "start", "-d", "--port", "0").returncode == 0
    try:
        endpoints = json.loads((home / "notification_server.json").read_text())
        log = pathlib.Path(endpoints["log"])
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert {"time", "level", "pid", "message"} == set(lines[0])
        log.rename(log.with_suffix(".moved"))
        os.kill(endpoints["pid"], signal.SIGHUP)
        wait_until(lambda: log.exists() and "opened anew" in log.read_text(), "a new log")
    finally:
        assert run("server", "stop").returncode == 0


def test_the_service_manager_of_a_notification_server_is_told(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        server = NotificationServer(tmp_path / "ns")
        server.env["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        with server:
            assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_small_disk_of_a_notification_server_refuses_new_events_and_goes_on_by_itself(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", disk],
                      capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        with NotificationServer(disk / "ns", "http_port: 0") as server:
            url = server.endpoints()["http_url"]
            server.send("k", "v")
            # Below half of the reserve, which is a tenth of so small a disk.
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            (disk / "filler").write_bytes(bytes(free - (2 << 20)))
            wait_until(lambda: "aiflow_disk_alarm 2" in get(url + "/metrics")[1], "the alarm")
            code, reason = get(url + "/readyz")
            assert code == 503 and "new events are refused" in reason
            refused = server.cli("event", "send", "k", "v", "-s", server.uri, "--timeout", "2",
                                 check=False)
            assert refused.returncode != 0
            assert "free some space" in " ".join(refused.stderr.split())
            (disk / "filler").unlink()
            # Who asks makes it look; by itself it looks with an event, once a second.
            wait_until(lambda: get(url + "/readyz")[0] == 200, "the end of the alarm")
            server.cli("event", "send", "k", "v", "-s", server.uri, "--timeout", "30")
            assert "enough space again" in (disk / "notification.out").read_text()
    finally:
        subprocess.run(["umount", disk], check=True)
