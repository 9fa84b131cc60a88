"""Where the files of workflows are stored by clients that upload them themselves."""

import importlib
from abc import ABC, abstractmethod
from typing import Any, Dict, Optional

from ai_flow.common.exception.exceptions import AIFlowConfigException


class BlobManager(ABC):
    """A plugin is any importable class with this constructor."""

    def __init__(self, config: Dict[str, Any]):
        self.config = config
        self.root_dir: Optional[str] = config.get("root_directory") if config else None

    @abstractmethod
    def upload(self, local_file_path: str) -> str:
        """Stores the file and returns its uri."""

    @abstractmethod
    def download(self, remote_file_path: str, local_dir: str) -> str:
        """Fetches what `upload` stored into the folder and returns the file's path."""


class BlobManagerConfig:
    def __init__(self, config: Optional[Dict[str, Any]]):
        if config is None:
            raise AIFlowConfigException("blob_manager is not configured")
        if not config.get("blob_manager_class"):
            raise AIFlowConfigException("blob_manager_class of blob_manager is not configured")
        self._config = config

    def get_class(self) -> str:
        return str(self._config["blob_manager_class"])

    def get_customized_config(self) -> Dict[str, Any]:
        return dict(self._config.get("blob_manager_config") or {})


class BlobManagerFactory:
    @classmethod
    def create_blob_manager(cls, config: BlobManagerConfig) -> BlobManager:
        module_name, _, class_name = config.get_class().rpartition(".")
        try:
            blob_manager_class = getattr(importlib.import_module(module_name), class_name)
        except (ImportError, AttributeError, ValueError) as error:
            raise AIFlowConfigException(
                f"blob_manager_class {config.get_class()!r} cannot be imported: {error}"
            ) from error
        manager: BlobManager = blob_manager_class(config.get_customized_config())
        return manager

    @classmethod
    def get_default_blob_manager(cls) -> BlobManager:
        from ai_flow.common.configuration.client_config import load_client_config

        return cls.create_blob_manager(BlobManagerConfig(load_client_config().blob_manager))
