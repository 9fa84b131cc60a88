"""How many events a sender has sent."""


class SenderEventCount:
    def __init__(self, sender: str, event_count: int):
        self.sender = sender
        self.event_count = event_count

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SenderEventCount):
            return NotImplemented
        return (self.sender, self.event_count) == (other.sender, other.event_count)

    def __hash__(self) -> int:
        return hash((self.sender, self.event_count))

    def __repr__(self) -> str:
        return f"SenderEventCount(sender={self.sender!r}, event_count={self.event_count})"
