"""How long a connection waits for a server: no wait on a network is without an end."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from etl_framework.connections.base import Connection


class Bounds(Connection):
    """A database on a network."""

    connect_timeout: int = Field(
        10,
        ge=1,
        le=600,
        description="Seconds after which a server that does not let in is given up.",
    )
    statement_timeout: int = Field(
        3600, ge=1, le=604_800, description="Seconds that one statement may take."
    )
    lock_timeout: int = Field(
        300,
        ge=1,
        le=86_400,
        description="Seconds that a run waits for another that loads the same table, or for those"
        " who read a table that has to be changed.",
    )
    network_timeout: int = Field(
        60,
        ge=6,
        le=3600,
        description="Seconds of a network's silence after which the connection counts as lost.",
    )

    def of_libpq(self) -> dict[str, Any]:
        """These bounds as libpq names them: half the time idle, then three probes."""
        return {
            "connect_timeout": self.connect_timeout,
            "keepalives": 1,
            "keepalives_idle": self.network_timeout // 2,
            "keepalives_interval": self.network_timeout // 6,
            "keepalives_count": 3,
            "tcp_user_timeout": self.network_timeout * 1000,
        }
