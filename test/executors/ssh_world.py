"""Another machine: a network namespace with an sshd of its own. Nothing of this system is touched
but what goes away with the namespace; its files are this machine's."""

import os
import shutil
import signal
import subprocess
import time

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
IP = shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

CONFIG = """
Port {port}
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
"""


def missing():
    """What there is not, to run this; empty: nothing."""
    if SSHD is None or shutil.which("ssh") is None:
        return "sshd and ssh (Debian: openssh-server, openssh-client)"
    if IP is None:
        return "ip (Debian: iproute2)"
    if os.geteuid() != 0:
        return "root, for a network namespace"
    name = f"aiflow-try-{os.getpid()}"
    tried = subprocess.run([IP, "netns", "add", name], stderr=subprocess.PIPE, text=True)
    if tried.returncode != 0:
        return "network namespaces: " + tried.stderr.strip()
    subprocess.run([IP, "netns", "delete", name], check=True)
    return ""


class OtherMachine:
    """`with OtherMachine(folder) as machine`: `machine.config` is for the ssh executor."""

    def __init__(self, folder):
        self.folder = folder
        number = os.getpid()
        self.namespace = f"aiflow-{number}"
        self.link = f"af{number}"
        network = f"10.{200 + number // 16384 % 50}.{number // 64 % 256}"
        self.here = f"{network}.{number % 64 * 4 + 1}"
        self.address = f"{network}.{number % 64 * 4 + 2}"
        self.port = 2222
        self.sshd = None

    def __enter__(self):
        self.folder.mkdir(parents=True)
        for name in ("host_key", "key"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name))
        host_key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(f"[{self.address}]:{self.port} {host_key}\n")
        (self.folder / "sshd_config").write_text(
            CONFIG.format(port=self.port, address=self.address, folder=self.folder)
        )
        _run(IP, "netns", "add", self.namespace)
        try:
            peer = self.link + "p"
            _run(IP, "link", "add", self.link, "type", "veth", "peer", "name", peer)
            _run(IP, "link", "set", peer, "netns", self.namespace)
            _run(IP, "address", "add", self.here + "/30", "dev", self.link)
            _run(IP, "link", "set", self.link, "up")
            _run(IP, "-n", self.namespace, "address", "add", self.address + "/30", "dev", peer)
            _run(IP, "-n", self.namespace, "link", "set", peer, "up")
            _run(IP, "-n", self.namespace, "link", "set", "lo", "up")
            self.start_sshd()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if self.sshd is not None:
            self.sshd.wait()
        subprocess.run([IP, "netns", "delete", self.namespace], check=True)
        subprocess.run([IP, "link", "delete", self.link], stderr=subprocess.DEVNULL)

    @property
    def config(self):
        return {
            "host": self.address,
            "port": self.port,
            "user": "root",
            "identity_file": str(self.folder / "key"),
            "known_hosts_file": str(self.known_hosts),
            "directory": str(self.folder / "over there"),
            "options": ["ServerAliveInterval=1", "ConnectTimeout=2"],
        }

    def start_sshd(self):
        # Its directory for privilege separation is in a /run that only it sees.
        script = 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$0" -D -e -f "$1"'
        command = [IP, "netns", "exec", self.namespace, "unshare", "-m", "sh", "-c", script]
        with open(self.folder / "sshd.log", "ab") as log:
            self.sshd = subprocess.Popen(
                [*command, SSHD, str(self.folder / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while subprocess.run(self.ssh("true"), stderr=subprocess.DEVNULL).returncode != 0:
            assert time.monotonic() < deadline, (self.folder / "sshd.log").read_text()

    def kill_sshd(self):
        """With all its connections; what was started over them lives on, if it can."""
        for pid in self.processes():
            if _name(pid).startswith("sshd"):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.sshd.wait()

    def unplug(self):
        _run(IP, "link", "set", self.link, "down")

    def plug(self):
        _run(IP, "link", "set", self.link, "up")

    def processes(self):
        found = subprocess.run(
            [IP, "netns", "pids", self.namespace], check=True, stdout=subprocess.PIPE, text=True
        )
        return [int(pid) for pid in found.stdout.split()]

    def ssh(self, command):
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=2"]
        options += [f"UserKnownHostsFile={self.known_hosts}"]
        words = ["ssh", "-i", str(self.folder / "key"), "-p", str(self.port), "-l", "root"]
        for option in options:
            words += ["-o", option]
        return [*words, self.address, command]


def _name(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read()
    except OSError:
        return ""


def _run(*command):
    subprocess.run(command, check=True)
