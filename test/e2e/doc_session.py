"""Runs the blocks of a page as a reader would: in order, in one shell, on a server of the page's own.

The page has a directory, which is the shell's and HOME too. There are the files that the page's blocks
are, and `examples`, `sdk` and `build/release` as in a checkout. The addresses of a default server, as
localhost:8000, are those of the page's server; its ports are set by variables of the environment.
"""

import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

import doc_blocks
from aiflow_server import AIFLOW, BINARIES, SOURCE, start_time

PAGE_LIMIT = 180.0  # seconds
SHELL = ("bash", "sh")
# What the documents say about making the checkout; other tests run it.
OF_THE_CHECKOUT = re.compile(r"^(\w+=\S+ )*scripts/(quickstart|test|build|setup|docs)\b")
# These run until they are ended: they get some seconds, then Ctrl-C.
ENDLESS = re.compile(r"^(aiflow event listen(?!.*--limit)|curl -N .*/stream|notification event listen)")
# A page whose first command is one of these begins without a server.
STARTS_ITSELF = re.compile(r"aiflow (standalone|server start|db init)|notification server start")
PORTS = {50051: "AIFLOW__SERVER__RPC_PORT", 8000: "AIFLOW__SERVER__REST_PORT",
         50000: "AIFLOW__SERVER__INTERNAL_RPC_PORT", 50052: None}

PRELUDE = r"""
set -eEo pipefail
curl() { command curl -fsS --max-time 60 "$@"; }
briefly() { timeout -s INT -k 5 2 "$@" || [[ $? == 124 || $? == 130 ]]; }
server_is_ready() {  # PID
  for ((i = 0; i < 1500; i++)); do
    grep -qs "\"pid\": *$1\b" "${AIFLOW_HOME:-$HOME/aiflow}/server.json" && return
    kill -0 "$1" || return
    sleep 0.02
  done
  return 1
}
until_ok() { for ((i = 0; i < 600; i++)); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done; "$@"; }
"""


def free_ports(count: int) -> list:
    """Ports that nobody uses, below those that the system gives away by itself."""
    ports = []
    while len(ports) < count:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


class Session:
    """One page. `run` returns what went wrong, or nothing."""

    def __init__(self, page: str, blocks: list, directory: pathlib.Path):
        self.page = page
        self.blocks = blocks
        self.directory = directory
        self.home = directory / "home"
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))

    def environment(self) -> dict:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AIFLOW", "NOTIFICATION"))}
        env.update({
            "HOME": str(self.home), "NO_COLOR": "1", "COLUMNS": "120", "AIFLOW_PYTHON": sys.executable,
            "PATH": f"{BINARIES}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(SOURCE / "sdk/python"), "PYTHONDONTWRITEBYTECODE": "1",
            "AIFLOW__SERVER__PYTHON_EXECUTABLE": sys.executable,
            "AIFLOW__SERVER__NOTIFICATION_SERVER_URI": f"127.0.0.1:{self.ports[50052]}",
            "AIFLOW__NOTIFICATION__SERVER_PORT": str(self.ports[50052]),
        })
        env["FLINK_HOME"] = str(doc_blocks.flink_home() or "")
        env.update({name: str(self.ports[port]) for port, name in PORTS.items() if name})
        return env

    def local(self, text: str) -> str:
        """With the addresses of the page's server."""
        return re.sub(r"\b(localhost|127\.0\.0\.1):(8000|5005[12])\b",
                      lambda match: f"{match[1]}:{self.ports[int(match[2])]}", text)

    def shell_text(self, text: str) -> str:
        lines = []
        for line in self.local(text).splitlines():
            if OF_THE_CHECKOUT.match(line):
                line = f": {shlex.quote(line)}"
            if ENDLESS.match(line):
                line = f"briefly {line}"
            lines.append(line)
            if re.match(r"aiflow standalone\b.*&\s*(#.*)?$", line):
                lines.append("server_is_ready $!")
        return "\n".join(lines) + "\n"

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commands(self, number: int, block) -> str:
        """The shell's part in a block; nothing when there is none."""
        if not block.runs:
            return ""
        mentioned = any(block.title in other.text for other in self.blocks if other.language in SHELL)
        if block.language in SHELL:
            path = self.write(f".blocks/{number}.sh", self.shell_text(block.text))
            if "exit code" in block.marks:
                return (f"set +e; source {path}; code=$?; set -e\n[[ $code == {block.marks['exit code']} ]] || "
                        f"{{ echo \"exit code $code\"; exit 1; }}")
            return f"source {path}"
        if block.language == "python":
            put, path = self.file(number, block, block.title or f"block{number}.py")
            if block.title and mentioned:
                return put
            if re.search(r"^with Workflow\(", block.text, re.MULTILINE):
                return f"{put}\naiflow workflow upload {path}"
            return f"{put}\npython3 {path}"
        if block.language == "yaml":
            return self.yaml_commands(number, block, mentioned)
        return self.file(number, block, block.title)[0] if block.title else ""

    def file(self, number: int, block, name: str) -> tuple:
        """The command that puts the block's text into its file, now: a page may show a file again, changed."""
        kept = self.write(f".blocks/{number}.file", self.local(block.text))
        folder, name = shlex.quote(os.path.dirname(name) or "."), shlex.quote(name)
        return f"mkdir -p {folder} && cp {kept} {name}", name

    def yaml_commands(self, number: int, block, mentioned: bool) -> str:
        workflow = re.search(r"^(- )?tasks:|^  tasks:", block.text, re.MULTILINE)
        if block.title.endswith("_server.yaml") or not block.title and not workflow:
            # Settings; those without a file's name are of the server.
            program = "notification" if block.title.startswith("notification") else "aiflow"
            path = self.write(f".blocks/home{number}/{block.title or 'aiflow_server.yaml'}", block.text)
            path.parent.chmod(0o700)
            return f"env -u AIFLOW_HOME {program} config show --home {path.parent}"
        put, path = self.file(number, block, block.title or f"block{number}.yaml")
        if not workflow:
            return put
        upload = "" if mentioned and block.title else f"\naiflow workflow upload {path}"
        return f"{put}\naiflow workflow validate {path}{upload}"

    def script(self) -> str:
        """The page as one script: each block's output goes to a file of its own."""
        steps = []
        for number, block in enumerate(self.blocks):
            commands = self.commands(number, block)
            if commands:
                steps.append(f"echo {number} >.blocks/at; exec >.blocks/{number}.out 2>&1\n{commands}\n")
        if not steps:
            return ""
        shell = "\n".join(block.text for block in self.blocks if block.language in SHELL and block.runs)
        first = re.search(r"^(?:aiflow (?!workflow validate)|notification ).*", shell, re.MULTILINE)
        begin = "aiflow standalone >.blocks/server.out 2>&1 &\nserver_is_ready $!\n"
        if first and STARTS_ITSELF.match(first[0]):
            begin = ""
        return PRELUDE + begin + "".join(steps)

    def run(self) -> str:
        for name, target in (("examples", SOURCE / "examples"), ("sdk", SOURCE / "sdk"),
                             ("docs", SOURCE / "docs"), ("build/release", BINARIES.parent)):
            (self.directory / name).parent.mkdir(parents=True, exist_ok=True)
            (self.directory / name).symlink_to(target)
        # The program of the page on C++, which the build has made of it.
        if any(block.title == "flow.cc" for block in self.blocks):
            shutil.copy2(BINARIES / "docs_batches", self.directory / "build/batches")
        self.home.mkdir()
        (self.directory / ".blocks").mkdir()
        script = self.script()
        if not script:
            return ""
        path = self.write(".blocks/page.sh", script)
        with open(self.directory / ".blocks/server.out", "ab") as out:
            shell = subprocess.Popen(["bash", str(path)], cwd=self.directory, env=self.environment(),
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        try:
            code = shell.wait(PAGE_LIMIT)
        except subprocess.TimeoutExpired:
            code = "no end"
        finally:
            self.end_all(shell)
        return self.failure(code) if code != 0 else self.wrong_output()

    def failure(self, code) -> str:
        at = self.directory / ".blocks/at"
        if not at.exists():
            return f"{self.page}: no server: {(self.directory / '.blocks/server.out').read_text()}"
        block = self.blocks[int(at.read_text())]
        output = (self.directory / f".blocks/{int(at.read_text())}.out").read_text()
        return f"{block.place}: {code}\n{block.text}\nprinted:\n{output}"

    def wrong_output(self) -> str:
        before = None
        for number, block in enumerate(self.blocks):
            if "output" in block.marks:
                assert before is not None, f"{block.place}: the output of what?"
                if not self.blocks[before].runs:
                    continue
                printed = (self.directory / f".blocks/{before}.out").read_text()
                if not says(block.text, printed):
                    return f"{block.place}: it printed:\n{printed}"
            elif block.title != "run" and block.language in (*SHELL, "python"):
                before = number
        return ""

    def processes(self) -> list:
        """Everything that has this HOME."""
        found = []
        for directory in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                environ = (directory / "environ").read_bytes().split(b"\0")
            except (OSError, ProcessLookupError):
                continue
            if f"HOME={self.home}".encode() in environ and start_time(int(directory.name)) is not None:
                found.append(int(directory.name))
        return found

    def end_all(self, shell):
        """Servers and tasks of the page, kindly first."""
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
        for home in self.home.parent.rglob("server.json"):
            subprocess.run([str(AIFLOW), "server", "stop", "--stop-tasks", "--home", str(home.parent)],
                           env=self.environment(), capture_output=True, timeout=90)
        end = time.monotonic() + 30
        while (left := self.processes()) and time.monotonic() < end:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGTERM if time.monotonic() < end - 28 else signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)


def says(expected: str, printed: str) -> bool:
    """Whether it is what was expected: blanks do not count, "..." is anything, alone in a line any lines."""
    def lines(text):
        return [" ".join(line.split()) for line in text.strip().splitlines()]

    def pattern(line):
        return re.compile(" *.* *".join(re.escape(part.strip()) for part in line.split("...")))

    # The places in `printed` up to which the expected lines so far can have come.
    there, reached = lines(printed), {0}
    for line in lines(expected):
        if line == "...":
            reached = set(range(min(reached), len(there) + 1)) if reached else set()
        else:
            wanted = pattern(line)
            reached = {place + 1 for place in reached if place < len(there) and wanted.fullmatch(there[place])}
    return len(there) in reached
