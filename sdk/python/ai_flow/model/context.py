"""What user code may ask while it runs."""

from typing import Optional

from ai_flow.model.state import State, StateDescriptor
from ai_flow.model.status import TaskStatus


class Context:
    def get_state(self, state_descriptor: StateDescriptor) -> Optional[State]:
        """The state of this name; None where there is no state."""
        return None

    def get_task_status(self, task_name: str) -> Optional[TaskStatus]:
        """Status of the latest run of the task; None when it never ran or is not known here."""
        return None
