"""The exceptions of the SDK: everything it raises on purpose is an AIFlowException."""

from typing import Dict, Optional, Type


class AIFlowException(Exception):
    """Something was refused or failed; the message says what and what to do.

    `code` is the name of a gRPC status code, for instance "NOT_FOUND"; "UNKNOWN" where the failure
    has none. `address` is the server that answered, or was asked last; None for what failed here.
    """

    code: str = "UNKNOWN"
    address: Optional[str] = None

    def __init__(
        self, *args: object, code: Optional[str] = None, address: Optional[str] = None
    ) -> None:
        super().__init__(*args)
        if code is not None:
            self.code = code
        if address is not None:
            self.address = address


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

    code = "INVALID_ARGUMENT"


class ArgumentValueError(AIFlowException, ValueError):
    """An argument has a value that is not allowed."""

    code = "INVALID_ARGUMENT"


class CallError(AIFlowException):
    """A server refused a call, or none answered."""


class UnavailableError(CallError):
    """No server answered in time, or it is too busy. Trying again later may help; what changes
    something may have been carried out nevertheless, unless it has an id of its own."""

    code = "UNAVAILABLE"


class NotFoundError(CallError):
    """What the call names does not exist."""

    code = "NOT_FOUND"


class AlreadyExistsError(CallError):
    """What the call adds exists."""

    code = "ALREADY_EXISTS"


class InvalidRequestError(CallError):
    """The request itself is wrong, whatever the state of things."""

    code = "INVALID_ARGUMENT"


class InvalidStateError(CallError):
    """The request is well-formed, but not possible as things are."""

    code = "FAILED_PRECONDITION"


class NotPermittedError(CallError):
    """The server does not let this client do that."""

    code = "PERMISSION_DENIED"


_KINDS: Dict[str, Type[CallError]] = {
    "CANCELLED": UnavailableError,
    "DEADLINE_EXCEEDED": UnavailableError,
    "ABORTED": UnavailableError,
    "UNAVAILABLE": UnavailableError,
    "NOT_FOUND": NotFoundError,
    "ALREADY_EXISTS": AlreadyExistsError,
    "INVALID_ARGUMENT": InvalidRequestError,
    "OUT_OF_RANGE": InvalidRequestError,
    "RESOURCE_EXHAUSTED": InvalidRequestError,
    "FAILED_PRECONDITION": InvalidStateError,
    "PERMISSION_DENIED": NotPermittedError,
    "UNAUTHENTICATED": NotPermittedError,
}


def call_error(code: str, message: str, address: Optional[str] = None) -> CallError:
    """The exception for a failure with this name of a gRPC status code."""
    return _KINDS.get(code, CallError)(message, code=code, address=address)
