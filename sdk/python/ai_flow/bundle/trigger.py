"""A workflow rule as it is sent to a server: data, and its pickled form for user-written
conditions."""

import json
import os
import sys
import sysconfig
import threading
from types import ModuleType
from typing import List, NamedTuple

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.host.condition_spec import custom_leaves
from ai_flow.host.specification import SpecificationError, trigger_spec
from ai_flow.model.rule import WorkflowRule

# Which modules are pickled by value is a setting of the whole process.
_pickling = threading.Lock()


class CompiledTrigger(NamedTuple):
    """JSON texts; an empty one is none."""

    condition_json: str
    params_json: str
    host_json: str
    pickled_rule: bytes


def compile_trigger(rule: WorkflowRule) -> CompiledTrigger:
    """AIFlowException when the rule is impossible or cannot be pickled."""
    try:
        spec = trigger_spec(rule)
    except SpecificationError as error:
        raise AIFlowException(str(error)) from error
    return CompiledTrigger(
        json.dumps(spec["condition"], ensure_ascii=False),
        json.dumps(spec["params"], ensure_ascii=False) if spec["params"] else "",
        json.dumps(spec["host"], ensure_ascii=False) if spec["host"] else "",
        pickled(rule),
    )


def pickled(rule: WorkflowRule) -> bytes:
    """The rule with the code of its user-written conditions, so that it does not matter whether the
    workflow's bundle has their file."""
    import cloudpickle

    with _pickling:
        registered = cloudpickle.list_registry_pickle_by_value()
        modules = [m for m in _own_modules(rule) if m.__name__ not in registered]
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
        try:
            return bytes(cloudpickle.dumps(rule))
        except Exception as error:
            raise AIFlowException(
                f"the workflow rule cannot be pickled: {type(error).__name__}: {error}; define its "
                f"conditions in a module of their own, which holds nothing that cannot be pickled"
            ) from error
        finally:
            for module in modules:
                cloudpickle.unregister_pickle_by_value(module)


def _own_modules(rule: WorkflowRule) -> List[ModuleType]:
    """Modules of the classes of its user-written conditions, without installed ones, which a host
    has to have as well. Those of the main program are always pickled by value."""
    modules: List[ModuleType] = []
    for condition in custom_leaves(rule.condition):
        for kind in type(condition).__mro__:
            module = sys.modules.get(kind.__module__)
            if module is None or module in modules or kind.__module__ == "__main__":
                continue
            if not _is_installed(getattr(module, "__file__", None)):
                modules.append(module)
    return modules


def _is_installed(file: object) -> bool:
    """Without a file, it is part of the interpreter."""
    if not isinstance(file, str):
        return True
    path = os.path.abspath(file)
    sdk = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = [sdk] + [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    if any(path.startswith(os.path.abspath(folder) + os.sep) for folder in folders):
        return True
    parts = path.split(os.sep)
    return "site-packages" in parts or "dist-packages" in parts
