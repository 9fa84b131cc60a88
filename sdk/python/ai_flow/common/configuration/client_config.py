"""The settings of clients: `$AIFLOW_HOME/aiflow_client.yaml`."""

import os
from typing import Any, Dict, NamedTuple, Optional

from ai_flow.common.env import expand_env_var, get_aiflow_home
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowYAMLException

CLIENT_CONFIG_FILE = "aiflow_client.yaml"
SERVER_FILE = "server.json"
DEFAULT_SERVER_ADDRESS = "localhost:50051"
# Of the blob managers here; a class of a user's own has its own.
SECRET_KEYS = ("secret_access_key", "access_key_secret", "session_token")
TEMPLATE = """# Address of the AIFlow server.
server_address: localhost:50051

# Where clients store bundles, too, when this is another class or folder: docs/blob-stores.md.
blob_manager:
  blob_manager_class: ai_flow.blob_manager.impl.local_blob_manager.LocalBlobManager
  blob_manager_config:
    root_directory: {AIFLOW_HOME}/blob
"""


class ClientConfig(NamedTuple):
    server_address: str
    blob_manager: Dict[str, Any]


def client_config_path() -> str:
    return os.path.join(get_aiflow_home(), CLIENT_CONFIG_FILE)


def running_server(member: str) -> Optional[str]:
    """`server_uri` or `notification_uri` of `$AIFLOW_HOME/server.json`, which a server writes when
    it is ready; None when there is none."""
    import json

    path = os.path.join(get_aiflow_home(), SERVER_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file).get(member)
    except FileNotFoundError:
        return None
    except (ValueError, AttributeError) as error:
        raise AIFlowConfigException(f"{path} is damaged; start the server again") from error
    return found or None


def load_client_config(path: Optional[str] = None) -> ClientConfig:
    """The file's settings, with the template's for what it lacks. No file is no error."""
    path = path or client_config_path()
    settings = {**_template(), **load_settings(path)}
    for key in ("server_address", "blob_manager"):
        if settings[key] is None:
            raise AIFlowConfigException(f"key [{key}] not found in config {path}")
    return ClientConfig(str(settings["server_address"]), settings["blob_manager"])


def has_own_blob_manager(config: ClientConfig) -> bool:
    """Whether somebody chose it: the template's folder is for nobody but old clients."""
    return bool(config.blob_manager != _template()["blob_manager"])


def refuse_public_secrets(config: ClientConfig, path: Optional[str] = None) -> None:
    """An error when the file holds a secret of the blob manager and others may read it."""
    given = config.blob_manager.get("blob_manager_config") or {}
    secrets = [str(given[key]) for key in SECRET_KEYS if given.get(key)]
    path = path or client_config_path()
    if not secrets or not os.path.exists(path):
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    if any(secret in text for secret in secrets):  # and not a variable's name
        from notification_service.rpc.credentials import read_secret_file

        read_secret_file(path)


def load_settings(path: str) -> Dict[str, Any]:
    """Of a file in YAML, with variables, `~` and {AIFLOW_HOME} expanded. No file is no error."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            loaded = yaml.safe_load(_with_home(file.read())) or {}
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise AIFlowYAMLException(f"{path}: it is not UTF-8: {error.reason}") from None
    except yaml.YAMLError as error:
        # Without the line itself, which may hold a token.
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "no YAML"
        raise AIFlowYAMLException(f"{path}{where}: {problem}") from None
    if not isinstance(loaded, dict):
        raise AIFlowYAMLException(f"{path}: a mapping of settings is expected")
    return {str(key).lower(): _expand(value) for key, value in loaded.items()}


def write_client_config_if_missing() -> None:
    """Makes the file from the template. A home that cannot be written is left alone."""
    path = client_config_path()
    if os.path.exists(path):
        return
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(_with_home(TEMPLATE))
        os.replace(temporary, path)
    except OSError:
        pass


def _template() -> Dict[str, Any]:
    import yaml

    expanded: Dict[str, Any] = _expand(yaml.safe_load(_with_home(TEMPLATE)))
    return expanded


def _expand(value: Any) -> Any:
    if isinstance(value, dict):
        # Their keys are as the class or the executor that they are for knows them.
        return {key: _expand(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expand(inner) for inner in value]
    if isinstance(value, str):
        return expand_env_var(value)
    return value


def _with_home(text: str) -> str:
    """In the text, as YAML would read the braces as a mapping."""
    return text.replace("{AIFLOW_HOME}", get_aiflow_home())
