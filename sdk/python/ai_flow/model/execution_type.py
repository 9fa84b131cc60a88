"""What started a workflow execution."""

from enum import Enum


class ExecutionType(str, Enum):
    MANUAL = "MANUAL"
    EVENT = "EVENT"
    PERIODIC = "PERIODIC"
