"""The interface of notification clients, and of the listeners they serve."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import List, Optional, Tuple

from notification_service.model.event import Event
from notification_service.model.sender_event_count import SenderEventCount


class ListenerRegistrationId:
    """Names one registered listener."""

    def __init__(self, id: str):
        self.id = id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListenerRegistrationId) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"ListenerRegistrationId({self.id!r})"


class ListenerProcessor(ABC):
    """Gets the events of one registration, in order, in one thread."""

    @abstractmethod
    def process(self, events: List[Event]) -> None:
        """Handles a batch that is not empty. An exception is logged; the next batch still comes."""


class NotificationClient(ABC):
    """Sends, lists and listens to events."""

    def __init__(self, namespace: Optional[str] = None, sender: Optional[str] = None):
        self.namespace = namespace
        self.sender = sender

    @abstractmethod
    def send_event(self, event: Event, event_id: Optional[str] = None) -> Event:
        """Stores the event and returns it with offset and time."""

    @abstractmethod
    def register_listener(
        self,
        listener_processor: ListenerProcessor,
        event_keys: Optional[List[str]] = None,
        offset: Optional[int] = None,
    ) -> ListenerRegistrationId:
        """Delivers the events after `offset`, and all later ones, until unregistered."""

    @abstractmethod
    def unregister_listener(self, registration_id: ListenerRegistrationId) -> None:
        """Delivers what has been stored so far, then ends the listener."""

    @abstractmethod
    def list_events(
        self,
        key: Optional[str] = None,
        namespace: Optional[str] = None,
        sender: Optional[str] = None,
        begin_offset: Optional[int] = None,
        end_offset: Optional[int] = None,
    ) -> List[Event]:
        """Events that match; `begin_offset` is exclusive, `end_offset` inclusive."""

    @abstractmethod
    def list_all_events(
        self,
        start_time: Optional[int] = None,
        start_offset: Optional[int] = None,
        end_offset: Optional[int] = None,
    ) -> List[Event]:
        """Events after an offset, or from a time (epoch milliseconds)."""

    @abstractmethod
    def count_events(
        self,
        key: Optional[str] = None,
        namespace: Optional[str] = None,
        sender: Optional[str] = None,
        begin_offset: Optional[int] = None,
        end_offset: Optional[int] = None,
    ) -> Tuple[int, List[SenderEventCount]]:
        """Number of events that match, and the number of each sender."""

    @abstractmethod
    def time_to_offset(self, time: datetime) -> int:
        """The offset of the last event up to `time`; 0 if none."""
