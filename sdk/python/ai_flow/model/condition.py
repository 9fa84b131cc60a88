"""Conditions over events."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, List

if TYPE_CHECKING:
    from ai_flow.model.context import Context
    from notification_service.model.event import Event


class Condition(ABC):
    """Asked only for events whose key is in `expect_event_keys`."""

    def __init__(self, expect_event_keys: List[str]):
        self.expect_event_keys = expect_event_keys

    @abstractmethod
    def is_met(self, event: "Event", context: "Context") -> bool:
        """Whether the condition holds at this event."""
