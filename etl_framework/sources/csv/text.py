"""Read text files in any encoding, compressed or not, as UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import mmap
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, cast

from etl_framework.connections.files import File
from etl_framework.errors import StepError
from etl_framework.sources.csv.dialect import Dialect

BLOCK = 1 << 20
NEWLINE = 10
ENDLESS = 1 << 23
LONGEST_SHOWN = 1 << 20
# How a packed file begins, by the ending of its name.
PACKED = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}


@contextmanager
def unpacked(file: File) -> Iterator[BinaryIO]:
    """Open a file to read its bytes without compression, in its own encoding.

    :raises StepError: the file cannot be read.
    """
    try:
        with _opened(file) as raw:
            yield raw
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise StepError(f"{file.name}: the file cannot be read: {error}") from error


def packing(file: File) -> str:
    """How a file is packed, as the ending of its name would say: `.gz`, `.zst`, or empty.

    Its first bytes tell; the name alone counts only for an ending that they do not deny.
    """
    if file.path.suffix in PACKED:
        return file.path.suffix
    with file.path.open("rb") as raw:
        head = raw.read(4)
    return next((ending for ending, magic in PACKED.items() if head.startswith(magic)), "")


def _opened(file: File) -> BinaryIO:
    packed = packing(file)
    if packed == ".gz":
        return cast(BinaryIO, gzip.open(file.path, "rb"))
    if packed == ".zst":
        import pyarrow as pa

        return cast(BinaryIO, pa.input_stream(str(file.path), compression="zstd"))
    return file.path.open("rb")


def blocks(file: File, dialect: Dialect) -> Iterator[bytes]:
    """The file's text as UTF-8, in blocks.

    A byte that is wrong in the file's encoding stays as it is, and is then wrong in UTF-8 too.

    :raises StepError: the file cannot be read.
    """
    with unpacked(file) as raw:
        stream = raw
        if not dialect.is_utf8:
            recoded = codecs.EncodedFile(raw, "utf-8", dialect.encoding, "surrogateescape")
            stream = cast(BinaryIO, recoded)
        yield from iter(lambda: stream.read(BLOCK), b"")


def lines(file: File, dialect: Dialect, longest: int = -1) -> Iterator[str]:
    """The lines of a file with their line ends; a wrong byte becomes a lone surrogate.

    :param longest: how many characters of a line to read at once; the rest comes as another line.
    :raises StepError: the file cannot be read.
    """
    encoding = "utf-8-sig" if dialect.is_utf8 else dialect.encoding
    with (
        unpacked(file) as raw,
        io.TextIOWrapper(raw, encoding, "surrogateescape", newline="") as text,
    ):
        yield from iter(lambda: text.readline(longest), "")


def has(file: File, dialect: Dialect, sought: str) -> bool:
    """Whether a text is anywhere in the file; of several characters, all stand side by side."""
    if not sought:
        return False
    wanted = sought.encode()
    if packing(file) or not dialect.is_utf8:
        end = b""
        for block in blocks(file, dialect):
            if wanted in block or (end and wanted in end + block[: len(wanted)]):
                return True
            end = block[-len(wanted) + 1 :] if len(wanted) > 1 else b""
        return False
    with mapped(file) as text:
        return text.find(wanted) >= 0


@contextmanager
def mapped(file: File) -> Iterator[mmap.mmap | bytes]:
    """The bytes of a file that is not packed, without reading all of them into memory."""
    if not file.path.stat().st_size:
        yield b""
        return
    with file.path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as text:
        yield text


def has_endless_line(file: File, dialect: Dialect) -> bool:
    """Whether a line may be longer than DuckDB's buffer; DuckDB would lose it without an error.

    True if a line has twice `ENDLESS` bytes or more, false if all lines have less than `ENDLESS`.
    """
    if packing(file) or not dialect.is_utf8:
        open_ = 0
        for block in blocks(file, dialect):
            end = block.rfind(b"\n")
            open_ = open_ + len(block) if end < 0 else len(block) - end
            if open_ > ENDLESS:
                return True
        return False
    size = file.path.stat().st_size
    if size < ENDLESS:
        return False
    with file.path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as text:
        starts = range(0, size - ENDLESS + 1, ENDLESS)
        return any(text.find(b"\n", start, start + ENDLESS) < 0 for start in starts)


def count_lines(file: File, dialect: Dialect) -> int:
    """The number of lines, with the header; the last line may lack its line end."""
    import numpy

    count, last = 0, b"\n"
    for block in blocks(file, dialect):
        count += int(numpy.count_nonzero(numpy.frombuffer(block, numpy.uint8) == NEWLINE))
        last = block[-1:]
    return count + (last != b"\n")


def lines_at(file: File, dialect: Dialect, numbers: Iterator[int]) -> Iterator[bytes]:
    """The lines with these numbers, which start at 1 and ascend."""
    wanted, first, rest = next(numbers, None), 1, b""
    remaining = blocks(file, dialect)
    while wanted is not None:
        text = rest + next(remaining, b"\n")
        ends = _ends(text)
        while wanted is not None and wanted < first + len(ends):
            start = ends[wanted - first - 1] + 1 if wanted > first else 0
            yield text[start : ends[wanted - first]]
            wanted = next(numbers, None)
        rest = text[ends[-1] + 1 :] if len(ends) else text
        first += len(ends)


def _ends(text: bytes) -> Sequence[int]:
    """The offsets of line ends; numpy finds them several times faster than `bytes` does."""
    import numpy

    return cast("Sequence[int]", numpy.flatnonzero(numpy.frombuffer(text, numpy.uint8) == NEWLINE))


def shown(line: bytes) -> str:
    """A line as rejected rows show it: without its line end, with a mark for every wrong byte.

    Only the start of a very long line is shown.
    """
    if len(line) > LONGEST_SHOWN:
        line = line[:LONGEST_SHOWN] + "…".encode()
    return line.strip(b"\r\n").decode("utf-8", "replace")


def unpacked_head(head: bytes, name: str) -> bytes:
    """Decompress the first bytes of a file, as far as they go; plain bytes stay as they are.

    :param name: the file's name; its ending or the first bytes show how the file is compressed.
    """
    if name.endswith(".gz") or head.startswith(PACKED[".gz"]):
        return zlib.decompressobj(wbits=31).decompress(head)
    if name.endswith(".zst") or head.startswith(PACKED[".zst"]):
        import pyarrow as pa

        return bytes(pa.CompressedInputStream(pa.BufferReader(head), "zstd").read(BLOCK >> 6))
    return head
