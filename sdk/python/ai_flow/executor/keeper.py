"""Keeps one attempt on this machine: `python -I -S keeper.py` with a JSON object on stdin.

A process of its own session, between the plug-in and the command, so that the command outlives the
plug-in and its end is not lost. It imports nothing but the standard library, as it has to be small.
Its files are in the directory `keeper` below the attempt's:

    claim    JSON: who has the right to be this attempt. Made by a link of a complete file: whoever
             finds it there has lost, and runs nothing
    stop     JSON: stop was asked for; then SIGUSR1 wakes the keeper
    outcome  JSON: how the command ended; renamed into place, its space was reserved

It answers on stdout with one line: `ok`, `lost`, or `error REASON`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes as long to import as all the rest
    from typing import Any, NoReturn

CLAIM, STOP, OUTCOME = "claim", "stop", "outcome"
_RESERVED_BYTES = 8192
_PR_SET_CHILD_SUBREAPER = 36
_LONGEST_ARGUMENT = 131071
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def start_time(pid: int) -> int | None:
    """In clock ticks since boot; None: there is no such process, or it is a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def machine() -> str:
    """Tells boots and pid namespaces apart: where process numbers mean the same."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    return f"{boot} {os.stat('/proc/self/ns/pid').st_ino}"


def publish(directory: str, name: str, value: dict[str, Any]) -> bool:
    """Makes the file `name`, complete, unless it exists. False: it does."""
    draft = os.path.join(directory, f"{name}.{os.getpid()}")
    with open(draft, "w") as file:
        json.dump(value, file)
    try:
        os.link(draft, os.path.join(directory, name))
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    return True


class Keeper:
    def __init__(self, job: dict[str, Any]) -> None:
        self._job = job
        self._dir = os.path.join(job["attempt_dir"], "keeper")
        self._leader = 0
        self._status: int | None = None  # of the leader: its exit code, or minus its signal
        self._stop_asked = False
        self._deadline: float | None = None
        self._killed = False

    def run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGUSR1])
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        # What the command leaves behind becomes our child: nothing gets away.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        go_read, go_write = os.pipe()
        note_read, note_write = os.pipe()
        self._leader = os.fork()
        if self._leader == 0:
            os.close(go_write)
            os.close(note_read)
            self._child(go_read, note_write)
        os.close(go_read)
        os.close(note_write)
        if not publish(self._dir, CLAIM, self._claim()):
            self._say("lost")
            return  # the child sees the end of the pipe, and ends
        self._reserve()
        os.write(go_write, b"g")
        os.close(go_write)
        with os.fdopen(note_read, errors="replace") as notes:
            error = notes.read()  # until the command is executed
        self._say("error " + error if error else "ok")
        self._watch()
        self._write_outcome(error)

    def _claim(self) -> dict[str, Any]:
        me = os.getpid()
        return {
            "version": 1,
            "keeper": me,
            "keeper_start": start_time(me),
            "leader": self._leader,
            "leader_start": start_time(self._leader),
            "machine": machine(),
        }

    @staticmethod
    def _say(line: str) -> None:
        try:
            os.write(1, (line.replace("\n", " ") + "\n").encode("utf-8", "replace"))
        except OSError:
            pass  # The plug-in is gone; another one finds the claim.
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 1)

    # ---- The command.

    def _child(self, go: int, notes: int) -> NoReturn:
        try:
            if os.read(go, 1):
                self._execute()
        except BaseException as error:
            os.write(notes, self._why(error).encode("utf-8", "replace"))
        os._exit(127)

    def _execute(self) -> None:
        os.setsid()
        for number in (
            signal.SIGTERM,
            signal.SIGINT,
            signal.SIGHUP,
            signal.SIGQUIT,
            signal.SIGPIPE,
        ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        log = self._job["log"]
        os.makedirs(os.path.dirname(log), exist_ok=True)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.umask(self._job["umask"])
        directory = self._job["cwd"]
        try:
            os.makedirs(directory, exist_ok=True)
        except OSError as error:
            raise OSError(f"cannot make directory {directory}: {error.strerror}") from None
        os.chdir(directory)
        argv = self._job["argv"]
        os.execvpe(argv[0], argv, self._job["env"])

    def _why(self, error: BaseException) -> str:
        if not isinstance(error, OSError) or error.errno is None:
            return str(error) or type(error).__name__
        argv, env = self._job["argv"], self._job["env"]
        text = f"cannot run {argv[0][:200]}: {error.strerror}"
        if error.errno == 7:  # E2BIG
            size = sum(len(a) + 9 for a in argv) + sum(len(k) + len(v) + 10 for k, v in env.items())
            text += (
                f" (arguments and environment take {size} bytes; one may have {_LONGEST_ARGUMENT}"
            )
            text += f", all together about {os.sysconf('SC_ARG_MAX')}: pass large values by file)"
        return text

    # ---- Its end.

    def _watch(self) -> None:
        """Returns when nothing of the attempt exists any more but the leader, which has ended."""
        while True:
            self._reap()
            if self._status is not None and not self._others():
                return
            self._look_for_stop()
            timeout = None if self._deadline is None or self._killed else self._until_deadline()
            if self._status is not None and not self._is_patient():
                self._kill()
                timeout = 0.05  # a child of what was killed becomes ours a little later
            wanted = [signal.SIGCHLD, signal.SIGUSR1]
            if timeout is None:
                signal.sigwaitinfo(wanted)
            else:
                signal.sigtimedwait(wanted, timeout)
            if self._deadline is not None and self._until_deadline() <= 0:
                self._kill()

    def _reap(self) -> None:
        """All but the leader: as a zombie it keeps the group's number from being used again."""
        if self._status is None:
            info = os.waitid(os.P_PID, self._leader, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if info is not None:
                ended = info.si_code == os.CLD_EXITED
                self._status = info.si_status if ended else -info.si_status
        for pid in self._others():
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass

    def _others(self) -> list[int]:
        me = os.getpid()
        try:
            with open(f"/proc/{me}/task/{me}/children") as file:
                pids = [int(text) for text in file.read().split()]
        except OSError:
            pids = _children_by_stat(me)
        return [pid for pid in pids if pid != self._leader]

    def _look_for_stop(self) -> None:
        if self._stop_asked:
            return
        try:
            with open(os.path.join(self._dir, STOP)) as file:
                stop = json.load(file)
        except FileNotFoundError:
            return
        self._stop_asked = True
        self._deadline = time.monotonic() + float(stop["grace"])
        if self._status is None:
            self._signal(signal.SIGTERM, stop["signal"])

    def _signal(self, number: int, whom: str) -> None:
        try:
            if whom == "group":
                os.killpg(self._leader, number)
            elif whom == "leader":
                os.kill(self._leader, number)
        except ProcessLookupError:
            pass

    def _is_patient(self) -> bool:
        """What got the signal with its leader has the same grace to end by itself."""
        return bool(
            self._deadline is not None
            and self._job["signal_group"]
            and not self._killed
            and self._until_deadline() > 0
        )

    def _until_deadline(self) -> float:
        return max(0.0, (self._deadline or 0.0) - time.monotonic())

    def _kill(self) -> None:
        self._killed = True
        self._signal(signal.SIGKILL, "group")
        for pid in self._others():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def _reserve(self) -> None:
        with open(os.path.join(self._dir, "outcome.draft"), "wb") as file:
            file.write(b" " * _RESERVED_BYTES)

    def _write_outcome(self, error: str) -> None:
        status = self._status or 0
        outcome = {"exit_code": status if status >= 0 else 128 - status, "error": error[:4000]}
        outcome["signal"] = -status if status < 0 else 0
        draft = os.path.join(self._dir, "outcome.draft")
        with open(draft, "r+b") as file:
            file.write(json.dumps(outcome).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, os.path.join(self._dir, OUTCOME))


def _children_by_stat(parent: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    if int(file.read().rpartition(b")")[2].split()[1]) == parent:
                        found.append(int(name))
            except OSError:
                continue
    return found


if __name__ == "__main__":
    Keeper(json.load(sys.stdin)).run()
