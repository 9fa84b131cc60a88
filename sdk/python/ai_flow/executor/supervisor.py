"""Leads each attempt from its claim to its end: decides what of the author's code is called
when."""

import logging
import os
import sqlite3
import threading
import time
from dataclasses import replace
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from ai_flow.executor.attempt import Attempt, Command
from ai_flow.executor.attempt_log import bound_log
from ai_flow.executor.journal import Ending, Journal, Phase, Row, Status
from ai_flow.executor.masking import mask_bytes
from ai_flow.executor.outcome import (
    MAX_OUTPUT_BYTES,
    AttemptLost,
    NotStarted,
    Outcome,
    one_line,
)
from ai_flow.executor.plugin import ExecutorPlugin

MAX_HANDLE_BYTES = 1024
FORGET_TRIES = 5
WITHHELD = "withheld, as the plug-in was restarted and knows the secrets no more"
LOG_BOUND_SECONDS = 10.0

log = logging.getLogger("ai_flow.executor")


class _Live:
    """An attempt that has not ended. Its members are changed in the journal's thread only."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.handle = ""
        self.stop_grace: Optional[float] = None
        self.cancelling = False
        self.ended = threading.Event()


class Supervisor:
    """Thread-safe. What it does follows the journal: each step is durable before it is acted on,
    and the next one is taken in the order of the commits."""

    def __init__(
        self,
        plugin: ExecutorPlugin,
        journal: Journal,
        publish: Callable[[Row], None],
        first_pause: float = 1.0,
        longest_pause: float = 60.0,
    ) -> None:
        """`publish` is called in the journal's thread with what changed; it must not block."""
        self._plugin = plugin
        self._journal = journal
        self._publish = publish
        self._pauses = (first_pause, longest_pause)
        self._live: Dict[str, _Live] = {}  # the journal's thread only
        self._bounded: Dict[str, Attempt] = {}
        self._bounded_changed = threading.Condition()
        threading.Thread(target=self._bound_logs, name="aiflow-logs", daemon=True).start()

    def recover(self) -> int:
        """Goes on with everything that an earlier process left. Returns how many attempts live."""
        count = 0
        for row in self._journal.unfinished():
            if row.phase == Phase.FORGOTTEN:
                self._spawn("forget", row.key, self._forget, row)
                continue
            live = self._add(row.attempt)
            live.stop_grace = row.stop_grace
            if row.phase == Phase.SUBMITTED:
                live.handle = row.handle
                if live.stop_grace is not None:
                    self._cancel_now(live)
            self._spawn("attempt", row.key, self._lead, live, None)
            count += 1
        return count

    def start(self, epoch: int, attempt: Attempt, command: Command, refusal: str) -> None:
        """Raises Refused, and sqlite3.Error: nothing has happened then."""
        if not refusal and attempt.secrets and not self._plugin.masks_secrets:
            refusal = f"executor {self._plugin.name} does not mask secrets"
        if not refusal and not command.argv:
            refusal = "the command is empty"

        def then(found: Tuple[Row, bool]) -> None:
            row, is_new = found
            if row.token != attempt.token:
                self._publish(_of_another(row, attempt.token))
            elif is_new and row.phase == Phase.CLAIMED:
                self._spawn("attempt", row.key, self._lead, self._add(attempt), command)
            elif row.status != Status.ACCEPTED:
                self._publish(row)

        limit = self._plugin.max_attempts
        self._journal.claim(epoch, attempt, one_line(attempt.mask(refusal)), limit, then)

    def stop(self, epoch: int, key: str, token: str, grace: float) -> None:
        """Raises as `start`."""

        def then(row: Row) -> None:
            live = self._live.get(key)
            if row.token != token:
                self._publish(_of_another(row, token))
                return
            if live is None:
                self._publish(row)
                return
            live.stop_grace = grace
            if live.handle:
                self._cancel_now(live)

        self._journal.stop(epoch, key, token, grace, then)

    def forget(self, epoch: int, keys: List[str]) -> None:
        """Raises as `start`."""

        def then(rows: List[Row]) -> None:
            for row in rows:
                self._spawn("forget", row.key, self._forget, row)

        self._journal.forget(epoch, keys, then)

    # ---- One attempt, in its thread.

    def _lead(self, live: _Live, command: Optional[Command]) -> None:
        handle: Optional[str] = live.handle
        if not handle:
            handle = self._begin(live, command)
        if handle is not None:
            self._finish(live, self._wait(live, handle))

    def _begin(self, live: _Live, command: Optional[Command]) -> Optional[str]:
        """The handle; None: it has ended without one."""
        problem = "the plug-in died while it submitted the attempt, which was not found afterwards"
        handle: Optional[str] = None
        if command is not None:
            if live.stop_grace is not None:
                self._end(live, Ending(Status.STOPPED, 0, "stopped before it ran"))
                return None
            try:
                handle = _checked(self._plugin.submit(live.attempt, command))
            except NotStarted as error:
                self._fail(live, str(error) or "cannot be started")
                return None
            except Exception as error:
                self._complain(live, "submit", error)
                problem = f"cannot submit: {_text(error)}"
        if handle is None:
            try:
                handle = self._find(live)
            except AttemptLost as error:
                problem = str(error) or problem
        if handle is None:
            self._fail(live, problem)
            return None
        self._submitted(live, handle)
        return handle

    def _find(self, live: _Live) -> Optional[str]:
        for pause in self._back_off():
            try:
                found = self._plugin.find(live.attempt)
                return None if found is None else _checked(found)
            except AttemptLost:
                raise
            except Exception as error:
                self._complain(live, "find", error, pause)
                live.ended.wait(pause)
        raise AssertionError

    def _submitted(self, live: _Live, handle: str) -> None:
        def then(row: Row) -> None:
            live.handle = handle
            if status == Status.RUNNING:
                self._publish(row)
            if live.stop_grace is not None:
                self._cancel_now(live)

        status = Status.RUNNING if self._plugin.running_when_submitted else Status.ACCEPTED
        self._keep(live, lambda: self._journal.submitted(live.attempt.key, handle, status, then))

    def _wait(self, live: _Live, handle: str) -> Outcome:
        pauses = self._back_off()
        while True:
            began = time.monotonic()
            try:
                outcome = self._plugin.wait(live.attempt, handle)
                if not isinstance(outcome, Outcome):
                    raise TypeError(f"wait returned {outcome!r}, not an Outcome")
                return outcome
            except AttemptLost as error:
                return Outcome(1, str(error) or "the attempt was lost")
            except Exception as error:
                if time.monotonic() - began > self._pauses[1]:
                    pauses = self._back_off()  # it has worked for a good while
                pause = next(pauses)
                self._complain(live, "wait", error, pause)
                live.ended.wait(pause)

    def _finish(self, live: _Live, outcome: Outcome) -> None:
        attempt, code = live.attempt, outcome.exit_code
        reason = attempt.mask(outcome.reason) or (f"exit code {code}" if code else "")
        output = mask_bytes(outcome.output, attempt.secrets)[: MAX_OUTPUT_BYTES + 1]
        if attempt.secrets_lost and outcome.reason:
            reason = f"exit code {code}: {WITHHELD}"
        if code == 0 and attempt.secrets_lost and output:
            output, reason = b"", f"its output does not count: {WITHHELD}"
        if code == 0:
            self._end(live, Ending(Status.SUCCESS, 0, reason, output))
        elif live.stop_grace is not None:
            self._end(live, Ending(Status.STOPPED, code, reason))
        else:
            self._end(live, Ending(Status.FAILED, code, reason, b"", outcome.final))

    def _fail(self, live: _Live, reason: str) -> None:
        """Nothing of it ran, or nobody will know."""
        status = Status.FAILED if live.stop_grace is None else Status.STOPPED
        reason = WITHHELD if live.attempt.secrets_lost else live.attempt.mask(reason)
        self._end(live, Ending(status, 1, reason))

    def _end(self, live: _Live, ending: Ending) -> None:
        attempt = live.attempt

        def then(row: Row) -> None:
            live.ended.set()
            self._live.pop(attempt.key, None)
            self._publish(row)

        try:
            attempt.log.finish()
        except OSError as error:
            log.warning("attempt %s: cannot write its log: %s", attempt.key, error)
        with self._bounded_changed:
            self._bounded.pop(attempt.key, None)
        bound_log(attempt.log_path, attempt.log_max_bytes)
        ending = ending._replace(reason=one_line(ending.reason))
        self._keep(live, lambda: self._journal.ended(attempt.key, ending, then))

    def _keep(self, live: _Live, write: Callable[[], None]) -> None:
        """What has happened is written, however long the disk is full."""
        for pause in self._back_off():
            try:
                return write()
            except sqlite3.Error as error:
                self._complain(live, "keeping its state", error, pause)
                threading.Event().wait(pause)

    # ---- Beside it.

    def _cancel_now(self, live: _Live) -> None:
        if not live.cancelling:
            live.cancelling = True
            self._spawn("stop", live.attempt.key, self._cancel, live)

    def _cancel(self, live: _Live) -> None:
        for pause in self._back_off():
            if live.ended.is_set():
                return
            try:
                self._plugin.cancel(live.attempt, live.handle, live.stop_grace or 0.0)
                break
            except Exception as error:
                self._complain(live, "cancel", error, pause)
                live.ended.wait(pause)
        live.cancelling = False

    def _forget(self, row: Row) -> None:
        for number, pause in zip(range(FORGET_TRIES), self._back_off()):
            try:
                if row.handle:
                    self._plugin.forget(row.attempt, row.handle)
                break
            except Exception as error:
                log.warning("attempt %s: forget, try %d: %s", row.key, number + 1, _text(error))
                threading.Event().wait(pause)
        try:
            self._journal.remove(row.key)
        except sqlite3.Error as error:
            log.warning("attempt %s: cannot remove it: %s", row.key, error)  # the next start does

    def _running(self, key: str) -> None:
        def then(row: Optional[Row]) -> None:
            if row is not None:
                self._publish(row)

        self._journal.running(key, then)

    def _bound_logs(self) -> None:
        while True:
            with self._bounded_changed:
                self._bounded_changed.wait_for(lambda: bool(self._bounded))
                attempts = list(self._bounded.values())
            for attempt in attempts:
                bound_log(attempt.log_path, attempt.log_max_bytes)
            threading.Event().wait(LOG_BOUND_SECONDS)

    # ---- Small things.

    def _add(self, attempt: Attempt) -> _Live:
        live = self._live[attempt.key] = _Live(attempt)
        attempt._shared.on_running = lambda: self._running(attempt.key)
        if attempt.log_max_bytes > 0:
            with self._bounded_changed:
                self._bounded[attempt.key] = attempt
                self._bounded_changed.notify()
        return live

    def _back_off(self) -> Iterator[float]:
        pause, longest = self._pauses
        while True:
            yield pause
            pause = min(pause * 2, longest)

    @staticmethod
    def _spawn(what: str, key: str, target: Callable[..., None], *arguments: object) -> None:
        def run() -> None:
            try:
                target(*arguments)
            except Exception:
                log.exception("attempt %s: a bug; nothing is told of it any more", key)

        try:
            threading.Thread(target=run, name=f"aiflow-{what}-{key}", daemon=True).start()
        except RuntimeError as error:
            # What was claimed must be led: the server starts this program again.
            log.critical("attempt %s: cannot start a thread: %s", key, error)
            os._exit(1)

    def _complain(
        self, live: _Live, what: str, error: Exception, pause: Optional[float] = None
    ) -> None:
        text = live.attempt.mask(_text(error))
        again = "" if pause is None else f"; again in {pause:g} s"
        log.warning("attempt %s: %s: %s%s", live.attempt.key, what, text, again, exc_info=False)
        log.debug("attempt %s", live.attempt.key, exc_info=error)


def _checked(handle: object) -> str:
    if not isinstance(handle, str) or not handle:
        raise TypeError(f"the handle is {handle!r}, not a text")
    if len(handle.encode("utf-8")) > MAX_HANDLE_BYTES:
        raise ValueError(f"the handle has more than {MAX_HANDLE_BYTES} bytes")
    return handle


def _text(error: BaseException) -> str:
    text = one_line(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _of_another(row: Row, token: str) -> Row:
    """What is said to who asks with another token: that attempt never runs."""
    return replace(
        row,
        token=token,
        phase=Phase.ENDED,
        handle="",
        status=Status.FAILED,
        exit_code=1,
        reason="its key was claimed with another token",
        output=b"",
        final_failure=0,
    )
