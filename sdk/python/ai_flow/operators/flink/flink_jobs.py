"""The jobs of a Flink cluster: an interface, and one that asks `flink` itself."""

import logging
import subprocess
from typing import Callable, Dict, List, Optional

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.operators.flink.flink_command import (
    FlinkSettings,
    cancel_command,
    list_command,
    listed_jobs,
    savepoint_path,
    stop_command,
)
from ai_flow.operators.tool.failure_reason import root_cause

# A JVM's start on a busy machine, and what it has to ask.
CLIENT_TIMEOUT_SECONDS = 180.0

# Nothing of the job runs, or will.
ENDED = ("FINISHED", "FAILED", "CANCELED")


class ClusterUnreachable(AIFlowException):
    """Nobody answered; that may pass."""


class FlinkRefusal(AIFlowException):
    """The cluster does not do what it was asked for."""


class SavepointFailed(FlinkRefusal):
    """The job goes on."""


class FlinkJobs:
    """What the operator asks of a cluster. Each raises ClusterUnreachable or FlinkRefusal."""

    def state(self, job_id: str) -> Optional[str]:
        """One of Flink's job states; None when the cluster knows no such job."""
        raise NotImplementedError

    def failure(self, job_id: str) -> Optional[str]:
        """Why it failed, in one line."""
        raise NotImplementedError

    def cancel(self, job_id: str) -> None:
        """Asks for it; `state` tells when it is done."""
        raise NotImplementedError

    def stop_with_savepoint(self, job_id: str, deadline: float) -> str:
        """The path of the savepoint. SavepointFailed when there is none, or not before `deadline`
        (of time.monotonic)."""
        raise NotImplementedError


class ClientJobs(FlinkJobs):
    """Asks by `flink list`, `flink cancel` and `flink stop`, which find clusters of any kind. Each
    call is a JVM."""

    def __init__(
        self,
        executable: str,
        settings: FlinkSettings,
        log: logging.Logger,
        yarn_id: Callable[[], Optional[str]] = lambda: None,
    ):
        """`yarn_id` tells the YARN application of the cluster as soon as it is known."""
        self._executable = executable
        self._settings = settings
        self._log = log
        self._yarn_id = yarn_id

    def __str__(self) -> str:
        return f"the Flink cluster ({self._settings.target or 'default target'})"

    def all_states(self) -> Dict[str, str]:
        return listed_jobs(
            self._run(list_command(self._executable, self._settings, self._yarn_id()))
        )

    def state(self, job_id: str) -> Optional[str]:
        return self.all_states().get(job_id)

    def failure(self, job_id: str) -> Optional[str]:
        return None  # The client does not tell.

    def cancel(self, job_id: str) -> None:
        self._run(cancel_command(self._executable, self._settings, self._yarn_id(), job_id))

    def stop_with_savepoint(self, job_id: str, deadline: float) -> str:
        try:
            said = self._run(
                stop_command(self._executable, self._settings, self._yarn_id(), job_id)
            )
        except FlinkRefusal as error:
            raise SavepointFailed(*error.args) from None
        path = savepoint_path(said)
        if path is None:
            raise SavepointFailed("`flink stop` tells no path")
        return path

    def _run(self, command: List[str]) -> str:
        what = f"`flink {command[1]}`"
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=CLIENT_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ClusterUnreachable(f"{what} takes over {CLIENT_TIMEOUT_SECONDS:g} s") from None
        except OSError as error:
            raise FlinkRefusal(f"cannot run {command[0]}: {error.strerror}") from None
        said = done.stdout.decode("utf-8", "replace")
        if done.returncode == 0:
            return said
        reason = root_cause(said) or f"exit code {done.returncode}"
        self._log.info("%s ended with %d: %s", what, done.returncode, reason)
        kind = FlinkRefusal if command[1] != "list" else ClusterUnreachable
        raise kind(f"{what}: {reason}")
