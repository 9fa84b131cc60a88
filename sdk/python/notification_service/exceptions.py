"""The exceptions of the notification client; each is an AIFlowException."""

from ai_flow.common.exception.exceptions import AIFlowException, CallError, UnavailableError

__all__ = ["AIFlowException", "NotificationException", "RetryTimeout", "notification_error"]

# What is tried again until the time is over.
_NO_ANSWER = ("ABORTED", "DEADLINE_EXCEEDED", "UNAVAILABLE")


class NotificationException(CallError):
    """The notification service refused a request; the message is its own."""

    code = "INVALID_ARGUMENT"


class RetryTimeout(NotificationException, UnavailableError):
    """No notification service answered in time."""

    code = "UNAVAILABLE"


def notification_error(code: str, message: str, address: str) -> NotificationException:
    if code in _NO_ANSWER:
        return RetryTimeout(f"Rpc retry timeout! {message}", code=code, address=address)
    return NotificationException(message, code=code, address=address)
