"""Attempts as processes of this machine that outlive the plug-in.

For plug-ins whose platform is reached by starting a process here: a sandbox, a container runtime
without a daemon, a command line that waits. Between the plug-in and the command is a small keeper
process of its own session, which stops the command, ends what it leaves behind and writes down how
it ended. Where something dies:

- the plug-in: keeper and command go on; the next plug-in finds them by `find`.
- the keeper: what is left of the attempt is killed, and it counts as ended while unobserved, unless
  the command wrote AIFLOW_RESULT_FILE.
- the machine: the attempt ended while unobserved.

All functions may be called from any thread. What a command prints goes to the attempt's log by
itself, so nothing masks it: a plug-in that uses this does not mask secrets.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ai_flow.executor import keeper
from ai_flow.executor.attempt import Attempt, Command
from ai_flow.executor.outcome import MAX_OUTPUT_BYTES, NotStarted, Outcome, one_line

_USUAL_UMASK = 0o022
_MAX_RESULT_BYTES = 8192


def start(
    attempt: Attempt,
    command: Command,
    argv: Optional[Sequence[str]] = None,
    env: Optional[Dict[str, str]] = None,
) -> str:
    """Starts `argv` (default: the command's) with `env` (default: `command.prepare(attempt)`) in
    the attempt's working directory, and returns the number of its process as the handle. Raises
    NotStarted when the command cannot be executed."""
    try:
        env = command.prepare(attempt) if env is None else env
        os.makedirs(directory(attempt), mode=0o700, exist_ok=True)
    except OSError as error:
        raise NotStarted(f"cannot prepare the attempt: {error}") from error
    job = {
        "attempt_dir": attempt.attempt_dir,
        "argv": list(command.argv if argv is None else argv),
        "env": env,
        "cwd": attempt.working_dir or attempt.attempt_dir,
        "log": attempt.log_path,
        "signal_group": attempt.signal_group,
        "umask": int(env.get("AIFLOW_UMASK", oct(_USUAL_UMASK)), 8),
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", keeper.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdout:
        try:
            with process.stdin:
                process.stdin.write(json.dumps(job).encode("utf-8", "surrogateescape"))
        except BrokenPipeError:
            pass  # It has died: the answer says so.
        said = process.stdout.readline().decode("utf-8", "replace").strip()
    if said.startswith("error "):
        process.wait()
        raise NotStarted(one_line(said[len("error ") :]))
    # A keeper that died without a word may have claimed it, or will find that we have.
    handle = find(attempt)
    if handle is None:
        raise NotStarted("its start was given up before it ran")
    return handle


def find(attempt: Attempt) -> Optional[str]:
    """The handle of an attempt that was started, whether it still runs or not. None: it was not,
    and never will be, as its claim is ours now: a keeper that is only about to start loses it."""
    os.makedirs(directory(attempt), mode=0o700, exist_ok=True)
    nobody = {"version": 1, "keeper": 0, "keeper_start": 0, "leader": 0, "machine": ""}
    if keeper.publish(directory(attempt), keeper.CLAIM, nobody):
        return None
    claim = _claim(attempt)
    return str(claim["leader"]) if claim is not None and claim["leader"] else None


def wait(attempt: Attempt) -> Outcome:
    """Blocks until nothing of the attempt runs any more. Wakes by itself, without looking again and
    again."""
    claim = _claim(attempt)
    if claim is None:
        return Outcome(1, "its files are gone from " + attempt.attempt_dir)
    descriptor = _open_keeper(claim)
    if descriptor is not None:
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll()
        finally:
            os.close(descriptor)
        _reap(claim["keeper"])
    outcome = _read_json(attempt, keeper.OUTCOME)
    if outcome is None:
        _end_the_rest(attempt, claim)
    return _judge(attempt, outcome)


def stop(attempt: Attempt, grace: float, whom: Optional[str] = None) -> None:
    """Asks the keeper to stop the attempt: SIGTERM, `grace` seconds, SIGKILL for all that is left.
    Returns at once; `wait` tells the end. Asked again, it goes on as it was asked first. `whom`
    gets SIGTERM: "group", "leader" or "nobody" (the caller has signalled by himself); by default as
    the attempt says."""
    claim = _claim(attempt)
    if claim is None:
        return
    whom = whom or ("group" if attempt.signal_group else "leader")
    keeper.publish(directory(attempt), keeper.STOP, {"grace": grace, "signal": whom})
    descriptor = _open_keeper(claim)
    if descriptor is None:
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGUSR1)
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)


def read_output(path: str) -> bytes:
    """What is in the file that AIFLOW_OUTPUT names, or as much of it as shows that it is too large;
    nothing where there is no regular file."""
    try:
        return _read_file(path, MAX_OUTPUT_BYTES + 1) or b""
    except OSError:
        return b""


def parse_result(text: str) -> Tuple[Optional[int], str]:
    """What a command wrote to AIFLOW_RESULT_FILE: its exit code and its reason."""
    lines = text.splitlines()
    if not lines or not lines[0].strip().isdigit() or int(lines[0]) > 255:
        return None, ""
    return int(lines[0]), one_line(lines[1]) if len(lines) > 1 else ""


def directory(attempt: Attempt) -> str:
    """Where the files of the attempt's keeper are: nothing else may write there."""
    return os.path.join(attempt.attempt_dir, "keeper")


def _read_json(attempt: Attempt, name: str) -> Optional[Dict[str, Any]]:
    try:
        with open(os.path.join(directory(attempt), name), encoding="ascii") as file:
            value = json.load(file)
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _claim(attempt: Attempt) -> Optional[Dict[str, Any]]:
    return _read_json(attempt, keeper.CLAIM)


def _open_keeper(claim: Dict[str, Any]) -> Optional[int]:
    """A descriptor of the keeper's process; None: it has ended."""
    if not claim["keeper"] or claim["machine"] != keeper.machine():
        return None
    try:
        descriptor = os.pidfd_open(claim["keeper"])
    except ProcessLookupError:
        return None
    # Compared only now: what the descriptor holds keeps its number.
    if keeper.start_time(claim["keeper"]) != claim["keeper_start"]:
        os.close(descriptor)
        return None
    return descriptor


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass  # An earlier plug-in has started it.


def _judge(attempt: Attempt, outcome: Optional[Dict[str, Any]]) -> Outcome:
    try:
        raw = _read_file(attempt.result_file, _MAX_RESULT_BYTES) or b""
    except OSError:
        raw = b""
    own_code, own_reason = parse_result(raw.decode("utf-8", "replace"))
    if outcome is None and own_code is None:
        return Outcome(1, "ended while unobserved")
    if outcome is not None and outcome["error"]:
        return Outcome(outcome["exit_code"] or 127, outcome["error"])
    if outcome is not None and outcome["signal"]:
        return Outcome.of_signal(outcome["signal"], own_reason)
    code = int(own_code or 0) if outcome is None else int(outcome["exit_code"])
    return Outcome.of_exit(code, own_reason, read_output(attempt.output_file))


def _read_file(path: str, limit: int) -> Optional[bytes]:
    """At most `limit` bytes; None: there is no such file. OSError: it is no regular one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not os.path.isfile(f"/proc/self/fd/{descriptor}"):
            raise OSError(f"{path} is no regular file")
        return file.read(limit)


def _end_the_rest(attempt: Attempt, claim: Dict[str, Any]) -> None:
    """The keeper is gone without a word: kills what it kept."""
    if claim["machine"] != keeper.machine():
        return
    pause = 0.001
    while True:
        alive = [pid for pid in _processes() if _belongs(pid, attempt, claim)]
        if not alive:
            return
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        time.sleep(pause)
        pause = min(pause * 2, 0.1)


def _processes() -> List[int]:
    return [
        int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()
    ]


def _belongs(pid: int, attempt: Attempt, claim: Dict[str, Any]) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read().split(b"\0")
    except OSError:
        return False
    if fields[0] in (b"Z", b"X"):
        return False
    if f"AIFLOW_ATTEMPT_DIR={attempt.attempt_dir}".encode() in environment:
        return True
    # While a member of its session lives, the leader's number is not given to another process.
    leader_start = keeper.start_time(claim["leader"])
    return (
        claim["leader"] > 0
        and int(fields[3]) == claim["leader"]
        and leader_start in (None, claim["leader_start"])
        and not any(entry.startswith(b"AIFLOW_ATTEMPT_DIR=") for entry in environment)
    )
