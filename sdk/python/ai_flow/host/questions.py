"""Finds the user-written condition that a condition host is asked about."""

import base64
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.host.condition_spec import custom_leaves
from ai_flow.model.condition import Condition
from ai_flow.model.rule import WorkflowRule
from ai_flow.model.workflow import Workflow

# Rules of triggers that are kept unpickled; more are unpickled again.
MAX_KEPT_RULES = 1000


class Questions:
    """The conditions of one workflow file, which may be none, and of pickled rules. Each is loaded
    once, so that it is the same object at every question."""

    def __init__(self, path: Optional[str], workflows: List[Workflow]):
        self._path = path
        self._workflows = {(w.namespace, w.name): w for w in workflows}
        self._leaves: Dict[Tuple[Any, ...], List[Condition]] = {}

    def workflow(self, ask: Mapping[str, Any]) -> Workflow:
        """The workflow that the question is about; one without tasks when no file defines it."""
        name = (ask.get("namespace", "default"), ask["workflow"])
        found = self._workflows.get(name)
        if found is None:
            if "trigger" not in ask:
                raise AIFlowException(f"{self._path}: no workflow {'.'.join(name)}")
            found = self._workflows[name] = Workflow(name[1], name[0])
        return found

    def leaf(self, ask: Mapping[str, Any]) -> Condition:
        """The user-written condition; AIFlowException when there is none at this place."""
        leaves = self._of_trigger(ask) if "trigger" in ask else self._of_task(ask)
        question = int(ask["question"])
        if not 0 <= question < len(leaves):
            where = f"trigger {ask['trigger']}" if "trigger" in ask else self._rule(ask)
            raise AIFlowException(
                f"{where} has {len(leaves)} conditions of its own, and was asked for number "
                f"{question}; does the file define other rules here than where it was uploaded?"
            )
        condition: Condition = leaves[question]
        return condition

    def _rule(self, ask: Mapping[str, Any]) -> str:
        return f"workflow {ask['workflow']!r}, task {ask['task']!r}, rule {ask['rule']}"

    def _of_task(self, ask: Mapping[str, Any]) -> List[Condition]:
        place = (ask.get("namespace", "default"), ask["workflow"], ask["task"], ask["rule"])
        if place not in self._leaves:
            rules = self.workflow(ask).rules.get(ask["task"], [])
            if not 0 <= ask["rule"] < len(rules):
                raise AIFlowException(
                    f"{self._rule(ask)} does not exist; does the file define other rules here than "
                    f"where it was uploaded?"
                )
            self._leaves[place] = list(custom_leaves(rules[ask["rule"]].condition))
        return self._leaves[place]

    def _of_trigger(self, ask: Mapping[str, Any]) -> List[Condition]:
        place = (ask["trigger"], ask["pickled"])
        if place not in self._leaves:
            rule = unpickled_rule(base64.b64decode(ask["pickled"]))
            if len(self._leaves) >= MAX_KEPT_RULES:
                self._leaves.clear()
            self._leaves[place] = list(custom_leaves(rule.condition))
        return self._leaves[place]


def unpickled_rule(pickled: bytes) -> WorkflowRule:
    """AIFlowException when it is no rule or cannot be read here."""
    rule = _unpickled(pickled, "rule")
    if not isinstance(rule, WorkflowRule):
        raise AIFlowException(f"the pickled rule is a {type(rule).__name__}, not a WorkflowRule")
    return rule


def unpickled_workflow(pickled: bytes) -> Workflow:
    """AIFlowException when it is no workflow or cannot be read here."""
    workflow = _unpickled(pickled, "workflow")
    if not isinstance(workflow, Workflow):
        raise AIFlowException(
            f"the pickled workflow is a {type(workflow).__name__}, not a Workflow"
        )
    return workflow


def _unpickled(pickled: bytes, what: str) -> Any:
    import cloudpickle

    try:
        return cloudpickle.loads(pickled)
    except BaseException as error:
        raise AIFlowException(
            f"the pickled {what} cannot be read here: {type(error).__name__}: {error}"
        ) from error
