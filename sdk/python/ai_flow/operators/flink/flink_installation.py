"""What the installation that `flink` belongs to says: its version, where its cluster is."""

import glob
import os
import re
from typing import Any, Dict, Mapping, Optional

from ai_flow.operators.flink.flink_command import FlinkSettings, jobmanager_option, properties

DEFAULT_REST_PORT = "8081"
# Of Flink's own defaults and of what is asked for: anything else finds its cluster otherwise.
_REMOTE = "remote"
_ASSUMED_MAJOR_VERSION = 1


def major_version(executable: str) -> int:
    """From the name of its jar, which costs no JVM; 1 when it has none that is known."""
    library = os.path.join(_home(executable), "lib")
    for jar in sorted(glob.glob(os.path.join(glob.escape(library), "flink-dist*.jar"))):
        found = re.search(r"-(\d+)\.\d+[^/]*\.jar$", jar)
        if found:
            return int(found.group(1))
    return _ASSUMED_MAJOR_VERSION


def _home(executable: str) -> str:
    return os.path.dirname(os.path.dirname(os.path.realpath(executable)))


def rest_address(
    executable: str, settings: FlinkSettings, environment: Mapping[str, str]
) -> Optional[str]:
    """`host:port` of the cluster's REST interface, None where only `flink` itself can find it: on
    YARN and Kubernetes, with high availability, with TLS."""
    if settings.target not in (None, _REMOTE) or settings.application_mode:
        return None
    options = settings.command_options
    if any(option in ("-z", "--zookeeperNamespace", "-yid") for option in options):
        return None
    folder = environment.get("FLINK_CONF_DIR") or os.path.join(_home(executable), "conf")
    found = {**configuration(folder), **properties(options)}
    if settings.target is None and found.get("execution.target", _REMOTE) != _REMOTE:
        return None
    if any(option in ("-t", "--target", "-e", "--executor") for option in options):
        return None
    if _secured(found) or _highly_available(found):
        return None
    given = jobmanager_option(options)
    if given is not None:
        # "yarn-cluster" and other words are no addresses.
        return given if re.fullmatch(r"[^/\s]+:\d+", given) else None
    host = found.get("rest.address") or found.get("jobmanager.rpc.address") or "localhost"
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{host}:{found.get('rest.port') or DEFAULT_REST_PORT}"


def _secured(found: Mapping[str, str]) -> bool:
    keys = ("security.ssl.rest.enabled", "security.ssl.enabled")
    return any(found.get(key, "").lower() == "true" for key in keys)


def _highly_available(found: Mapping[str, str]) -> bool:
    mode = found.get("high-availability.type") or found.get("high-availability") or "NONE"
    return mode.upper() != "NONE"


def configuration(folder: str) -> Dict[str, str]:
    """Flink's configuration, flat; empty when it cannot be read, for Flink then has its defaults.
    Before 2.0 the old file wins when both are there."""
    try:
        with open(os.path.join(folder, "flink-conf.yaml"), encoding="utf-8") as file:
            return _flat_lines(file.read())
    except (OSError, UnicodeDecodeError):
        pass
    import yaml

    try:
        with open(os.path.join(folder, "config.yaml"), encoding="utf-8") as file:
            return _flat(yaml.safe_load(file))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}


def _flat_lines(text: str) -> Dict[str, str]:
    """The old format: a line is `key: value`, whatever the value looks like."""
    found = {}
    for line in text.splitlines():
        key, colon, value = line.split("#", 1)[0].partition(": ")
        if colon and value.strip():
            found[key.strip()] = value.strip()
    return found


def _flat(value: Any, prefix: str = "") -> Dict[str, str]:
    if not isinstance(value, dict):
        if value is None or not prefix:
            return {}
        return {prefix: str(value).lower() if isinstance(value, bool) else str(value)}
    found: Dict[str, str] = {}
    for key, inner in value.items():
        found.update(_flat(inner, f"{prefix}.{key}" if prefix else str(key)))
    return found
