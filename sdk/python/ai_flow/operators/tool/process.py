"""Runs a tool as a process group of its own and watches its output."""

import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
from typing import Any, Callable, Dict, List, Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException

# Longer lines are logged in pieces.
MAX_LINE_BYTES = 64 << 10
# How long the rest of the output is waited for when the tool has ended, but a child of it that
# went on has the pipe.
DRAIN_SECONDS = 5.0

# A group to signal, in the session of the task: by that the runner knows whose process it is.
_GROUP_OF_ITS_OWN: Dict[str, Any] = (
    {"process_group": 0} if sys.version_info >= (3, 11) else {"preexec_fn": os.setpgrp}
)


class ToolProcess:
    """One run of a tool. Thread-safe: `terminate` is for the thread of the stop hook, while the
    main thread is in `start` or `wait`."""

    def __init__(
        self,
        command: List[str],
        log: logging.Logger,
        on_line: Callable[[str], None],
        environment: Optional[Dict[str, str]] = None,
    ):
        """`on_line` is called with each line, in a thread of its own; `environment` is added to
        that of this process."""
        self.command = command
        self._log = log
        self._on_line = on_line
        self._environment = environment or {}
        self._lock = threading.Lock()
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self._terminated = False
        self._ended = threading.Event()

    def start(self) -> None:
        """TaskForceStoppedException when `terminate` came first."""
        with self._lock:
            if self._terminated:
                raise TaskForceStoppedException("stopped before the start")
            self._log.info("running: %s", shlex.join(self.command))
            try:
                process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **self._environment},
                    **_GROUP_OF_ITS_OWN,
                )
            except OSError as error:
                raise AIFlowException(f"cannot run {self.command[0]}: {error.strerror}") from error
            self._process = process
        reader = threading.Thread(target=self._read, args=(process,), name="tool-output")
        watcher = threading.Thread(target=self._watch, args=(process, reader), name="tool-end")
        for thread in (reader, watcher):
            thread.daemon = True
            thread.start()

    @property
    def started(self) -> bool:
        return self._process is not None

    def wait(self, timeout: Optional[float] = None) -> int:
        """The exit code, negative for a signal; subprocess.TimeoutExpired when it still runs."""
        if self._process is None:
            raise AIFlowException("the tool was not started")
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.command, float(timeout or 0))
        code = self._process.returncode
        assert code is not None
        return int(code)

    def terminate(self, grace: float) -> None:
        """Ends the whole group: SIGTERM, and after `grace` seconds SIGKILL. Returns when the tool
        has ended; one that was not started yet never will. May be called again."""
        with self._lock:
            self._terminated = True
        if self._process is None or self._ended.is_set():
            return
        self._signal(signal.SIGTERM)
        if not self._ended.wait(grace):
            self._log.warning("the tool did not end within %g s of SIGTERM: killing it", grace)
            self._signal(signal.SIGKILL)
            self._ended.wait()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with self._lock:
            # Reaped means that its number may be somebody else's.
            if self._process.returncode is None:
                try:
                    os.killpg(self._process.pid, number)
                except ProcessLookupError:
                    pass

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        failed = False
        with process.stdout as output:
            while True:
                line = output.readline(MAX_LINE_BYTES)
                if not line:
                    return
                text = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
                self._log.info("%s", text)
                try:
                    self._on_line(text)
                except Exception:
                    # Output that nobody reads would block the tool.
                    if not failed:
                        self._log.exception("a line of the tool's output was not understood")
                    failed = True

    def _watch(self, process: "subprocess.Popen[bytes]", reader: threading.Thread) -> None:
        # Not reaped yet: the group's number stays its own until what is left of it was killed.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        if self._terminated:
            self._signal(signal.SIGKILL)
        reader.join(DRAIN_SECONDS)
        with self._lock:
            process.wait()
        self._ended.set()
