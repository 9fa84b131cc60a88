"""One job at a cluster: waits for its end, and ends it."""

import logging
import threading
import time
from typing import Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.operators.flink.flink_jobs import (
    ENDED,
    ClusterUnreachable,
    FlinkJobs,
    FlinkRefusal,
)
from ai_flow.operators.tool.submitted import Submitted

# How long a cluster may say nothing while a job is waited for: a JobManager may be replaced.
UNREACHABLE_SECONDS = 300.0
# How long it may not know a job that it had accepted, for instance while it recovers its jobs.
UNKNOWN_SECONDS = 60.0
# How long after the client's death a job may appear that the cluster was about to accept.
APPEAR_SECONDS = 5.0
_STOP_POLL_SECONDS = 0.5


class JobLost(AIFlowException):
    """What became of the job cannot be told; it may run."""


class FlinkJob(Submitted):
    """A job by its id. `await_end` is for the main thread, `end` for that of the stop hook, which
    sets `stopping` first."""

    def __init__(
        self, job_id: str, jobs: FlinkJobs, log: logging.Logger, stopping: threading.Event
    ):
        self.id = job_id
        self._jobs = jobs
        self._log = log
        self._stopping = stopping

    def __str__(self) -> str:
        return f"job {self.id} of {self._jobs}"

    def state(self, patience: Optional[float] = None) -> Optional[str]:
        """None when the cluster does not know it. JobLost when nobody answers for so many seconds,
        UNREACHABLE_SECONDS unless given."""
        patience = UNREACHABLE_SECONDS if patience is None else patience
        end = time.monotonic() + patience
        while True:
            try:
                return self._jobs.state(self.id)
            except ClusterUnreachable as error:
                if time.monotonic() > end:
                    raise JobLost(f"{error}; job {self.id} may be running there") from None
                self._log.warning("%s; asking again", error)
                self._pause(min(5.0, max(0.1, patience / 10)))

    def await_end(self, interval: float, deadline: Optional[float] = None) -> Optional[str]:
        """JobLost when the cluster has forgotten it, or does not answer."""
        shown = None
        unknown_since = None
        while True:
            state = self.state()
            if state != shown:
                self._log.info("%s is %s", self, state or "unknown")
                shown = state
            if state in ENDED:
                return state
            now = time.monotonic()
            unknown_since = (unknown_since or now) if state is None else None
            if unknown_since is not None and now - unknown_since > UNKNOWN_SECONDS:
                raise JobLost(f"{self} is not known there any more; was the cluster restarted?")
            if deadline is not None and now >= deadline:
                return None
            self._pause(interval if deadline is None else min(interval, deadline - now))

    def failure(self) -> str:
        try:
            return self._jobs.failure(self.id) or "its log at the cluster tells why"
        except (ClusterUnreachable, FlinkRefusal) as error:
            return str(error)

    def end(self, with_savepoint: bool, accepted: bool, deadline: float) -> Optional[str]:
        appear = time.monotonic() + APPEAR_SECONDS
        asked = False
        problem = ""
        while True:
            try:
                state = self._jobs.state(self.id)
                if state in ENDED:
                    self._log.info("%s is %s", self, state)
                    return None
                if state is None and (accepted or time.monotonic() > appear):
                    self._log.info("%s: there is none to stop", self)
                    return None
                if state is not None and with_savepoint:
                    path = self._jobs.stop_with_savepoint(self.id, deadline)
                    self._log.info("%s was stopped with savepoint %s", self, path)
                    return path
                if state is not None and not asked:
                    self._jobs.cancel(self.id)
                    asked = True
            except (ClusterUnreachable, FlinkRefusal) as error:
                # Not all of its tasks run yet: that passes. That there is no place for savepoints
                # does not.
                if with_savepoint and type(error) is FlinkRefusal:
                    raise AIFlowException(f"{self} goes on, without a savepoint: {error}") from None
                if str(error) != problem:
                    problem = str(error)
                    self._log.warning("cannot stop job %s yet: %s", self.id, problem)
            if time.monotonic() > deadline:
                raise AIFlowException(
                    f"{self} was not stopped in time and may be running; stop it by hand"
                    + (f". The last problem: {problem}" if problem else "")
                )
            time.sleep(_STOP_POLL_SECONDS)

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise TaskForceStoppedException("stopped")
