"""SIGTERM asks a task to stop: its operator's stop hook runs, then the process ends."""

import _thread
import os
import signal
import time
import traceback
from typing import Any

from ai_flow.model.context import Context
from ai_flow.model.operator import AIFlowOperator

STOPPED_EXIT_CODE = 128 + signal.SIGTERM

# Between two wake-ups of a main thread that has not taken its signal yet.
_WAKE_UP_SECONDS = 0.05


class TaskStopped(SystemExit):
    """Raised in the main thread when the stop hook is done; no `except Exception` swallows it."""


class StopSignal:
    """Handles SIGTERM while a task runs.

    The hook runs in a thread of its own, so that it may use locks and join processes that the
    interrupted main thread holds or waits for. The main thread goes on meanwhile: a task that ends
    because of its hook unwinds by itself; one that does not gets TaskStopped.

    The interpreter calls a handler between two instructions, so a signal that comes when the main
    thread is about to enter a blocking call waits for the end of that call. A second thread hears
    of each signal by the wake-up descriptor and signals again until the handler has run.
    """

    def __init__(self, operator: AIFlowOperator, context: Context):
        self._operator = operator
        self._context = context
        self._hook_done = False
        self._over = False  # the task was told, or its outcome is decided
        self._main_thread = _thread.get_ident()
        self._hook_runs = _thread.allocate_lock()  # held while it does
        self.received = False

    def install(self) -> None:
        """To be called in the main thread."""
        wake_up, signalled = os.pipe()
        os.set_blocking(signalled, False)
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.set_wakeup_fd(signalled, warn_on_full_buffer=False)
        # A signal to a process forked from this one is not ours.
        os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
        _thread.start_new_thread(self._insist, (wake_up,))

    def ignore(self) -> None:
        """From here on the outcome is decided."""
        self._over = True
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
            self._over = True
            raise TaskStopped(STOPPED_EXIT_CODE)

    def _insist(self, wake_up: int) -> None:
        while signal.SIGTERM not in os.read(wake_up, 64):
            pass
        while not self._over:
            time.sleep(_WAKE_UP_SECONDS)
            if self._hook_done or not self.received:
                self._wake_main_thread()

    def _wake_main_thread(self) -> None:
        if signal.getsignal(signal.SIGTERM) == self._on_signal:
            signal.pthread_kill(self._main_thread, signal.SIGTERM)

    def _run_hook(self) -> None:
        try:
            self._operator.stop(self._context)
        except BaseException:
            traceback.print_exc()
        self._hook_done = True
        self._hook_runs.release()
        os.kill(os.getpid(), signal.SIGTERM)  # wakes the main thread
