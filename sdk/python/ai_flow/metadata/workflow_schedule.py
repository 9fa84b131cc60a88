"""A schedule that starts executions of a workflow, as the server knows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass
class WorkflowScheduleMeta:
    id: int
    workflow_id: int
    expression: Optional[str]
    create_time: Optional[datetime]
    is_paused: bool
