"""One run of a FlinkOperator's task: submits its job, or finds it, waits for it, stops it."""

import dataclasses
import hashlib
import logging
import os
import subprocess
import threading
import time
import uuid
from typing import TYPE_CHECKING, Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.operators.flink import flink_command as command
from ai_flow.operators.flink.flink_application import (
    KubernetesFlinkApplication,
    YarnFlinkApplication,
)
from ai_flow.operators.flink.flink_command import FlinkSettings
from ai_flow.operators.flink.flink_installation import major_version, rest_address
from ai_flow.operators.flink.flink_job import FlinkJob, JobLost
from ai_flow.operators.flink.flink_jobs import ENDED, ClientJobs, FlinkJobs
from ai_flow.operators.flink.flink_rest import RestJobs
from ai_flow.operators.tool.executable import find_executable
from ai_flow.operators.tool.failure_reason import FailureReason, tool_failure
from ai_flow.operators.tool.job_note import JobNote, JobNotes, command_digest
from ai_flow.operators.tool.process import ToolProcess
from ai_flow.operators.tool.stop_budget import stop_deadline
from ai_flow.operators.tool.submitted import Submitted
from ai_flow.operators.tool.yarn import application_id

if TYPE_CHECKING:
    from ai_flow.operators.flink.flink_operator import FlinkOperator

# Between SIGTERM and SIGKILL of the client, which has nothing to save.
CLIENT_GRACE_SECONDS = 5.0
# Of the question how a job is doing whose client has failed.
CHECK_SECONDS = 30.0
_SUCCESS = ("FINISHED", "SUCCEEDED")


class FlinkRun:
    """`stop` may be called at any time, in another thread, and again."""

    def __init__(self, operator: "FlinkOperator", settings: FlinkSettings, log: logging.Logger):
        self._operator = operator
        self._settings = settings
        self._log = log
        self._reason = FailureReason()
        self._stopping = threading.Event()
        self._stop_lock = threading.Lock()
        self._stopped = False
        self._notes = JobNotes.of_this_task()
        self._note: Optional[JobNote] = None
        self._process: Optional[ToolProcess] = None
        self._client_done = False  # and the job is waited for
        self._executable = ""
        self._major_version = 1
        self._yarn = ""
        self._kubectl = ""
        # Set by the thread that reads the client's output, too.
        self._job: Optional[Submitted] = None
        self._left_behind: Optional[Submitted] = None  # by a try before; nobody waits for it yet
        self._accepted = False
        self._duplicate = False
        self._yarn_id: Optional[str] = None
        self._savepoint: Optional[str] = None  # of an earlier stop

    def start(self) -> None:
        self._find_tools()
        job_id = None
        try:
            note = self._notes.read()
        except ValueError as error:
            raise AIFlowException(str(error)) from None
        if note is not None:
            job_id = self._found_job(note)
            if self._job is not None:
                return
        self._submit(job_id, note)

    def await_termination(self, timeout: Optional[float]) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._process is not None and not self._client_done:
            code = self._process.wait(timeout)
            if self._stopping.is_set():
                raise TaskForceStoppedException("stopped")
            if self._client_decides(code):
                return
            self._client_done = True
        assert self._job is not None
        state = self._job.await_end(self._operator.jobs_info_poll_interval, deadline)
        if state is None:
            raise subprocess.TimeoutExpired(f"job {self._job.id}", float(timeout or 0))
        self._judge(state)

    def stop(self) -> Optional[str]:
        """The path of the savepoint, if one was wanted and is there."""
        self._stopping.set()
        with self._stop_lock:
            if self._stopped:
                return None
            deadline = stop_deadline(self._operator.config)
            if self._process is not None:
                self._process.terminate(CLIENT_GRACE_SECONDS)
            savepoint = self._end_job(deadline)
            self._stopped = True
            return savepoint

    def _find_tools(self) -> None:
        operator = self._operator
        self._executable = find_executable(
            operator.name, "flink", operator.executable_path, "FLINK_HOME"
        )
        self._major_version = major_version(self._executable)
        if self._settings.target == command.YARN_APPLICATION:
            self._yarn = find_executable(operator.name, "yarn")
        if self._settings.target == command.KUBERNETES_APPLICATION:
            self._kubectl = find_executable(operator.name, "kubectl")

    def _digest(self) -> str:
        return command_digest(command.run_command("flink", self._settings, self._major_version))

    def _found_job(self, note: JobNote) -> Optional[str]:
        """Sets the job when that of an earlier try, or of a run that died, is to be waited for.
        Else the id that a try before this one has chosen and the cluster has not seen yet."""
        if note.ended:
            return None
        self._yarn_id = note.cluster
        same_run = note.sequence == _sequence()
        job = self._submitted(note.job)
        self._left_behind = job
        if not isinstance(job, FlinkJob):
            if same_run:
                self._take_over(job, note)
            return None
        state = job.state()
        if state is None:
            return note.job if same_run else None
        if state in ENDED:
            if same_run and state == "FINISHED":
                self._take_over(job, note)
            return None
        if same_run or note.command == self._digest():
            self._take_over(job, note)
            return None
        self._log.warning(
            "%s is %s: a run that died has left it, of another command. Stopping it",
            job,
            state,
        )
        deadline = stop_deadline(self._operator.config)
        note.savepoint = (
            job.end(self._operator.stop_with_savepoint, True, deadline) or note.savepoint
        )
        note.ended = True
        self._notes.write(note)
        return None

    def _take_over(self, job: Submitted, note: JobNote) -> None:
        self._log.info("%s was submitted before by this task: waiting for it", job)
        self._note = dataclasses.replace(note, sequence=_sequence())
        self._notes.write(self._note)
        self._accepted = True
        self._job = job

    def _submit(self, job_id: Optional[str], note: Optional[JobNote]) -> None:
        operator, settings = self._operator, self._settings
        own = command.properties(settings.command_options).get(command.JOB_ID_SETTING)
        if settings.target != command.LOCAL and not settings.application_mode:
            if own is not None or operator.fixed_job_id:
                job_id = own or job_id or _new_job_id()
                self._job = self._submitted(job_id)
            else:
                job_id = None
        elif settings.target == command.KUBERNETES_APPLICATION:
            self._job = self._submitted(str(settings.kubernetes_cluster_id))
        self._savepoint = note.savepoint if note is not None else None
        if self._job is not None:
            self._write_note(self._job.id)
        line = command.run_command(
            self._executable,
            settings,
            self._major_version,
            None if own else job_id,
            self._savepoint if operator.resume_from_savepoint else None,
        )
        self._process = ToolProcess(line, self._log, self._on_line)
        if self._stopping.is_set():
            raise TaskForceStoppedException("stopped before the start")
        self._process.start()

    def _write_note(self, job: str) -> None:
        self._note = JobNote(
            job=job,
            sequence=_sequence(),
            command=self._digest(),
            cluster=self._yarn_id,
            savepoint=self._savepoint,
        )
        self._notes.write(self._note)

    def _submitted(self, job: str) -> Submitted:
        """What the cluster knows by this name."""
        client = ClientJobs(self._executable, self._settings, self._log, lambda: self._yarn_id)
        if self._settings.target == command.YARN_APPLICATION:
            self._yarn_id = job
            return YarnFlinkApplication(self._yarn, job, client, self._log, self._stopping)
        if self._settings.target == command.KUBERNETES_APPLICATION:
            return KubernetesFlinkApplication(
                self._kubectl, self._settings, client, self._log, self._stopping
            )
        address = rest_address(self._executable, self._settings, os.environ)
        jobs: FlinkJobs = client if address is None else RestJobs(address)
        return FlinkJob(job, jobs, self._log, self._stopping)

    def _on_line(self, line: str) -> None:
        self._reason.feed(line)
        self._duplicate = self._duplicate or command.is_duplicate(line)
        if self._settings.target == command.LOCAL:
            return
        if self._yarn_id is None and str(self._settings.target).startswith("yarn-"):
            self._yarn_id = application_id(line)
            if self._yarn_id is not None:
                if self._settings.application_mode:
                    self._job = self._submitted(self._yarn_id)
                if self._job is not None:
                    self._write_note(self._job.id)
        job_id = command.submitted_job(line)
        if job_id is not None and not self._settings.application_mode:
            self._accepted = True
            if self._job is None or self._job.id != job_id:
                self._job = self._submitted(job_id)
                self._write_note(job_id)

    def _client_decides(self, code: int) -> bool:
        """Whether the end of the client was the end of it all; False: the job is to be waited for.
        AIFlowException when it failed."""
        if code == 0:
            if self._settings.target == command.LOCAL:
                return True
            if not self._settings.detached and not self._settings.application_mode:
                self._ended()
                return True
            if self._job is None:
                raise AIFlowException(
                    "`flink` ended with 0 and did not tell the id of what it started"
                )
            return False
        if isinstance(self._job, FlinkJob):
            if self._duplicate and self._accepted:
                self._ended()
                raise AIFlowException(
                    "the program runs several jobs, which cannot have one id: give its operator "
                    "fixed_job_id=False (a job was refused as a duplicate of the one before)"
                )
            if self._job_goes_on(self._job, code):
                return False
        raise AIFlowException(tool_failure("flink", code, self._reason.text()))

    def _job_goes_on(self, job: FlinkJob, code: int) -> bool:
        """After the client failed. AIFlowException when the job is what has failed."""
        try:
            state = job.state(CHECK_SECONDS)
        except JobLost as error:
            raise AIFlowException(
                f"{tool_failure('flink', code, self._reason.text())}; {error}"
            ) from None
        if state is None and not self._accepted:
            return False  # Not ended: it may be on its way there, which the next try will see.
        if self._duplicate and not self._accepted:
            self._log.info("%s had been submitted before: waiting for it", job)
            return True
        if state is not None and state not in ENDED:
            self._log.warning("the client failed while %s is %s: waiting for the job", job, state)
            return True
        if state not in (None, "FINISHED"):
            self._judge(str(state))
        self._ended()
        return False

    def _judge(self, state: str) -> None:
        assert self._job is not None
        self._ended()
        if state in _SUCCESS:
            return
        reason = f": {self._job.failure()}" if state == "FAILED" else ""
        raise AIFlowException(f"Flink job {self._job.id} ended as {state}{reason}")

    def _ended(self, savepoint: Optional[str] = None) -> None:
        if self._note is not None:
            self._note = dataclasses.replace(
                self._note, ended=True, savepoint=savepoint or self._note.savepoint
            )
            self._notes.write(self._note)

    def _end_job(self, deadline: float) -> Optional[str]:
        job, accepted = self._job, self._accepted
        if job is None and self._process is None:
            job, accepted = self._left_behind, True
        if job is None:
            started = self._process is not None and self._process.started
            if started and self._settings.target != command.LOCAL:
                raise AIFlowException(
                    "stopped before `flink` told the id of its job: if the cluster had accepted "
                    "it, it runs; see `flink list`"
                )
            return None
        if self._process is not None and not self._process.started:
            return None
        savepoint = job.end(self._operator.stop_with_savepoint, accepted, deadline)
        self._ended(savepoint)
        return savepoint


def _sequence() -> int:
    return int(os.environ.get("AIFLOW_SEQUENCE_NUMBER", "1"))


def _new_job_id() -> str:
    """That of this try: the server gives each a token that no other will have."""
    key, token = os.environ.get("AIFLOW_ATTEMPT_KEY"), os.environ.get("AIFLOW_ATTEMPT_TOKEN")
    if not key or not token:
        return uuid.uuid4().hex
    return hashlib.sha256(f"flink job of {key} {token}".encode()).hexdigest()[:32]
