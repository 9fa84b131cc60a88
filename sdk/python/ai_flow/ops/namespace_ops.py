"""Operations on namespaces."""

from typing import TYPE_CHECKING, Any, Dict, List, Optional

from ai_flow.ops.calls import scheduler

if TYPE_CHECKING:
    from ai_flow.metadata import NamespaceMeta


def add_namespace(name: str, properties: Dict[str, Any]) -> "NamespaceMeta":
    with scheduler() as client:
        return client.add_namespace(name, properties)


def get_namespace(name: str) -> "Optional[NamespaceMeta]":
    with scheduler() as client:
        return client.get_namespace(name)


def update_namespace(name: str, properties: Dict[str, Any]) -> "Optional[NamespaceMeta]":
    """Replaces the properties."""
    with scheduler() as client:
        return client.update_namespace(name, properties)


def list_namespace(
    limit: Optional[int] = None, offset: Optional[int] = None
) -> "Optional[List[NamespaceMeta]]":
    with scheduler() as client:
        return client.list_namespaces(limit, offset)


def delete_namespace(name: str) -> None:
    with scheduler() as client:
        client.delete_namespace(name)
