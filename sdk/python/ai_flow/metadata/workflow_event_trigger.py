"""A rule that starts executions of a workflow, as the server knows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass
class WorkflowEventTriggerMeta:
    id: int
    workflow_id: int
    rule: bytes
    create_time: Optional[datetime]
    is_paused: bool
