"""Write the manifest that COPY reads: a list of files with their lengths, all of them mandatory.

Source: Redshift's Database Developer Guide, "Using a manifest to specify data files"; for Parquet,
the manifest needs `content_length`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from etl_framework.storage.s3 import S3Prefix


def write_manifest(prefix: S3Prefix, name: str, files: Sequence[tuple[str, int]]) -> str:
    """Write a manifest and return its address, `s3://bucket/key`.

    :param files: the address of every file, and its length in bytes.
    """
    entries = [
        {"url": uri, "mandatory": True, "meta": {"content_length": size}} for uri, size in files
    ]
    prefix.write(name, json.dumps({"entries": entries}).encode())
    return prefix.uri(name)
