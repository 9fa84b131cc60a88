"""Events: what producers send and listeners get."""

from typing import Optional

DEFAULT_NAMESPACE = "DEFAULT"
ANY_CONDITION = "*"


class Event:
    """A key and a value. The other properties are set by the client and the server."""

    def __init__(self, key: str, value: Optional[str]):
        self.key = key
        self.value = value
        self._namespace: Optional[str] = None
        self._sender: Optional[str] = None
        self._context: Optional[str] = None
        self._create_time: Optional[int] = None
        self._offset: Optional[int] = None

    @property
    def namespace(self) -> Optional[str]:
        return self._namespace

    @namespace.setter
    def namespace(self, value: Optional[str]) -> None:
        self._namespace = value

    @property
    def sender(self) -> Optional[str]:
        return self._sender

    @sender.setter
    def sender(self, value: Optional[str]) -> None:
        self._sender = value

    @property
    def context(self) -> Optional[str]:
        """Free text, by convention a JSON object."""
        return self._context

    @context.setter
    def context(self, value: Optional[str]) -> None:
        self._context = value

    @property
    def create_time(self) -> Optional[int]:
        """Epoch milliseconds, set by the server."""
        return self._create_time

    @create_time.setter
    def create_time(self, value: Optional[int]) -> None:
        self._create_time = value

    @property
    def offset(self) -> Optional[int]:
        """Position in the log, from 1, set by the server."""
        return self._offset

    @offset.setter
    def offset(self, value: Optional[int]) -> None:
        self._offset = value

    def _fields(self) -> tuple:  # type: ignore[type-arg]
        return (
            self.key,
            self.value,
            self._namespace,
            self._sender,
            self._context,
            self._create_time,
            self._offset,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return (
            f"key:{self.key}, value:{self.value}, namespace:{self.namespace}, "
            f"sender:{self.sender}, create_time:{self.create_time}, offset:{self.offset}, "
            f"context: {self.context}"
        )

    def __repr__(self) -> str:
        return f"Event({self})"
