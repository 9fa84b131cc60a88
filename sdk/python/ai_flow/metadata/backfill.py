"""What a backfill did, or would do."""

from dataclasses import dataclass
from datetime import datetime
from typing import List


@dataclass
class BackfillMeta:
    """`started` executions, one for each of `due_times`; `execution_ids` are theirs, none after a
    dry run."""

    started: int
    due_times: List[datetime]
    execution_ids: List[int]
