"""What is told to the world when a workflow execution has ended."""

from typing import Optional

from ai_flow.common.exception.exceptions import AIFlowException


class Hook:
    """`Workflow("w", on_failure=Hook(url="https://example.org/failed"))`.

    A `command` is run by bash on the server's machine; to a `url`, a JSON object is sent by POST.
    Delivered at least once, tried again when it fails.
    """

    def __init__(self, command: Optional[str] = None, url: Optional[str] = None):
        if (command is None) == (url is None):
            raise AIFlowException("a Hook has either a command or a url")
        for name, value in (("command", command), ("url", url)):
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise AIFlowException(f"the {name} of a Hook must be a string that is not empty")
        if url is not None and not url.startswith(("http://", "https://")):
            raise AIFlowException(f"the url of a Hook begins with http:// or https://, not {url!r}")
        self.command = command
        self.url = url
