"""Executor plug-ins: programs that run task attempts somewhere else, on whatever you like.

Derive from `ExecutorPlugin`, write four methods, call `main()`. docs/executors.md is the guide.
What the server and the plug-in say to each other, what is kept durably and what happens after a
crash is the base class's affair.
"""

from ai_flow.executor import processes
from ai_flow.executor.attempt import Attempt, Command
from ai_flow.executor.masking import mask
from ai_flow.executor.outcome import AttemptLost, NotStarted, Outcome
from ai_flow.executor.plugin import ExecutorPlugin

__all__ = [
    "Attempt",
    "AttemptLost",
    "Command",
    "ExecutorPlugin",
    "NotStarted",
    "Outcome",
    "mask",
    "processes",
]
