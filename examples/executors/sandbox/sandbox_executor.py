"""An executor of AIFlow: each attempt in a sandbox of its own, made by bubblewrap.

The command sees the machine's files read-only, an empty /tmp, and no process but its own. It can
write to its working directory, its attempt directory and what the configuration names. README.md
beside this file lists the settings.
"""

import os
import shutil
import signal
import sys

from ai_flow.executor import ExecutorPlugin, Outcome, processes

INIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sandbox_init.py")
SETTINGS = {"network": bool, "writable": list, "hidden": list, "limits": dict}


class SandboxExecutor(ExecutorPlugin):
    description = "sandbox executor 1.0 (bubblewrap)"

    def open(self):
        for name, value in self.config.items():
            if not isinstance(value, SETTINGS.get(name, ())):
                raise ValueError(f"config: no setting {name} with the value {value!r}")
        for program in ("bwrap", "prlimit"):
            if shutil.which(program) is None:
                raise ValueError(f"{program} is not installed (Debian: bubblewrap, util-linux)")

    def submit(self, attempt, command):
        environment = command.prepare(attempt)
        argv = self.sandbox(attempt) + self.limits() + list(command.argv)
        return processes.start(attempt, command, argv, environment)

    def find(self, attempt):
        return processes.find(attempt)

    def wait(self, attempt, handle):
        outcome = processes.wait(attempt)
        # The sandbox ends with 128 + N when the command was killed by signal N.
        if 128 < outcome.exit_code < 128 + 65 and outcome.reason.startswith("exit code"):
            _, _, own_reason = outcome.reason.partition(": ")
            return Outcome.of_signal(outcome.exit_code - 128, own_reason)
        return outcome

    def cancel(self, attempt, handle, grace):
        # SIGTERM to the group reaches the processes in the sandbox, too. To the command alone it is
        # passed on by the first process in there.
        if attempt.signal_group:
            processes.stop(attempt, grace, "group")
            return
        processes.stop(attempt, grace, "nobody")
        for first in children(int(handle)):
            os.kill(first, signal.SIGTERM)

    def pid(self, handle):
        return int(handle)

    def sandbox(self, attempt):
        # bwrap itself does not end by the SIGTERM that its whole group gets.
        argv = ["env", "--ignore-signal=TERM", "bwrap", "--die-with-parent", "--as-pid-1"]
        argv += ["--unshare-pid", "--unshare-ipc", "--unshare-uts"]
        if not self.config.get("network", True):
            argv += ["--unshare-net"]
        argv += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
        for path in self.config.get("hidden", []):
            argv += ["--tmpfs", path]
        for path in self.config.get("writable", []):
            argv += ["--bind", path, path]
        if attempt.bundle_dir:
            argv += ["--ro-bind", attempt.bundle_dir, attempt.bundle_dir]
        for path in (attempt.working_dir, attempt.attempt_dir):
            argv += ["--bind", path, path]
        # How it ends is written down by the keeper outside, and by nobody in here.
        kept = processes.directory(attempt)
        argv += ["--ro-bind", kept, kept, "--ro-bind", INIT, INIT]
        argv += ["--chdir", attempt.working_dir, "--"]
        whom = "group" if attempt.signal_group else "leader"
        return argv + [sys.executable, "-I", "-S", INIT, whom, os.path.join(kept, "stop")]

    def limits(self):
        limits = [f"--{name}={value}" for name, value in self.config.get("limits", {}).items()]
        return ["prlimit", *limits, "--"] if limits else []


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    SandboxExecutor.main()
