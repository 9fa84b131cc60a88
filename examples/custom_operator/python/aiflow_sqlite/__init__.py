"""SQL on SQLite databases as tasks of AIFlow workflows."""

from aiflow_sqlite.sqlite_operator import SqliteOperator

__all__ = ["SqliteOperator"]
