"""One run of a task, as the server knows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass
class TaskExecutionMeta:
    id: int
    workflow_execution_id: int
    task_name: str
    sequence_number: int
    try_number: int
    begin_date: Optional[datetime]
    end_date: Optional[datetime]
    status: Optional[str]
