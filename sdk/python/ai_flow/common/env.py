"""Where things are: AIFLOW_HOME and expansion of paths."""

import os
from typing import Optional

DEFAULT_AIFLOW_HOME = "~/aiflow"
# A variable that contains itself ends here.
MAX_EXPANSIONS = 10


def expand_env_var(env_var: Optional[str]) -> Optional[str]:
    """Expands variables and `~`, also in what they expand to."""
    if not env_var:
        return env_var
    for _ in range(MAX_EXPANSIONS):
        expanded = os.path.expanduser(os.path.expandvars(str(env_var)))
        if expanded == env_var:
            break
        env_var = expanded
    return env_var


def get_aiflow_home() -> str:
    """The environment variable AIFLOW_HOME, by default `~/aiflow`, expanded."""
    return str(expand_env_var(os.environ.get("AIFLOW_HOME", DEFAULT_AIFLOW_HOME)))
