"""Runs a command in bash as a task."""

import os
import signal
from typing import TYPE_CHECKING, Any, Optional

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.model.context import Context
from ai_flow.model.operator import AIFlowOperator

if TYPE_CHECKING:
    import subprocess
    import threading


class BashOperator(AIFlowOperator):
    """Runs `bash -c bash_command`; the task succeeds when it exits with 0.

    The server runs the command itself, in the working directory of the workflow execution. The
    methods below do the same inside the calling process, for subclasses.
    """

    def __init__(self, name: str, bash_command: str, **kwargs: Any):
        super().__init__(name, **kwargs)
        self.bash_command = bash_command
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self._reader: Optional["threading.Thread"] = None

    def start(self, context: Context) -> None:
        import subprocess
        import threading

        self._process = subprocess.Popen(
            ["bash", "-c", self.bash_command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._log_output, name="bash-output", daemon=True)
        self._reader.start()

    def _log_output(self) -> None:
        # The only place that waits for the process: await_termination and stop may run in two
        # threads.
        assert self._process is not None and self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self.log.info(line.decode("utf-8", "backslashreplace").rstrip("\n"))
        self._process.wait()

    def await_termination(self, context: Context, timeout: Optional[int] = None) -> None:
        if self._process is None or self._reader is None:
            raise AIFlowException(f"task {self.name!r} was not started")
        self._reader.join(timeout)
        if self._reader.is_alive():
            import subprocess

            raise subprocess.TimeoutExpired(self.bash_command, float(timeout or 0))
        if self._process.returncode != 0:
            raise AIFlowException(
                f"bash command of task {self.name!r} ended with exit code "
                f"{self._process.returncode}"
            )

    def stop(self, context: Context) -> None:
        if self._process is None or self._reader is None:
            return
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        self._reader.join()
