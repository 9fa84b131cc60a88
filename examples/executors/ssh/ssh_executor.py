"""An executor of AIFlow: each attempt on another machine, by OpenSSH.

There a shell script (remote.sh, which this program puts there) starts the command in a session of
its own, so that it needs neither the connection nor this program. README.md lists the settings.
"""

import base64
import hashlib
import os
import re
import shlex
import stat
import subprocess
import tempfile
import threading

from ai_flow.executor import AttemptLost, ExecutorPlugin, NotStarted, Outcome, processes

SETTINGS = {
    "host": str,
    "user": str,
    "port": int,
    "identity_file": str,
    "known_hosts_file": str,
    "directory": str,
    "options": list,
}
# sshd lets 10 sessions share a connection.
MAX_SHARED_SESSIONS = 8
NO_SCRIPT = 97
SSH_FAILED = 255
CHUNK = 65536


class SshExecutor(ExecutorPlugin):
    description = "ssh executor 1.0 (OpenSSH)"

    def open(self):
        for name, value in self.config.items():
            if not isinstance(value, SETTINGS.get(name, ())):
                raise ValueError(f"config: no setting {name} with the value {value!r}")
        if not self.config.get("host"):
            raise ValueError("config: host is missing")
        self.host = self.config["host"]
        self.directory = self.config.get("directory", ".aiflow-executor")
        with open(
            os.path.join(os.path.dirname(os.path.abspath(__file__)), "remote.sh"), "rb"
        ) as file:
            self.script = file.read()
        name = "remote-" + hashlib.sha256(self.script).hexdigest()[:16] + ".sh"
        self.script_path = f"{self.directory}/{name}"
        self.sessions = threading.Semaphore(MAX_SHARED_SESSIONS)
        self.bundles = {}
        self.bundles_lock = threading.Lock()
        self.ssh = self.ssh_command()
        # A connection that outlives us is for who would make the same.
        self.connections = socket_directory(self.state_dir + repr(self.ssh))

    # ---- What the base class calls.

    def submit(self, attempt, command):
        if attempt.bundle_dir:
            self.send_bundle(attempt.bundle_dir)
        script = self.run_script(attempt, command)
        answer = self.remote("start", attempt, stdin=script).decode("utf-8", "replace").strip()
        if answer.startswith("no "):
            raise NotStarted(answer[3:])
        if not answer.startswith("ok "):
            raise OSError(f"start answered {answer!r}")
        return f"{self.host}:{attempt.key}"

    def find(self, attempt):
        found = self.remote("find", attempt).strip() == b"found"
        return f"{self.host}:{attempt.key}" if found else None

    def wait(self, attempt, handle):
        self.check(handle)
        while True:
            self.follow(attempt)
            answer = self.remote("finish", attempt, str(attempt.log.size()))
            if answer.strip() != b"alive":
                return self.outcome(attempt, answer)

    def cancel(self, attempt, handle, grace):
        self.check(handle)
        whom = "group" if attempt.signal_group else "leader"
        self.remote("stop", attempt, str(int(grace * 1000)), whom, shared=False)

    def forget(self, attempt, handle):
        self.check(handle)
        self.remote("forget", attempt)

    # ---- The command.

    def run_script(self, attempt, command):
        """Executed in the attempt's directory on the other machine."""
        lines = ["attempt=$PWD", f"umask {command.env.get('AIFLOW_UMASK', '022')}"]
        lines += [
            "fail() { printf 'no %s\\n' \"$1\" >&8; printf '%s\\n' \"$1\" >error; exit 127; }"
        ]
        if attempt.bundle_dir:
            lines += [f"bundle=$BUNDLES/{self.bundles[attempt.bundle_dir]}"]
        lines += ["unset BUNDLES"]
        for name, contents in command.files.items():
            encoded = base64.encodebytes(contents).decode("ascii")
            lines += [
                f"base64 -d >env.{name} <<'END' || fail 'cannot write env.{name}'",
                encoded + "END",
            ]
            lines += [f'export {name}="$attempt/env.{name}"']
        for name, value in command.env.items():
            if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
                raise NotStarted(f"a shell cannot export the variable {name!r}")
            lines += [f"export {name}={self.quote(attempt, value)}"]
        lines += ['export AIFLOW_ATTEMPT_DIR="$attempt" AIFLOW_RESULT_FILE="$attempt/result"']
        lines += ['export AIFLOW_OUTPUT="$attempt/output" AIFLOW_LOG_FILE="$attempt/log"']
        work, program = shlex.quote(attempt.working_dir), self.quote(attempt, command.argv[0])
        lines += [
            f'mkdir -p -- {work} && cd -- {work} || fail "cannot make directory "{work}',
            f'command -v -- {program} >/dev/null || fail "cannot run "{program}": not found"',
            "printf 'ok %s\\n' $$ >&8",
            "exec 8>&-",
            "exec " + " ".join(self.quote(attempt, word) for word in command.argv),
            "# complete\n",
        ]
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    @staticmethod
    def quote(attempt, text):
        """One word for the shell. Paths of the bundle are other ones over there."""
        bundle = attempt.bundle_dir
        if bundle and (text == bundle or text.startswith(bundle + "/")):
            return '"$bundle"' + shlex.quote(text[len(bundle) :])
        return shlex.quote(text)

    def send_bundle(self, path):
        """The files, unless they are there. They never change, so that each is read once."""
        with self.bundles_lock:
            digest = self.bundles.get(path)
            if digest is None:
                summed = hashlib.sha256()
                with tar(path) as process:
                    while chunk := process.stdout.read(CHUNK):
                        summed.update(chunk)
                if process.returncode != 0:
                    raise NotStarted(f"cannot read the files of the upload in {path}")
                digest = summed.hexdigest()
            if path not in self.bundles:
                if self.run("has", "0", digest).strip() != b"yes":
                    with tar(path) as process:
                        self.run("put", "0", digest, stdin=process.stdout)
                self.bundles[path] = digest

    # ---- Its end.

    def follow(self, attempt):
        """Copies the log, until there will be no more of it."""
        # Our end of its stdin tells the other machine that we are gone.
        command = self.command("follow", attempt.key, str(attempt.log.size()), shared=False)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            while chunk := process.stdout.read1(CHUNK):
                attempt.log.write(chunk)
        if process.returncode == SSH_FAILED:
            raise OSError(f"the connection to {self.host} was lost")

    def outcome(self, attempt, answer):
        _, ended, error, result, output, log = answer.split(b"\n", 5)
        attempt.log.write(log)
        error, result, output = (base64.b64decode(text) for text in (error, result, output))
        if ended == b"never":
            raise AttemptLost(f"{self.host} knows nothing of the attempt")
        if error:
            return Outcome(127, error.decode("utf-8", "replace"))
        code, reason = processes.parse_result(result.decode("utf-8", "replace"))
        if ended != b"unknown":
            return Outcome.of_shell(int(ended), reason, output)
        if code is None:
            return Outcome(1, f"ended while unobserved: its keeper on {self.host} was killed")
        return Outcome.of_exit(code, reason, output)

    # ---- ssh.

    def ssh_command(self):
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10"]
        options += ["ServerAliveInterval=15", "ServerAliveCountMax=3"]
        if "known_hosts_file" in self.config:
            options += ["UserKnownHostsFile=" + self.config["known_hosts_file"]]
        if "identity_file" in self.config:
            options += ["IdentitiesOnly=yes", "IdentityFile=" + self.config["identity_file"]]
        command = ["ssh", "-T"]
        # Of several values of an option the first counts.
        for option in self.config.get("options", []) + options:
            command += ["-o", option]
        if "port" in self.config:
            command += ["-p", str(self.config["port"])]
        if "user" in self.config:
            command += ["-l", self.config["user"]]
        return command

    def command(self, verb, key, *arguments, shared):
        sharing = ["-o", "ControlPath=none"]
        if shared:
            sharing = ["-o", "ControlMaster=auto", "-o", "ControlPersist=60"]
            sharing += ["-o", f"ControlPath={self.connections}/%C"]
        path = shlex.quote(self.script_path)
        words = [verb, self.directory, self.home_id or "home", key, *arguments]
        words = " ".join(shlex.quote(word) for word in words)
        remote = f"test -f {path} || exit {NO_SCRIPT}; exec sh {path} {words}"
        return [*self.ssh, *sharing, "--", self.host, remote]

    def remote(self, verb, attempt, *arguments, stdin=b"", shared=True):
        return self.run(verb, attempt.key, *arguments, stdin=stdin, shared=shared)

    def run(self, verb, key, *arguments, stdin=b"", shared=True):
        command = self.command(verb, key, *arguments, shared=shared)
        for _ in range(2):
            given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
            with self.sessions if shared else threading.Lock():
                done = subprocess.run(command, capture_output=True, **given)
            if done.returncode != NO_SCRIPT:
                break
            self.install()
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise OSError(f"ssh {self.host} {verb}: exit code {done.returncode}: {''.join(said)}")
        return done.stdout

    def install(self):
        directory, path = shlex.quote(self.directory), shlex.quote(self.script_path)
        remote = f"umask 077; mkdir -p {directory} && cat >{path}.$$ && mv {path}.$$ {path}"
        command = [*self.ssh, "-o", "ControlPath=none", "--", self.host, remote]
        subprocess.run(command, input=self.script, check=True, capture_output=True)

    def check(self, handle):
        if not handle.startswith(self.host + ":"):
            raise ValueError(f"the attempt is {handle}, and the configuration says {self.host}")


def tar(path):
    """Byte for byte the same for the same files."""
    options = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"]
    return subprocess.Popen(["tar", "-C", path, *options, "-cf", "-", "."], stdout=subprocess.PIPE)


def socket_directory(purpose):
    """A socket's path has to be short, so it cannot be in the state directory."""
    name = "aiflow-ssh-" + hashlib.sha256(purpose.encode()).hexdigest()[:12]
    path = os.path.join(tempfile.gettempdir(), name)
    os.makedirs(path, mode=0o700, exist_ok=True)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o77:
        raise OSError(f"{path} has to be a directory of ours alone")
    return path


if __name__ == "__main__":
    SshExecutor.main()
