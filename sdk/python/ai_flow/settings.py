"""Logging of programs that have configured none: what AIFlow says is shown on stderr from INFO on.

Only the loggers of this package are touched. As soon as the program has handlers of its own on the
root logger, they alone show it.
"""

import logging
import sys
from typing import TextIO

LOGGERS = ("ai_flow", "aiflow", "notification_service")
LOG_FORMAT = "[%(asctime)s - %(filename)s:%(lineno)d [%(threadName)s] - %(levelname)s: %(message)s"


class FallbackHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Silent while the root logger has handlers. Writes to what sys.stderr is at the time."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: object) -> None:
        pass

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers:
            super().emit(record)


def configure_logging() -> None:
    """Done by `import ai_flow`. Doing it again does nothing; levels that were set stay."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if any(isinstance(handler, FallbackHandler) for handler in logger.handlers):
            continue
        handler = FallbackHandler()
        handler.setFormatter(logging.Formatter(LOG_FORMAT))
        logger.addHandler(handler)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
