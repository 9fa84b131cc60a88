"""An application on YARN, by its command line."""

import logging
import re
import subprocess
import threading
import time
from typing import List, Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.operators.tool.failure_reason import MAX_REASON_CHARS, root_cause
from ai_flow.operators.tool.submitted import Submitted

SUCCEEDED = "SUCCEEDED"
# How long YARN may not answer.
UNREACHABLE_SECONDS = 300.0
CLIENT_TIMEOUT_SECONDS = 180.0
_UNDEFINED = "UNDEFINED"
_APPLICATION_ID = re.compile(r"\b(application_\d+_\d+)\b")


def application_id(line: str) -> Optional[str]:
    """That which a line of a client's output names."""
    found = _APPLICATION_ID.search(line)
    return found.group(1) if found else None


def report_field(report: str, name: str) -> Optional[str]:
    """Of what `yarn application -status` prints."""
    found = re.search(rf"^\s*{re.escape(name)} : (.*)$", report, re.MULTILINE)
    return found.group(1).strip() if found else None


class YarnApplication(Submitted):
    def __init__(self, yarn: str, app_id: str, log: logging.Logger, stopping: threading.Event):
        """`yarn` is the executable."""
        self.id = app_id
        self._yarn = yarn
        self._log = log
        self._stopping = stopping
        self._diagnostics = ""

    def __str__(self) -> str:
        return f"YARN application {self.id}"

    def final_state(self) -> Optional[str]:
        """None while it runs. AIFlowException when YARN does not tell."""
        report = self._run(["application", "-status", self.id])
        state = report_field(report, "Final-State")
        if state is None:
            raise AIFlowException(f"`yarn application -status {self.id}` tells no Final-State")
        self._diagnostics = report_field(report, "Diagnostics") or ""
        return None if state == _UNDEFINED else state

    def await_end(self, interval: float, deadline: Optional[float] = None) -> Optional[str]:
        last_answer = time.monotonic()
        while True:
            try:
                state = self.final_state()
                if state is not None:
                    self._log.info("%s ended as %s", self, state)
                    return state
                last_answer = time.monotonic()
            except AIFlowException as error:
                if time.monotonic() - last_answer > UNREACHABLE_SECONDS:
                    raise AIFlowException(f"{error}; {self} may be running") from None
                self._log.warning("%s; asking again", error)
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return None
            if self._stopping.wait(interval if deadline is None else min(interval, deadline - now)):
                raise TaskForceStoppedException("stopped")

    def failure(self) -> str:
        return self._diagnostics[:MAX_REASON_CHARS] or f"see `yarn logs -applicationId {self.id}`"

    def end(self, with_savepoint: bool, accepted: bool, deadline: float) -> Optional[str]:
        self._run(["application", "-kill", self.id], deadline - time.monotonic())
        return None

    def _run(self, arguments: List[str], timeout: float = CLIENT_TIMEOUT_SECONDS) -> str:
        what = f"`yarn {' '.join(arguments)}`"
        try:
            done = subprocess.run(
                [self._yarn, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=max(1.0, timeout),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise AIFlowException(f"{what} did not end in time") from None
        except OSError as error:
            raise AIFlowException(f"cannot run {self._yarn}: {error.strerror}") from None
        said = done.stdout.decode("utf-8", "replace")
        if done.returncode != 0:
            reason = root_cause(said) or "no reason"
            raise AIFlowException(f"{what} ended with exit code {done.returncode}: {reason}")
        return said
