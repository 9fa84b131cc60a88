"""An event about which a user-written condition gave no answer, as the server knows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass
class FailedEventMeta:
    """It counted as not met. One of `workflow_execution_id` and `trigger_id` is None."""

    id: int
    workflow_id: int
    workflow_execution_id: Optional[int]
    trigger_id: Optional[int]
    namespace: str
    workflow_name: str
    task_name: Optional[str]
    condition: str
    event_offset: int
    event_key: str
    event_value: str
    time: Optional[datetime]
    error: str
