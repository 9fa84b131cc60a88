"""The settings of clients as constants, read when this module is imported. Makes the file of
settings when there is none. Those of a server on this machine are here too, as `RPC_PORT` and so
on: from `$AIFLOW_HOME/aiflow_server.yaml`, or the defaults."""

import os
from typing import Any

from ai_flow.common.configuration.client_config import (
    load_client_config,
    load_settings,
    write_client_config_if_missing,
)
from ai_flow.common.env import get_aiflow_home

write_client_config_if_missing()
_config = load_client_config()

AIFLOW_HOME = get_aiflow_home()
SERVER_ADDRESS = _config.server_address
BLOB_MANAGER = _config.blob_manager


_server = load_settings(os.path.join(AIFLOW_HOME, "aiflow_server.yaml"))


def _of_server(key: str, default: Any) -> Any:
    return _server.get(key, default)


LOG_DIR = _of_server("log_dir", os.path.join(AIFLOW_HOME, "logs"))
RPC_PORT = _of_server("rpc_port", 50051)
INTERNAL_RPC_PORT = _of_server("internal_rpc_port", 50000)
REST_PORT = _of_server("rest_port", 8000)
METADATA_BACKEND_URI = _of_server("metadata_backend_uri", f"sqlite:///{AIFLOW_HOME}/aiflow.db")
STATE_BACKEND_URI = _of_server("state_backend_uri", f"sqlite:///{AIFLOW_HOME}/aiflow.db")
HISTORY_RETENTION = _of_server("history_retention", "30d")
SQL_ALCHEMY_POOL_ENABLED = _of_server("sql_alchemy_pool_enabled", True)
SQL_ALCHEMY_POOL_SIZE = _of_server("sql_alchemy_pool_size", 5)
SQL_ALCHEMY_MAX_OVERFLOW = _of_server("sql_alchemy_max_overflow", 10)
NOTIFICATION_SERVER_URI = _of_server("notification_server_uri", "127.0.0.1:50052")
TASK_EXECUTOR = _of_server("task_executor", "Local")
TASK_EXECUTOR_HEARTBEAT_CHECK_INTERVAL = _of_server("task_executor_heartbeat_check_interval", 10)
TASK_HEARTBEAT_TIMEOUT = _of_server("task_heartbeat_timeout", 60)
TASK_HEARTBEAT_INTERVAL = _of_server("task_heartbeat_interval", 10)
LOCAL_EXECUTOR_PARALLELISM = _of_server("local_executor_parallelism", 10)
K8S_EXECUTOR_CONFIG = _of_server("k8s_executor_config", {})
SERVER_WORKER_QUEUE_SIZE = _of_server("server_worker_queue_size", 20)
SERVER_WORKER_NUMBER = _of_server("server_worker_number", 5)
SERVER_START_TIMEOUT = _of_server("server_start_timeout", 60)
LOCAL_REGISTRY_PATH = _of_server(
    "local_registry_path", os.path.join(AIFLOW_HOME, ".local_registry")
)
