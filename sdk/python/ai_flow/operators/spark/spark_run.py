"""One run of a SparkSubmitOperator's task: submits, waits, stops."""

import logging
import os
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.operators.spark import spark_command as command
from ai_flow.operators.spark.spark_command import SparkSettings
from ai_flow.operators.tool.executable import find_executable
from ai_flow.operators.tool.failure_reason import FailureReason, root_cause, tool_failure
from ai_flow.operators.tool.job_note import JobNote, JobNotes, command_digest
from ai_flow.operators.tool.process import ToolProcess
from ai_flow.operators.tool.stop_budget import stop_budget, stop_deadline
from ai_flow.operators.tool.yarn import SUCCEEDED, YarnApplication, application_id

if TYPE_CHECKING:
    from ai_flow.operators.spark.spark_submit import SparkSubmitOperator

# Between SIGTERM and SIGKILL of a client whose driver runs elsewhere.
CLIENT_GRACE_SECONDS = 5.0
# Between two questions about a driver on YARN.
_POLL_SECONDS = 5.0


class SparkRun:
    """`stop` may be called at any time, in another thread, and again."""

    def __init__(
        self, operator: "SparkSubmitOperator", settings: SparkSettings, log: logging.Logger
    ):
        self._operator = operator
        self._settings = settings
        self._log = log
        self._reason = FailureReason()
        self._stopping = threading.Event()
        self._stop_lock = threading.Lock()
        self._stopped = False
        self._notes = JobNotes.of_this_task()
        self._process: Optional[ToolProcess] = None
        self._executable = ""
        self._yarn = ""
        # Set by the thread that reads the client's output, too.
        self._application: Optional[YarnApplication] = None
        self._pod: Optional[str] = None
        self._driver_exit_code: Optional[int] = None

    def start(self) -> None:
        operator, settings = self._operator, self._settings
        self._executable = find_executable(
            operator.name, "spark-submit", operator.executable_path, "SPARK_HOME"
        )
        if settings.on_yarn and settings.in_cluster:
            self._yarn = find_executable(operator.name, "yarn")
            if self._find_running():
                return
        line = command.submit_command(self._executable, settings)
        self._process = ToolProcess(line, self._log, self._on_line, settings.env_vars)
        if self._stopping.is_set():
            raise TaskForceStoppedException("stopped before the start")
        self._process.start()

    def await_termination(self, timeout: Optional[float]) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._process is not None:
            code = self._process.wait(timeout)
            if self._stopping.is_set():
                raise TaskForceStoppedException("stopped")
            if not self._goes_on(code):
                self._note_end()
                self._judge_client(code)
                return
        assert self._application is not None
        state = self._application.await_end(_POLL_SECONDS, deadline)
        if state is None:
            raise subprocess.TimeoutExpired(self._application.id, float(timeout or 0))
        self._note_end()
        if state != SUCCEEDED:
            raise AIFlowException(
                f"{self._application} ended as {state}: {self._application.failure()}"
            )

    def stop(self) -> None:
        self._stopping.set()
        with self._stop_lock:
            if self._stopped:
                return
            deadline = stop_deadline(self._operator.config)
            started = self._process is not None and self._process.started
            if self._process is not None:
                # A driver in this process group has its own end to make.
                grace = stop_budget(self._operator.config)
                if self._settings.in_cluster:
                    grace = min(grace, CLIENT_GRACE_SECONDS)
                self._process.terminate(grace)
            if self._settings.in_cluster:
                self._stop_driver(started, deadline)
            self._stopped = True

    def _stop_driver(self, started: bool, deadline: float) -> None:
        if self._application is not None:
            self._application.end(False, True, deadline)
            self._note_end()
        elif self._pod is not None:
            self._delete_pod(self._pod, deadline)
        elif started:
            raise AIFlowException(
                "stopped before `spark-submit` told what it had started: if the cluster had "
                "accepted it, it runs; stop it by hand"
            )

    def _delete_pod(self, pod: str, deadline: float) -> None:
        line = command.kill_pod_command(self._executable, self._settings, pod)
        try:
            done = subprocess.run(
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=max(1.0, deadline - time.monotonic()),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise AIFlowException(f"pod {pod} was not deleted in time; delete it by hand") from None
        said = done.stdout.decode("utf-8", "replace")
        if done.returncode != 0:
            raise AIFlowException(f"pod {pod} was not deleted: {root_cause(said)}")

    def _on_line(self, line: str) -> None:
        self._reason.feed(line)
        if not self._settings.in_cluster:
            return
        if self._settings.on_yarn and self._application is None:
            app_id = application_id(line)
            if app_id is not None:
                self._application = self._on_yarn(app_id)
                self._notes.write(JobNote(app_id, _sequence(), self._digest()))
        elif self._settings.on_kubernetes:
            self._pod = self._pod or command.driver_pod(line)
            code = command.driver_exit_code(line)
            self._driver_exit_code = self._driver_exit_code if code is None else code

    def _find_running(self) -> bool:
        """Whether a try before this one, or a run that died, has left the same application running:
        it is waited for. Also one that has succeeded meanwhile, of the same run."""
        try:
            note = self._notes.read()
        except ValueError as error:
            raise AIFlowException(str(error)) from None
        if note is None or note.ended:
            return False
        same_run = note.sequence == _sequence()
        if not same_run and note.command != self._digest():
            return False
        application = self._on_yarn(note.job)
        state = application.final_state()
        if state is not None and not (same_run and state == SUCCEEDED):
            return False
        self._log.info("%s was submitted before by this task: waiting for it", application)
        self._notes.write(JobNote(note.job, _sequence(), note.command))
        self._application = application
        return True

    def _goes_on(self, code: int) -> bool:
        """The client has failed, and the driver runs."""
        if code == 0 or self._application is None:
            return False
        try:
            if self._application.final_state() is not None:
                return False
        except AIFlowException as error:
            self._log.warning("%s", error)
            return False
        self._log.warning("the client failed while %s runs: waiting for it", self._application)
        return True

    def _judge_client(self, code: int) -> None:
        if code != 0:
            raise AIFlowException(tool_failure("spark-submit", code, self._reason.text()))
        if self._driver_exit_code:
            raise AIFlowException(
                f"the driver ended with exit code {self._driver_exit_code}; its pod's log tells why"
            )

    def _on_yarn(self, app_id: str) -> YarnApplication:
        return YarnApplication(self._yarn, app_id, self._log, self._stopping)

    def _digest(self) -> str:
        return command_digest(command.submit_command("spark-submit", self._settings))

    def _note_end(self) -> None:
        if self._application is not None:
            self._notes.write(
                JobNote(self._application.id, _sequence(), self._digest(), ended=True)
            )


def _sequence() -> int:
    return int(os.environ.get("AIFLOW_SEQUENCE_NUMBER", "1"))
