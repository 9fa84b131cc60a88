"""One upload of a workflow, as the server knows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Optional


@dataclass
class WorkflowSnapshotMeta:
    id: int
    workflow_id: int
    create_time: Optional[datetime]
    workflow_object: bytes
    uri: Optional[str]
    signature: Optional[str]
