"""The pauses between the attempts of a client whose server is away or busy."""

import random

FIRST_SECONDS = 0.05
LONGEST_SECONDS = 2.0


class Backoff:
    """Each pause is about twice as long as the one before, up to two seconds, and from the upper
    half of its limit at random, so that many clients of one server do not come back together. Not
    thread-safe."""

    def __init__(self) -> None:
        self._limit = FIRST_SECONDS

    def next(self) -> float:
        """Seconds."""
        pause = self._limit * random.uniform(0.5, 1.0)
        self._limit = min(self._limit * 2, LONGEST_SECONDS)
        return pause

    def reset(self) -> None:
        """After a success."""
        self._limit = FIRST_SECONDS
