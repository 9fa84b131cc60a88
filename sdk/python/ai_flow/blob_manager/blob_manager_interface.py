"""Where the files of workflows are stored by clients that upload them themselves."""

import importlib
from abc import ABC, abstractmethod
from typing import Any, Dict, Optional

from ai_flow.common.exception.exceptions import AIFlowConfigException


class BlobManager(ABC):
    """A plugin is any importable class with this constructor. Both calls return when the work is
    done, or raise; the text of an exception is shown to the user."""

    def __init__(self, config: Dict[str, Any]):
        self.config = config
        self.root_dir: Optional[str] = config.get("root_directory") if config else None

    @abstractmethod
    def upload(self, local_file_path: str) -> str:
        """Stores the file, which it may move, and returns its uri. A file of the same name that was
        stored before is replaced, in one step for whoever downloads it."""

    @abstractmethod
    def download(self, remote_file_path: str, local_dir: str) -> str:
        """Fetches what `upload` returned this uri for into the folder and returns the file's path.
        It is fetched anew, whatever the folder has; a uri that leads out of the root is refused."""


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
        config = self._config.get("blob_manager_config") or {}
        if not isinstance(config, dict):
            raise AIFlowConfigException("blob_manager_config of blob_manager is not a mapping")
        return dict(config)


class BlobManagerFactory:
    @classmethod
    def create_blob_manager(cls, config: BlobManagerConfig) -> BlobManager:
        """An instance of the class, which is imported as any module: it is installed, or its folder
        is in PYTHONPATH."""
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
        """That of `aiflow_client.yaml`; the folder `blob` of the home when it names none."""
        from ai_flow.common.configuration.client_config import (
            load_client_config,
            refuse_public_secrets,
        )

        config = load_client_config()
        named = BlobManagerConfig(config.blob_manager)
        refuse_public_secrets(config)
        return cls.create_blob_manager(named)
