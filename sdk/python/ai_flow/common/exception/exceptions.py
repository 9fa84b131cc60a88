"""The exceptions of this package: everything it raises on purpose is an AIFlowException."""


class AIFlowException(Exception):
    """Something was refused or failed; the message says what and what to do."""


class AIFlowConfigException(AIFlowException):
    """A setting is missing or wrong."""


class AIFlowDBException(AIFlowException):
    """Kept for programs that catch it; the SDK has no database."""


class AIFlowYAMLException(AIFlowException):
    """A YAML file cannot be read."""


class AIFlowK8sException(AIFlowException):
    """Kept for programs that catch it."""


class TaskFailedException(AIFlowException):
    """A task failed."""


class TaskForceStoppedException(AIFlowException):
    """A task was stopped from outside."""


class NonRetriableError(AIFlowException):
    """Raised by the code of a task: it failed, and trying it again would not help."""


class OutsideWorkflowError(AIFlowException, AttributeError):
    """An operator was created outside a `with Workflow(...)` block."""


class ArgumentTypeError(AIFlowException, TypeError):
    """An argument is of a type that means nothing here."""


class ArgumentValueError(AIFlowException, ValueError):
    """An argument has a value that is not allowed."""
