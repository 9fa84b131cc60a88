"""What the author of an executor writes."""

from typing import Any, Mapping, Optional

from ai_flow.executor.attempt import Attempt, Command
from ai_flow.executor.outcome import Outcome


class ExecutorPlugin:
    """Runs task attempts on a platform. A server starts the program, which calls `main()`.

    What an author writes: `submit`, `find`, `wait` and `cancel`; the rest has a default. Each
    attempt has a thread of its own, in which `submit` or `find`, then `wait` are called; `cancel`
    and `forget` are called in other threads. So a method may block as long as it likes, and several
    run at the same time, of one attempt only `wait` and `cancel`.

    The base class keeps in `state_dir` what was claimed, its handle and its end, and sees to it
    that

    - `submit` is called at most once for each attempt, ever;
    - after the plug-in died, at whatever moment, `wait` is called again for what was submitted, and
      `find` for what may have been: no answer is ever guessed;
    - the end is told only after `wait` returned, and never changes.
    """

    description: str = ""
    """For people: name and version of the plug-in."""

    masks_secrets: bool = False
    """True: no value of `Attempt.secrets` shows in what the plug-in writes to a log. Reasons,
    outputs and `attempt.log.write` are masked by the base class. Without it the server sends no
    attempt that has secrets."""

    max_attempts: int = 256
    """So many may be alive at a time; each takes a thread. More are refused, and come again
    later."""

    running_when_submitted: bool = True
    """False: an attempt is RUNNING only when `wait` calls `attempt.report_running()`: for a
    platform with a queue of its own. `start_timeout` of the task runs until then."""

    name: str = ""
    """Of the executor in the server's configuration. Set before `open`."""
    state_dir: str = ""
    """A durable directory of its own. Set before `open`."""
    home_id: str = ""
    """Of the server's home: letters, digits and dashes. Together with it an attempt's key is unique
    in the world, for a platform that several servers use. Set before the first attempt."""
    config: Mapping[str, Any] = {}
    """What the server's configuration says below `config:`. Set before `open`."""

    def open(self) -> None:
        """Called once before anything else. Check `config` here: ValueError and OSError end the
        program with their text as the message."""

    def submit(self, attempt: Attempt, command: Command) -> str:
        """Starts the attempt, named by `attempt.key`, and returns its handle: at most 1,024 bytes
        of text by which `wait` and `cancel` know it, also in another process; people see it.

        Called at most once for each attempt. NotStarted says that for certain nothing runs: the
        attempt failed. After any other exception the platform may have accepted it: `find` is
        asked.
        """
        raise NotImplementedError

    def find(self, attempt: Attempt) -> Optional[str]:
        """Looks for the attempt on the platform, by its key: its handle, also when it has ended
        already. None: it was never started **and never will be**; a `submit` of the dead process
        whose request is still under way has to fail from now on. The attempt is then FAILED, and
        never started again.

        Called after the plug-in died while it submitted, and after an exception of `submit`. An
        exception means that nobody knows: it is asked again, 1 s to 60 s later, for ever.
        """
        raise NotImplementedError

    def wait(self, attempt: Attempt, handle: str) -> Outcome:
        """Blocks until the attempt has ended and nothing of it runs any more.

        After an exception it is called again, 1 s to 60 s later, for ever: an attempt that nobody
        can see may still run, so it has not failed. AttemptLost says that it certainly does not.
        """
        raise NotImplementedError

    def cancel(self, attempt: Attempt, handle: str, grace: float) -> None:
        """Stops the attempt: SIGTERM or what the platform has for it, and after `grace` seconds by
        force. Returns when that is done or safely under way; `wait` tells how it really ended.

        Called again after an exception, 1 s to 60 s later, until the attempt has ended; after the
        plug-in died; and when the server asks again. So it has to be idempotent, and nothing for
        an attempt that has ended.
        """
        raise NotImplementedError

    def forget(self, attempt: Attempt, handle: str) -> None:
        """Removes what the platform still keeps of an attempt whose end is known for good. Called
        once or more; after 5 exceptions it is given up and logged. `attempt_dir` may be gone."""

    def pid(self, handle: str) -> int:
        """The attempt's process on the server's machine, for people; 0: it has none there."""
        return 0

    @classmethod
    def main(cls) -> None:
        """Serves until the server goes; attempts live on. Ends the process: 2 when the program was
        not started by a server or its configuration is wrong, 1 when it cannot serve."""
        from ai_flow.executor.serve import serve

        serve(cls())
