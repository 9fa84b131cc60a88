"""A task that does nothing: a point where other tasks meet, or that a person starts."""

from ai_flow.model.operator import Operator


class EmptyOperator(Operator):
    """Has no process: the scheduler itself makes it SUCCESS when it is started."""
