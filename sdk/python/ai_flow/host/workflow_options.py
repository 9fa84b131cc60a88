"""The options of workflows as members of the specification (docs/formats/workflow-spec.md)."""

import json
from typing import Any, Dict, List

from ai_flow.host.option_values import flag, milliseconds, nearest, text, whole
from ai_flow.host.task_options import is_task_option
from ai_flow.model.hook import Hook
from ai_flow.model.param import normalized

MAX_HOOKS = 20  # src/model/limits.h


def workflow_options(config: Dict[str, Any], where: str, warnings: List[str]) -> Dict[str, Any]:
    """Members for the options in `config`; those without a meaning of their own are kept for people
    in the member `config`. ValueError or AIFlowException when one is wrong."""
    spec: Dict[str, Any] = {}
    if flag("keep_open", config.get("keep_open", False)):
        spec["keep_open"] = True
    if config.get("execution_timeout") is not None:
        limit = milliseconds("execution_timeout", config["execution_timeout"])
        spec["execution_timeout_ms"] = limit
    for name in ("max_active_executions", "concurrency"):
        if config.get(name) is not None:
            spec[name] = whole(name, config[name], least=1, most=(1 << 63) - 1)
    if config.get("timezone") is not None:
        spec["timezone"] = text("timezone", config["timezone"])
    params = _params(config.get("params"))
    if params:
        spec["params"] = params
    hooks = _hooks(config)
    if hooks:
        spec["hooks"] = hooks
    rest = _rest(config, where, warnings)
    if rest:
        spec["config"] = rest
    return spec


def _params(given: Any) -> List[Dict[str, Any]]:
    params = []
    for name, param in normalized(given).items():
        spec = {"name": name, "type": param.type}
        if not param.required:
            spec["default"] = param.default
        if param.description:
            spec["description"] = param.description
        params.append(spec)
    return params


def _hooks(config: Dict[str, Any]) -> List[Dict[str, Any]]:
    """A hook that is given for both outcomes is one."""
    hooks: Dict[int, Dict[str, Any]] = {}
    for outcome in ("on_failure", "on_success"):
        given = config.get(outcome)
        if given is None:
            continue
        for hook in given if isinstance(given, (list, tuple)) else [given]:
            if not isinstance(hook, Hook):
                raise ValueError(f"{outcome} must be a Hook or a list of Hooks, not {hook!r}")
            spec = hooks.setdefault(id(hook), {"on_failure": False, "on_success": False})
            spec[outcome] = True
            if hook.command is not None:
                spec["command"] = hook.command
            else:
                spec["url"] = hook.url
    if len(hooks) > MAX_HOOKS:
        raise ValueError(f"{len(hooks)} hooks are over the limit of {MAX_HOOKS}")
    return list(hooks.values())


_MEANINGFUL = frozenset(
    "keep_open execution_timeout max_active_executions concurrency timezone params on_failure "
    "on_success".split()
)


def _rest(config: Dict[str, Any], where: str, warnings: List[str]) -> Dict[str, Any]:
    rest: Dict[str, Any] = {}
    for name, value in config.items():
        if name in _MEANINGFUL:
            continue
        meant = nearest(name, sorted(_MEANINGFUL))
        if meant is not None:
            warnings.append(f"{where}: option {name!r} has no effect; did you mean {meant!r}?")
        elif is_task_option(name):
            warnings.append(
                f"{where}: option {name!r} has no effect on a workflow; give it to its operators"
            )
        try:
            rest[name] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError):
            rest[name] = repr(value)
            warnings.append(f"{where}: option {name!r} is no JSON value; its repr is kept")
    return rest
