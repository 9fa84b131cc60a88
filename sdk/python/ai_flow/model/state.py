"""State that user-written conditions keep between events."""

from abc import ABC, abstractmethod


class StateType:
    VALUE = "value"


class State(ABC):
    @abstractmethod
    def clear(self) -> None:
        """Forgets the state."""


class StateDescriptor(ABC):
    def __init__(self, name: str):
        self.name = name

    @property
    @abstractmethod
    def state_type(self) -> str:
        """A member of StateType."""


class ValueState(State):
    @abstractmethod
    def value(self) -> object:
        """The value; None when there is none."""

    @abstractmethod
    def update(self, state: object) -> None:
        """Replaces the value."""


class ValueStateDescriptor(StateDescriptor):
    @property
    def state_type(self) -> str:
        return StateType.VALUE
