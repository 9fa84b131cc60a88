"""One server of a highly available notification service."""


class Member:
    def __init__(self, version: int, server_uri: str, update_time: int):
        self.version = version
        self.server_uri = server_uri
        self.update_time = update_time

    def __repr__(self) -> str:
        return (
            f"Member(version={self.version}, server_uri={self.server_uri!r}, "
            f"update_time={self.update_time})"
        )
