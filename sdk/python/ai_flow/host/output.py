"""The log of a process that runs user code: its stdout and stderr."""

import sys
import traceback


def prepare_output() -> None:
    """Every line reaches the log when it is written, and none can fail for its characters."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
    import logging

    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="[%(asctime)s - %(filename)s:%(lineno)d [%(threadName)s] - %(levelname)s: "
        "%(message)s",
    )


def flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass


def print_traceback(error: BaseException) -> None:
    flush_output()
    traceback.print_exception(type(error), error, error.__traceback__)
    flush_output()
