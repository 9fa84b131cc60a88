"""Operations on pools: slots that tasks of all workflows share."""

from typing import TYPE_CHECKING, List, Optional

from ai_flow.ops.calls import orchestrator

if TYPE_CHECKING:
    from ai_flow.metadata import PoolMeta


def set_pool(
    name: str, slots: int, description: str = "", executor: Optional[str] = None
) -> "PoolMeta":
    """Makes the pool or changes it. With fewer slots than are taken, nothing is stopped: new runs
    wait."""
    with orchestrator() as client:
        return client.set_pool(name, slots, description, executor)


def delete_pool(name: str) -> None:
    with orchestrator() as client:
        client.delete_pool(name)


def list_pools() -> "List[PoolMeta]":
    with orchestrator() as client:
        return client.list_pools()
