"""Where things are: AIFLOW_HOME and expansion of paths."""

import os
from typing import Optional

DEFAULT_AIFLOW_HOME = "~/aiflow"


def expand_env_var(env_var: Optional[str]) -> Optional[str]:
    """Expands variables and `~`, again and again until nothing changes."""
    if not env_var:
        return env_var
    while True:
        expanded = os.path.expanduser(os.path.expandvars(str(env_var)))
        if expanded == env_var:
            return expanded
        env_var = expanded


def get_aiflow_home() -> str:
    """The environment variable AIFLOW_HOME, by default `~/aiflow`, expanded."""
    return str(expand_env_var(os.environ.get("AIFLOW_HOME", DEFAULT_AIFLOW_HOME)))
