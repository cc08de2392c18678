"""The sockets on which a process and all its children wait for connections."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"


def addresses(pid: int) -> list[tuple[str, int]]:
    """Address and port of every listening TCP socket of a process tree."""
    inodes = {inode for member in tree(pid) for inode in _sockets(member)}
    return sorted({(str(ip), port) for ip, port, inode in _table() if inode in inodes})


def beyond_the_loopback(pid: int) -> list[tuple[str, int]]:
    """Those that another machine can reach."""
    return [(ip, port) for ip, port in addresses(pid) if not ip_address(ip).is_loopback]


def tree(pid: int) -> Iterator[int]:
    """A process, its children, their children."""
    parents: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError, IndexError):
            # 4711 (a name (with brackets)) S 1 ...
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            parents.setdefault(int(parent), []).append(int(folder.name))
    waiting = [pid]
    while waiting:
        member = waiting.pop()
        yield member
        waiting += parents.get(member, [])


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for file in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                target = str(file.readlink())
                if target.startswith("socket:["):
                    yield target[8:-1]


def _table() -> Iterator[tuple[IPv4Address | IPv6Address, int, str]]:
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / name).read_text().splitlines()[1:]:
                facts = line.split()
                if facts[3] == LISTENING:
                    address, _, port = facts[1].partition(":")
                    yield _ip(address), int(port, 16), facts[9]


def _ip(address: str) -> IPv4Address | IPv6Address:
    """An address as the kernel shows it: words of 32 bits in this machine's order of bytes."""
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    ip = ip_address(socket.inet_ntop(family, packed))
    return getattr(ip, "ipv4_mapped", None) or ip
