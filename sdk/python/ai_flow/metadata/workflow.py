"""A workflow, as the server knows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass
class WorkflowMeta:
    id: int
    name: str
    namespace: str
    content: str
    workflow_object: bytes
    create_time: Optional[datetime]
    update_time: Optional[datetime]
    is_enabled: bool
    event_offset: Optional[int]
