"""Operations on events about which a user-written condition gave no answer."""

from typing import TYPE_CHECKING, List

from ai_flow.ops.calls import orchestrator

if TYPE_CHECKING:
    from ai_flow.metadata import FailedEventMeta


def list_failed_events() -> "List[FailedEventMeta]":
    """Those that nobody has retried or dropped yet; each counted as not met."""
    with orchestrator() as client:
        return client.list_failed_events()


def retry_failed_event(failed_event_id: int) -> None:
    """Asks the condition again, as of now."""
    with orchestrator() as client:
        client.retry_failed_event(failed_event_id)


def drop_failed_event(failed_event_id: int) -> None:
    with orchestrator() as client:
        client.drop_failed_event(failed_event_id)
