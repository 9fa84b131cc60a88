"""How a client is let in by servers of other users or machines: a token, and TLS.

Each setting is from the environment, else from `aiflow_client.yaml` in `$AIFLOW_HOME`: AIFLOW_TOKEN
(`token`), AIFLOW_TOKEN_FILE (`token_file`), AIFLOW_TLS (`tls`), AIFLOW_TLS_CA (`tls_ca_file`),
AIFLOW_TLS_CERTIFICATE (`tls_certificate_file`), AIFLOW_TLS_KEY (`tls_key_file`). In a task
AIFLOW_NOTIFICATION_TOKEN_FILE, _TLS, _TLS_CA, _TLS_CERTIFICATE and _TLS_KEY go before them, for the
server at AIFLOW_NOTIFICATION_URI and no other. Secrets are in no message.
"""

import collections
import ipaddress
import os
import stat
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import grpc

from ai_flow.common.exception.exceptions import AIFlowConfigException

_VARIABLES = {
    "token": "AIFLOW_TOKEN",
    "token_file": "AIFLOW_TOKEN_FILE",
    "tls": "AIFLOW_TLS",
    "tls_ca_file": "AIFLOW_TLS_CA",
    "tls_certificate_file": "AIFLOW_TLS_CERTIFICATE",
    "tls_key_file": "AIFLOW_TLS_KEY",
}
_MAX_FILE_BYTES = 1 << 20


class CredentialsError(AIFlowConfigException, ValueError):
    """A setting or a file of the credentials cannot be used; the message says which and why."""


class Credentials(NamedTuple):
    token: str = ""
    tls: bool = False
    ca: Optional[bytes] = None
    certificate: Optional[bytes] = None
    key: Optional[bytes] = None

    def __repr__(self) -> str:
        return f"Credentials(tls={self.tls})"


def read_credentials(server_uri: str = "") -> Credentials:
    """For the server at an address. CredentialsError names the file or setting that is wrong."""
    given = {name: os.environ.get(variable, "") for name, variable in _VARIABLES.items()}
    of_task = _settings_of_task(server_uri)
    if of_task.get("token_file"):
        given["token"] = ""
    given.update(of_task)
    configured = _settings_of_file()
    if given["token"] or given["token_file"]:
        configured.pop("token", None)
        configured.pop("token_file", None)
    settings = {name: given[name] or configured.get(name, "") for name in _VARIABLES}
    if settings["tls"] not in ("", "true", "false"):
        raise CredentialsError("tls must be true or false")
    if bool(settings["tls_certificate_file"]) != bool(settings["tls_key_file"]):
        raise CredentialsError(
            "a client's certificate needs both tls_certificate_file and tls_key_file"
        )
    tls = settings["tls"] == "true" or (not settings["tls"] and bool(settings["tls_ca_file"]))
    token = _token(settings["token"], settings["token_file"])
    if not tls:
        return Credentials(token)
    key_file = settings["tls_key_file"]
    return Credentials(
        token,
        tls,
        _read(settings["tls_ca_file"]),
        _read(settings["tls_certificate_file"]),
        read_secret_file(key_file) if key_file else None,
    )


def read_secret_file(path: str) -> bytes:
    """The contents of a file for its owner alone; CredentialsError when others may read it."""
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise CredentialsError(f"{path} is no regular file")
            if found.st_uid not in (os.geteuid(), 0):
                raise CredentialsError(f"{path} belongs to user {found.st_uid}")
            if found.st_mode & 0o077:
                raise CredentialsError(
                    f"{path} may be read or written by other users: protect it with "
                    f"`chmod 600 {path}`"
                )
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise CredentialsError(f"cannot read {path}: {error.strerror}") from None


def is_local(address: str) -> bool:
    """Whether it can only be a server on this machine: loopback or a unix socket."""
    if address.startswith(("unix:", "localhost:", "[::1]:")):
        return True
    try:
        return ipaddress.IPv4Address(address.split(":")[0]).is_loopback
    except ValueError:
        return False


def open_with_credentials(server_uri: str, options: List[Tuple[str, Any]]) -> grpc.Channel:
    """A channel whose calls bring the token, where it does not go over the network in the clear."""
    credentials = read_credentials(server_uri)
    local = is_local(server_uri)
    if credentials.tls and not server_uri.startswith("unix:"):
        channel = grpc.secure_channel(
            server_uri,
            grpc.ssl_channel_credentials(credentials.ca, credentials.key, credentials.certificate),
            options=options,
        )
    else:
        channel = grpc.insecure_channel(server_uri, options=options)
    if not credentials.token or not (local or credentials.tls):
        return channel
    return grpc.intercept_channel(channel, _AddToken(credentials.token))


def _token(token: str, path: str) -> str:
    if not token and not path:
        return ""
    try:
        word = token or read_secret_file(path).decode("ascii").rstrip("\r\n")
    except UnicodeDecodeError:
        word = ""
    if not word.isascii() or not word.isprintable() or " " in word or not word:
        raise CredentialsError(
            f"{'the setting of the token' if token else path} does not hold a token: one word, as "
            "`aiflow token add` printed it"
        )
    return word


def _read(path: str) -> Optional[bytes]:
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise CredentialsError(f"cannot read {path}: {error.strerror}") from None


def _settings_of_task(server_uri: str) -> Dict[str, str]:
    """What a task's environment says for its notification server."""
    own = os.environ.get("AIFLOW_NOTIFICATION_URI", "").split(",")
    if not server_uri or server_uri not in [address.strip() for address in own]:
        return {}
    found = {
        name: os.environ.get(variable.replace("AIFLOW_", "AIFLOW_NOTIFICATION_", 1), "")
        for name, variable in _VARIABLES.items()
        if name != "token"
    }
    return {name: value for name, value in found.items() if value}


def _settings_of_file() -> Dict[str, str]:
    home = os.environ.get("AIFLOW_HOME") or os.path.expanduser("~/aiflow")
    path = os.path.join(home, "aiflow_client.yaml")
    if not os.path.exists(path):
        return {}
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            # As in every setting, and no YAML as it stands.
            loaded = yaml.safe_load(file.read().replace("{AIFLOW_HOME}", home))
    except (OSError, ValueError, yaml.YAMLError):
        # Without the reason, which may quote the line.
        raise CredentialsError(f"{path} is no YAML map of settings") from None
    if not isinstance(loaded, dict):
        return {}
    settings = {name: loaded[name] for name in _VARIABLES if loaded.get(name) is not None}
    if settings.get("token"):
        read_secret_file(path)  # the file is a secret then
    return {
        name: str(value).lower() if isinstance(value, bool) else os.path.expandvars(str(value))
        for name, value in settings.items()
    }


_Details = collections.namedtuple(
    "_Details",
    ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression"),
)


class _CallDetails(_Details, grpc.ClientCallDetails):
    pass


class _AddToken(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """gRPC's own credentials of calls refuse connections without TLS, also those within the
    machine."""

    def __init__(self, token: str) -> None:
        self._authorization = ("authorization", f"Bearer {token}")

    def _call(self, continuation: Any, details: Any, request: Any) -> Any:
        metadata = list(details.metadata or ()) + [self._authorization]
        return continuation(
            _CallDetails(
                details.method,
                details.timeout,
                metadata,
                details.credentials,
                getattr(details, "wait_for_ready", None),
                getattr(details, "compression", None),
            ),
            request,
        )

    intercept_unary_unary = _call
    intercept_unary_stream = _call
    intercept_stream_unary = _call
    intercept_stream_stream = _call
