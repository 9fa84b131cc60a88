"""Arguments of operators that run a tool, checked where the operator is created.

Only the arguments: the workflow file is also imported where the tools are not installed.
"""

import os
import shlex
from typing import Any, Dict, List, Optional

from ai_flow.common.exception.exceptions import ArgumentTypeError, ArgumentValueError
from ai_flow.model.arguments import shown


def words(task: str, name: str, value: Any) -> List[str]:
    """Options or arguments: a string is split as a shell would, a list is taken as it is."""
    if value is None:
        return []
    if isinstance(value, str):
        try:
            split = shlex.split(value)
        except ValueError as error:
            raise ArgumentValueError(
                f"task {task!r}: `{name}` cannot be split as a shell would: {error}; close the "
                f"quotation, or give a list"
            ) from None
        return [_word(task, name, word) for word in split]
    if not isinstance(value, (list, tuple)):
        raise ArgumentTypeError(
            f"task {task!r}: `{name}` must be a string or a list of strings, not {shown(value)}"
        )
    return [_word(task, name, word) for word in value]


def _word(task: str, name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float, os.PathLike)):
        raise ArgumentTypeError(
            f"task {task!r}: `{name}` holds {shown(value)}; each item must be a string"
        )
    word = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    if "\0" in word:
        raise ArgumentValueError(f"task {task!r}: `{name}` has a NUL character")
    return word


def required(task: str, name: str, value: Any) -> str:
    text = optional(task, name, value)
    if text is None:
        raise ArgumentTypeError(f"task {task!r}: `{name}` must be a string, not None")
    return text


def optional(task: str, name: str, value: Any) -> Optional[str]:
    if value is None:
        return None
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise ArgumentTypeError(f"task {task!r}: `{name}` must be a string, not {shown(value)}")
    if not value.strip() or "\0" in value:
        raise ArgumentValueError(f"task {task!r}: `{name}` must not be empty, nor have a NUL in it")
    return value


def boolean(task: str, name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ArgumentTypeError(
            f"task {task!r}: `{name}` must be True or False, not {shown(value)}"
        )
    return value


def seconds(task: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArgumentTypeError(f"task {task!r}: `{name}` must be seconds, not {shown(value)}")
    if not 0 < value < float("inf"):
        raise ArgumentValueError(f"task {task!r}: `{name}` must be above 0, not {value!r}")
    return float(value)


def variables(task: str, name: str, value: Any) -> Dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ArgumentTypeError(f"task {task!r}: `{name}` must be a dict, not {shown(value)}")
    found = {}
    for variable, content in value.items():
        if not isinstance(variable, str) or not variable or "=" in variable or "\0" in variable:
            raise ArgumentValueError(
                f"task {task!r}: `{name}` has an impossible name: {variable!r}"
            )
        found[variable] = _word(task, name, content)
    return found
