"""What a rule does to its task."""

from enum import Enum


class TaskAction(str, Enum):
    START = "START"
    RESTART = "RESTART"
    STOP = "STOP"
