"""An AIFlow server and its notification server on two machines: two network namespaces."""

import os
import shutil
import subprocess
import sys

import pytest
from aiflow_server import AIFLOW, PATIENCE, wait_until
from notification_server import NotificationServer, RemoteServer
from test_notification_server import EVENTS, begin, expect_each_once
from test_security import make_certificate

HERE, THERE = "10.213.%d.1", "10.213.%d.2"


@pytest.fixture
def machine():
    """The name of a network namespace, and this machine's address as seen from there."""
    if os.getuid() != 0 or shutil.which("ip") is None:
        pytest.skip("only root makes network namespaces")
    number = os.getpid() % 250 + 1
    name, here, there = f"aiflow-{os.getpid()}", f"af{os.getpid()}a", f"af{os.getpid()}b"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True)
    if made.returncode != 0:
        pytest.skip("no network namespace can be made here")
    try:
        for command in (
                f"ip link add {here} type veth peer name {there}",
                f"ip link set {there} netns {name}",
                f"ip addr add {HERE % number}/30 dev {here}",
                f"ip link set {here} up",
                f"ip -n {name} addr add {THERE % number}/30 dev {there}",
                f"ip -n {name} link set {there} up",
                f"ip -n {name} link set lo up"):
            done = subprocess.run(command.split(), capture_output=True, text=True)
            if done.returncode != 0:
                pytest.skip(f"{command}: {done.stderr}")
        yield name, HERE % number
    finally:
        subprocess.run(["ip", "link", "del", here], capture_output=True)
        subprocess.run(["ip", "netns", "del", name], check=True)


class FarServer(RemoteServer):
    """An AIFlow server in another network namespace than its notification server."""

    def __init__(self, home, notification, machine, **settings):
        super().__init__(home, notification)
        self.machine = machine
        for name, value in settings.items():
            self.env[f"AIFLOW__SERVER__{name.upper()}"] = str(value)

    def there(self, *command):
        return ["ip", "netns", "exec", self.machine, *command]

    def launch(self):
        self.starts += 1
        ports = ["--rpc-port", "0", "--http-port", "0", "--internal-rpc-port", "0"]
        with open(self.home.parent / f"server-{self.starts}.out", "wb") as out:
            return subprocess.Popen(
                self.there(str(AIFLOW), "server", "start", *self.options, *ports), env=self.env,
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    def cli(self, *args, check=True, timeout=120):
        done = subprocess.run(self.there(str(AIFLOW), *args), env=self.env, capture_output=True,
                              text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        if check:
            assert done.returncode == 0, f"aiflow {args}: {done.stdout}{done.stderr}"
        return done

    def is_ready(self) -> bool:
        url = self.endpoints()["http_url"] + "/readyz"
        look = f"import urllib.request; urllib.request.urlopen({url!r}, timeout=10)"
        return subprocess.run(self.there(sys.executable, "-c", look), capture_output=True,
                              timeout=PATIENCE).returncode == 0

    def refusal(self) -> str:
        process = self.launch()
        assert process.wait(PATIENCE) != 0
        return " ".join(self.output().split())


@pytest.fixture
def pair(tmp_path, machine):
    """A notification server, and how to make an AIFlow server on the other machine."""
    name, address = machine
    certificate, key = make_certificate(tmp_path, f"IP:{address}")
    config = f"tls_certificate_file: {certificate}\ntls_key_file: {key}\n"
    home = tmp_path / "ns"
    tokens = NotificationServer(home, config)
    file = tmp_path / "token"
    file.write_text(tokens.cli("token", "add", "aiflow", "--server").stdout)
    file.chmod(0o600)
    with NotificationServer(home, config, ("--host", address)) as notification:
        yield notification, lambda **settings: FarServer(
            tmp_path / "home", notification, name,
            **{"notification_tls_ca_file": certificate, "notification_token_file": file, **settings})


@pytest.mark.parametrize("who", ["notification", "aiflow", "both"])
def test_two_machines_with_tls_and_token_survive_a_kill_and_lose_and_repeat_nothing(
        pair, tmp_path, who):
    notification, make = pair
    with make() as server:
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
        wait_until(server.is_ready, "the server is ready again")
        expect_each_once(server, execution)


def test_tasks_on_the_other_machine_send_events_with_what_they_find_in_their_environment(
        pair, tmp_path):
    notification, make = pair
    (tmp_path / "send.py").write_text("""
from ai_flow.rpc.client.aiflow_client import get_notification_client
from notification_service.model.event import Event
client = get_notification_client(namespace="default", sender="task")
client.send_event(Event("from-python", "v"))
client.close()
""")
    python = os.environ["AIFLOW_PYTHON"]
    (tmp_path / "w.yaml").write_text(f"""
name: w
tasks:
  shell:
    bash: {AIFLOW} event send from-shell v
  python:
    bash: {python} {tmp_path / "send.py"}
""")
    with make() as server:
        server.env["PYTHONPATH"] = os.path.join(os.environ["AIFLOW_SOURCE"], "sdk", "python")
        server.kill()
        server.start()
        server.cli("workflow", "upload", str(tmp_path / "w.yaml"))
        execution = server.start_execution("w")
        ended = server.wait_for_end(execution)
        assert ended == "SUCCESS", [server.cli("logs", str(execution), task).stdout
                                    for task in ("shell", "python")]
    for key in ("from-shell", "from-python"):
        assert len(notification.rows("event", "list", key, "-s", notification.uri)) == 1


def test_a_server_of_another_machine_needs_a_token_for_servers_and_is_told(pair, tmp_path):
    notification, make = pair
    assert "notification token add NAME --server" in make(notification_token_file="").refusal()
    client = tmp_path / "client"
    client.write_text(notification.cli("token", "add", "client").stdout)
    client.chmod(0o600)
    refused = make(notification_token_file=client, notification_server="remote").refusal()
    assert "for clients" in refused and "notification token add NAME --server" in refused
    client.chmod(0o644)
    assert "chmod 600" in make(notification_token_file=client).refusal()
    plain = make(notification_tls_ca_file="").refusal()
    assert "notification_token_file" in plain and "TLS only" in plain
    assert notification.rows("consumer", "list") == [], "nobody has claimed the log"
    assert [row["for"] for row in notification.rows("token", "list")] == ["server", "clients"]
