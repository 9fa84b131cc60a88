"""The options of tasks as members of the specification (docs/formats/workflow-spec.md)."""

from typing import Any, Callable, Dict, List

from ai_flow.host.option_values import choice, flag, milliseconds, nearest, text, whole
from ai_flow.model.names import check_name

# src/model/limits.h
MAX_PENDING_STARTS = 100_000
MAX_RETRIES = 1_000_000
MAX_POOL_SLOTS = 1_000_000
MAX_ENV_FILES = 16
ON_ALIVE = ("ignore", "queue", "restart")
OVERLAP = ("restart", "skip", "queue")
CATCHUP = ("none", "one", "all")
# ai_flow/host/workflow_options.py; `execution_timeout` is one of tasks, too.
WORKFLOW_OPTIONS = frozenset(
    "keep_open max_active_executions concurrency timezone params on_failure on_success".split()
)
PERIODIC_PREFIXES = ("cron@", "interval@")
# Of a process, which an EmptyOperator does not have.
OF_PROCESSES = frozenset(
    "retries retry_delay retry_exponential_backoff max_retry_delay execution_timeout queue_timeout "
    "start_timeout stop_grace executor pool pool_slots priority env env_file".split()
)

# docs/formats/task-environment.md
RESERVED_ENVIRONMENT = frozenset(
    "AIFLOW_" + name
    for name in (
        "NAMESPACE WORKFLOW TASK WORKFLOW_EXECUTION_ID SEQUENCE_NUMBER TRY_NUMBER ATTEMPT_KEY "
        "ATTEMPT_TOKEN EVENT_KEY EVENT_VALUE EVENT_OFFSET EVENT_VALUE_FILE EVENT_CONTEXT_FILE "
        "NOTIFICATION_URI SERVER_URI WORKING_DIR BUNDLE_DIR ATTEMPT_DIR LOG_FILE RESULT_FILE "
        "DUE_TIME PARAMS_FILE OUTPUT OUTPUTS_FILE"
    ).split()
)
RESERVED_PREFIXES = ("AIFLOW_PARAM_", "AIFLOW_OUTPUT_")


def task_options(
    config: Dict[str, Any], has_process: bool, where: str, warnings: List[str]
) -> Dict[str, Any]:
    """Members for the options in `config`. ValueError when one is wrong; what has no member is a
    warning. None is an option that is not given. What members do to each other is the server's to
    judge."""
    spec: Dict[str, Any] = {}
    for name, value in config.items():
        if value is None:
            continue
        member = _MEMBERS.get(name)
        if member is None:
            warnings.append(
                f"{where}: option {name!r} is not known and has no effect{_meant(name)}"
            )
            continue
        key, read = member
        checked = read(name, value)
        if not has_process and name in OF_PROCESSES:
            warnings.append(f"{where}: option {name!r} has no effect on a task without a process")
            continue
        spec[key] = checked
    return spec


def _meant(name: str) -> str:
    """What an unknown option may have been meant to be, as the end of a sentence."""
    meant = nearest(name, _MEMBERS)
    if meant is not None:
        return f"; did you mean {meant!r}?"
    return "; it is one of workflows" if name in WORKFLOW_OPTIONS else ""


def _periodic(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(PERIODIC_PREFIXES):
        raise ValueError(
            f"{name} must be 'cron@MINUTE HOUR DAY MONTH WEEKDAY [ZONE]' or "
            f"'interval@DAYS HOURS MINUTES SECONDS', not {value!r}"
        )
    return value


def _name(kind: str) -> Callable[[str, Any], str]:
    return lambda name, value: check_name(kind, text(name, value))


def _environment(name: str, value: Any) -> Dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("env must be a dict of strings")
    for variable, content in value.items():
        if not isinstance(variable, str) or not isinstance(content, str):
            raise ValueError(f"env must be a dict of strings, not {variable!r}: {content!r}")
        if not variable or "=" in variable or "\0" in variable + content:
            raise ValueError(f"env has an impossible name or value at {variable!r}")
        if variable in RESERVED_ENVIRONMENT or variable.startswith(RESERVED_PREFIXES):
            raise ValueError(f"env may not set {variable}, which the server sets")
    return dict(value)


def _env_files(name: str, value: Any) -> List[str]:
    files = [value] if isinstance(value, str) else value
    if not isinstance(files, (list, tuple)) or not all(isinstance(f, str) for f in files):
        raise ValueError(f"{name} must be the path of a file or a list of paths, not {value!r}")
    if len(files) > MAX_ENV_FILES:
        raise ValueError(f"{name} names {len(files)} files, the limit is {MAX_ENV_FILES}")
    for file in files:
        if not file or "\0" in file or "\n" in file:
            raise ValueError(f"{name} has no path in {file!r}")
    return list(files)


def _at_least(least: int, most: int) -> Callable[[str, Any], int]:
    return lambda name, value: whole(name, value, least, most)


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    return lambda name, value: choice(name, value, choices)


def is_task_option(name: str) -> bool:
    return name in _MEMBERS


# Option -> member, and how its value is read.
_MEMBERS: Dict[str, Any] = {
    "periodic_expression": ("periodic_expression", _periodic),
    "overlap": ("overlap", _one_of(*OVERLAP)),
    "catchup": ("catchup", _one_of(*CATCHUP)),
    "on_alive": ("on_alive", _one_of(*ON_ALIVE)),
    "max_pending_starts": ("max_pending_starts", _at_least(1, MAX_PENDING_STARTS)),
    "optional": ("optional", flag),
    "retries": ("retries", _at_least(0, MAX_RETRIES)),
    "retry_delay": ("retry_delay_ms", milliseconds),
    "retry_exponential_backoff": ("retry_exponential_backoff", flag),
    "max_retry_delay": ("max_retry_delay_ms", milliseconds),
    "execution_timeout": ("execution_timeout_ms", milliseconds),
    "queue_timeout": ("queue_timeout_ms", milliseconds),
    "start_timeout": ("start_timeout_ms", milliseconds),
    "stop_grace": ("stop_grace_ms", milliseconds),
    "executor": ("executor", _name("executor")),
    "pool": ("pool", _name("pool")),
    "pool_slots": ("pool_slots", _at_least(1, MAX_POOL_SLOTS)),
    "priority": ("priority", lambda name, value: whole(name, value, -(1 << 63), (1 << 63) - 1)),
    "env": ("env", _environment),
    "env_file": ("env_file", _env_files),
}
