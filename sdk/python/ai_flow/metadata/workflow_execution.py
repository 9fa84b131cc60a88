"""One run of a workflow, as the server knows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass
class WorkflowExecutionMeta:
    id: int
    workflow_id: int
    begin_date: Optional[datetime]
    end_date: Optional[datetime]
    status: Optional[str]
    run_type: Optional[str]
    snapshot_id: int
    event_offset: Optional[int]
