"""Where in the user's file something was written, for error messages. Private to the SDK."""

import os
import sys
from typing import Optional, Tuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

Location = Optional[Tuple[str, int]]


def caller_location() -> Location:
    """File and line of the innermost caller outside this package."""
    frame = sys._getframe(1)
    while frame is not None:
        if not os.path.abspath(frame.f_code.co_filename).startswith(_PACKAGE):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return None
