"""Ends this process with the server that started it: what user code does may never end."""

import os
import signal
import threading


def end_with_server() -> None:
    """When AIFLOW_LIFELINE_FD is the number of a pipe, this process group ends as soon as the pipe
    is closed at its other end, which is the server's alone."""
    descriptor = os.environ.pop("AIFLOW_LIFELINE_FD", "")
    if not descriptor.isdigit():
        return
    pipe = int(descriptor)
    os.set_inheritable(pipe, False)
    threading.Thread(target=_wait, args=(pipe,), name="aiflow-lifeline", daemon=True).start()


def _wait(pipe: int) -> None:
    try:
        while os.read(pipe, 1):
            pass
    except OSError:
        return  # User code has closed it: the time limit is left.
    # The server has given it a session of its own.
    os.killpg(0, signal.SIGKILL)
