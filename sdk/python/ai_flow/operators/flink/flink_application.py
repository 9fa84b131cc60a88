"""A Flink application that has a cluster of its own: on YARN, on Kubernetes."""

import logging
import subprocess
import threading
import time
from typing import Dict, Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.operators.flink.flink_command import FlinkSettings, delete_deployment_command
from ai_flow.operators.flink.flink_jobs import (
    CLIENT_TIMEOUT_SECONDS,
    ClientJobs,
    ClusterUnreachable,
    FlinkRefusal,
)
from ai_flow.operators.tool.submitted import Submitted
from ai_flow.operators.tool.yarn import YarnApplication

# How long the cluster may not answer; that of a deployment whose pod has to be placed first.
UNREACHABLE_SECONDS = 300.0
_STOP_POLL_SECONDS = 1.0
_ENDED = ("FAILED", "CANCELED", "FINISHED", "SUSPENDED")


class YarnFlinkApplication(YarnApplication):
    """Its job can be stopped with a savepoint; else the application is killed."""

    def __init__(
        self,
        yarn: str,
        app_id: str,
        jobs: ClientJobs,
        log: logging.Logger,
        stopping: threading.Event,
    ):
        super().__init__(yarn, app_id, log, stopping)
        self._jobs = jobs

    def end(self, with_savepoint: bool, accepted: bool, deadline: float) -> Optional[str]:
        path = None
        if with_savepoint:
            for job_id, state in self._jobs.all_states().items():
                if state not in _ENDED:
                    path = self._jobs.stop_with_savepoint(job_id, deadline)
                    self._log.info("job %s was stopped with savepoint %s", job_id, path)
        super().end(False, accepted, deadline)
        return path


class KubernetesFlinkApplication(Submitted):
    """A deployment that is named as its cluster, and runs one job. Deleted when the job has ended,
    for Flink was told to leave it (execution.shutdown-on-application-finish=false)."""

    def __init__(
        self,
        kubectl: str,
        settings: FlinkSettings,
        jobs: ClientJobs,
        log: logging.Logger,
        stopping: threading.Event,
    ):
        self.id = str(settings.kubernetes_cluster_id)
        self._kubectl = kubectl
        self._settings = settings
        self._jobs = jobs
        self._log = log
        self._stopping = stopping

    def __str__(self) -> str:
        return f"Flink application {self.id} on Kubernetes"

    def await_end(self, interval: float, deadline: Optional[float] = None) -> Optional[str]:
        last_answer = time.monotonic()
        while True:
            states: Dict[str, str] = {}
            try:
                states = self._jobs.all_states()
                problem = "it has no job yet"
            except (ClusterUnreachable, FlinkRefusal) as error:
                problem = str(error)
            now = time.monotonic()
            if states:
                last_answer = now
                if all(state in _ENDED for state in states.values()):
                    self._log.info("%s: %s", self, states)
                    self._delete(now + CLIENT_TIMEOUT_SECONDS)
                    others = [state for state in states.values() if state != "FINISHED"]
                    return others[0] if others else "FINISHED"
            elif now - last_answer > UNREACHABLE_SECONDS:
                raise AIFlowException(f"{self}: {problem}; it may be running")
            if deadline is not None and now >= deadline:
                return None
            if self._stopping.wait(interval):
                raise TaskForceStoppedException("stopped")

    def failure(self) -> str:
        return "the log of its JobManager tells why"

    def end(self, with_savepoint: bool, accepted: bool, deadline: float) -> Optional[str]:
        path = None
        try:
            for job_id, state in self._jobs.all_states().items():
                if state in _ENDED:
                    continue
                if with_savepoint:
                    path = self._jobs.stop_with_savepoint(job_id, deadline)
                    self._log.info("job %s was stopped with savepoint %s", job_id, path)
                else:
                    self._jobs.cancel(job_id)
        except (ClusterUnreachable, FlinkRefusal) as error:
            if with_savepoint:
                raise
            # Without its deployment the job ends all the same.
            self._log.warning("cannot cancel the jobs of %s: %s", self, error)
        self._delete(deadline)
        return path

    def _delete(self, deadline: float) -> None:
        """Tries until `deadline`: what is left of a deployment costs money."""
        command = delete_deployment_command(self._kubectl, self._settings)
        while True:
            left = max(1.0, deadline - time.monotonic())
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    timeout=left,
                    check=False,
                )
                said = done.stdout.decode("utf-8", "replace").strip()
                if done.returncode == 0:
                    self._log.info("%s", said)
                    return
            except subprocess.TimeoutExpired:
                said = "it did not end in time"
            if time.monotonic() + _STOP_POLL_SECONDS > deadline:
                raise AIFlowException(
                    f"{self}: its deployment is left; `{' '.join(command)}` failed: {said[-500:]}"
                )
            time.sleep(_STOP_POLL_SECONDS)
