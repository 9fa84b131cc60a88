"""SIGTERM asks a task to stop: its operator's stop hook runs, then the process ends."""

import _thread
import os
import signal
import traceback
from typing import Any

from ai_flow.model.context import Context
from ai_flow.model.operator import AIFlowOperator

STOPPED_EXIT_CODE = 128 + signal.SIGTERM


class TaskStopped(SystemExit):
    """Raised in the main thread when the stop hook is done; no `except Exception` swallows it."""


class StopSignal:
    """Handles SIGTERM while a task runs.

    The hook runs in a thread of its own, so that it may use locks and join processes that the
    interrupted main thread holds or waits for. The main thread goes on meanwhile: a task that ends
    because of its hook unwinds by itself; one that does not gets TaskStopped.
    """

    def __init__(self, operator: AIFlowOperator, context: Context):
        self._operator = operator
        self._context = context
        self._hook_done = False
        self._hook_runs = _thread.allocate_lock()  # held while it does
        self.received = False

    def install(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)

    def ignore(self) -> None:
        """From here on the outcome is decided."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def join(self) -> None:
        """Returns when the stop hook does. SIGKILL ends what takes longer than the grace period."""
        with self._hook_runs:
            pass

    def _on_signal(self, number: int, frame: Any) -> None:
        if not self.received:
            self.received = True
            if type(self._operator).stop is AIFlowOperator.stop:
                self._hook_done = True
            else:
                self._hook_runs.acquire()
                # Not threading.Thread: its start takes locks that the interrupted code may hold.
                _thread.start_new_thread(self._run_hook, ())
        if self._hook_done:
            raise TaskStopped(STOPPED_EXIT_CODE)

    def _run_hook(self) -> None:
        try:
            self._operator.stop(self._context)
        except BaseException:
            traceback.print_exc()
        self._hook_done = True
        self._hook_runs.release()
        os.kill(os.getpid(), signal.SIGTERM)  # wakes the main thread
