"""Slots that tasks of all workflows share, as the server knows them."""

from dataclasses import dataclass


@dataclass
class PoolMeta:
    name: str
    slots: int
    description: str
    slots_in_use: int
    waiting: int
    # Where its tasks run that name no executor; empty: at the default one. Of an executor's own
    # pool: its name.
    executor: str = ""
