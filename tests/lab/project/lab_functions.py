"""What the lab's pipeline does in pandas."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def with_hour(plays: pd.DataFrame, songs: pd.DataFrame, *, per_second: int) -> pd.DataFrame:
    """Each play with its hour, its artists, and its track's duration in seconds."""
    joined = plays.merge(songs, on="track_id", how="inner")
    joined["hour"] = joined["listen_time"].dt.hour
    joined["seconds"] = [Decimal(int(ms)) / per_second for ms in joined["duration_ms"]]
    return joined[["user_id", "track_id", "artists", "hour", "seconds"]]
