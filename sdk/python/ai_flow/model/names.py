"""Names of namespaces, workflows and tasks: what the server accepts, checked where they are
written."""

from ai_flow.common.exception.exceptions import AIFlowException

MAX_NAME_BYTES = 200


def check_name(what: str, name: object) -> str:
    """Returns `name`, or raises AIFlowException that begins with `what`."""
    if not isinstance(name, str):
        raise AIFlowException(f"{what} must be a string, not {type(name).__name__}")
    size = len(name.encode("utf-8", "surrogatepass"))
    if not 1 <= size <= MAX_NAME_BYTES:
        raise AIFlowException(
            f"{what} {name[:60]!r} has {size} bytes; 1 to {MAX_NAME_BYTES} are allowed"
        )
    for char in name:
        if not (char.isalpha() or char.isdigit() or char in " _-."):
            raise AIFlowException(
                f"{what} {name!r} contains {char!r}; "
                f"letters, digits, blank, '_', '-' and '.' are allowed"
            )
    if name[0] in " ." or name[-1] in " .":
        raise AIFlowException(f"{what} {name!r} begins or ends with a blank or a dot")
    return name


def check_namespace(name: object) -> str:
    """As check_name; `DEFAULT` in any case but `default` itself is reserved."""
    checked = check_name("namespace", name)
    if checked != "default" and checked.lower() == "default":
        raise AIFlowException(f"namespace {checked!r} is reserved; write 'default'")
    return checked
