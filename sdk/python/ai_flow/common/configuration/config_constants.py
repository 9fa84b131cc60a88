"""The settings of clients as constants, read when this module is imported. Makes the file of
settings when there is none."""

from ai_flow.common.configuration.client_config import (
    load_client_config,
    write_client_config_if_missing,
)
from ai_flow.common.env import get_aiflow_home

write_client_config_if_missing()
_config = load_client_config()

AIFLOW_HOME = get_aiflow_home()
SERVER_ADDRESS = _config.server_address
BLOB_MANAGER = _config.blob_manager
