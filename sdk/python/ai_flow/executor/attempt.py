"""What a plug-in is given: an attempt, and the command that `submit` starts."""

import json
import os
import threading
from dataclasses import dataclass, field, fields
from typing import Callable, Dict, List, Mapping, Tuple

from ai_flow.executor.attempt_log import AttemptLog
from ai_flow.executor.masking import mask

RESULT_FILE = "result"
OUTPUT_FILE = "output"
# The plug-in's own variables are no business of the commands it runs.
_OWN_PREFIX = "AIFLOW_EXECUTOR_"


@dataclass(frozen=True)
class Attempt:
    """One try of one run of a task: all that survives the plug-in. Immutable; its methods are
    thread-safe.

    key            digits and dashes, at most 80 bytes, unique for ever in the server's home: call
                   the thing on the platform by it
    namespace, workflow, task   for people
    working_dir    absolute, on this machine; shared by the tasks of the execution
    bundle_dir     the uploaded files, read-only; empty: the command needs none
    attempt_dir    for the plug-in's own files about this attempt; the server removes it some time
                   after the end
    log_path       where what the command prints belongs: see `log`
    log_max_bytes  of its end so much is kept, which the base class sees to; 0: all
    stop_grace     seconds between the signal and the kill
    signal_group   SIGTERM goes to the whole process group, or to its leader only
    secrets        values that no log, reason and output may show. Never on disk: a plug-in that was
                   restarted does not know them, and `secrets_lost` says so
    """

    key: str
    token: str = ""
    namespace: str = "default"
    workflow: str = ""
    task: str = ""
    working_dir: str = ""
    bundle_dir: str = ""
    attempt_dir: str = ""
    log_path: str = ""
    log_max_bytes: int = 0
    stop_grace: float = 60.0
    signal_group: bool = True
    has_secrets: bool = False
    secrets: Tuple[str, ...] = field(default=(), repr=False)
    _shared: "_Shared" = field(default_factory=lambda: _Shared(), repr=False, compare=False)

    @property
    def secrets_lost(self) -> bool:
        return self.has_secrets and not self.secrets

    @property
    def log(self) -> AttemptLog:
        """The attempt's log: `attempt.log.write(...)`."""
        with self._shared.lock:
            if not self._shared.logs:
                log = AttemptLog(self.log_path, self.secrets, self.secrets_lost)
                self._shared.logs.append(log)
            return self._shared.logs[0]

    def mask(self, text: str) -> str:
        """`text` without the attempt's secrets, as far as they are known: see `secrets_lost`."""
        return mask(text, self.secrets)

    def report_running(self) -> None:
        """For a plug-in with `running_when_submitted = False`: it runs from now on. Called in
        `wait`, as often as you like."""
        self._shared.on_running()

    @property
    def result_file(self) -> str:
        """AIFLOW_RESULT_FILE, on this machine."""
        return os.path.join(self.attempt_dir, RESULT_FILE)

    @property
    def output_file(self) -> str:
        """AIFLOW_OUTPUT, on this machine."""
        return os.path.join(self.attempt_dir, OUTPUT_FILE)

    def to_json(self) -> str:
        """What is kept of it: no secret."""
        kept = [f.name for f in fields(self) if f.name not in ("secrets", "_shared")]
        return json.dumps({name: getattr(self, name) for name in kept})

    @staticmethod
    def from_json(text: str) -> "Attempt":
        return Attempt(**json.loads(text))


class _Shared:
    """What the copies of an attempt have in common."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.logs: List[AttemptLog] = []
        self.on_running: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Command:
    """What an attempt executes: for `submit` alone, as nothing of it is kept on disk.

    argv   the first is looked up in PATH
    env    complete but for what the platform has, and for AIFLOW_ATTEMPT_DIR, AIFLOW_RESULT_FILE
           and AIFLOW_OUTPUT, paths that the command can write. Values may be secrets
    files  environment variable -> contents of a file whose path the variable has to hold
    """

    argv: Tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def prepare(self, attempt: Attempt) -> Dict[str, str]:
        """For a command that sees the files of this machine: writes `files` to the attempt
        directory, and returns the complete environment, that of this process included. Raises
        OSError."""
        os.makedirs(attempt.attempt_dir, mode=0o700, exist_ok=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith(_OWN_PREFIX)}
        env.update(self.env)
        env.update(
            AIFLOW_ATTEMPT_DIR=attempt.attempt_dir,
            AIFLOW_LOG_FILE=attempt.log_path,
            AIFLOW_RESULT_FILE=attempt.result_file,
            AIFLOW_OUTPUT=attempt.output_file,
        )
        for variable, contents in self.files.items():
            env[variable] = os.path.join(attempt.attempt_dir, "env." + variable)
            _write(env[variable], contents)
        return env


def _write(path: str, contents: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(contents)
