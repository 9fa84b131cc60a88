"""AIFlow: event-based workflows. Author with `ai_flow.model` and `ai_flow.operators`, operate with
`ai_flow.ops`. Imports stay cheap: gRPC is imported when a client is first used."""

from ai_flow.settings import configure_logging
from ai_flow.version import __version__

__all__ = ["__version__"]

configure_logging()
