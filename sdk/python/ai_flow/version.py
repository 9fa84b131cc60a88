"""The version of this SDK, that of the repository's VERSION: written by setup.py."""

__version__ = "0.1.0"
