"""Work that was handed to a cluster, and goes on without the client that did."""

from typing import Optional


class Submitted:
    """`await_end` is for the main thread of a task, `end` for that of its stop hook, which sets the
    event that both were made with first; `await_end` then raises TaskForceStoppedException."""

    id: str
    """How the cluster calls it."""

    def await_end(self, interval: float, deadline: Optional[float] = None) -> Optional[str]:
        """The state that it ended with; None when `deadline` (of time.monotonic) came first. Asks
        every `interval` seconds; AIFlowException when the cluster cannot tell for too long."""
        raise NotImplementedError

    def failure(self) -> str:
        """Why it failed, in one line."""
        raise NotImplementedError

    def end(self, with_savepoint: bool, accepted: bool, deadline: float) -> Optional[str]:
        """Ends it before `deadline`; the path of its savepoint, if one was wanted and is there. Not
        `accepted`: it is not known whether it ever reached the cluster. AIFlowException when it may
        be running still."""
        raise NotImplementedError
