"""Times on the wire are epoch milliseconds; users get naive local datetimes."""

from datetime import datetime
from typing import Optional


def local_datetime(epoch_ms: Optional[int]) -> Optional[datetime]:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000)
