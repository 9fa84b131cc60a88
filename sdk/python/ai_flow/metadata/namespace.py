"""Namespaces, as the server knows them."""

import json
from dataclasses import dataclass
from typing import Any, Dict


@dataclass
class NamespaceMeta:
    """An isolation unit of workflows and event keys; `properties` is JSON text."""

    name: str
    properties: str = "{}"

    def __post_init__(self) -> None:
        # A dict is taken as well.
        if not isinstance(self.properties, str):
            self.properties = json.dumps(self.properties)

    def get_properties(self) -> Dict[str, Any]:
        return dict(json.loads(self.properties))
