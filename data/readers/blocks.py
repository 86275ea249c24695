"""A byte stream cut into blocks of whole lines, in bounded memory.

Only the line feed ends a line. A line longer than `MAX_LINE` is never held: it is read past and
delivered as its length, so that the lines after it keep their numbers.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

BLOCK = 1 << 23
"""Bytes read at a time."""

MAX_LINE = 1 << 20
"""Longest line, in bytes, its end not counted."""

_HEAD = 200  # bytes of an over-long line that are kept, to show which one it is


@dataclass(frozen=True)
class LongLine:
    """A line that is too long to be kept: its number, its length in bytes, and its beginning."""

    line: int
    size: int
    head: bytes

    @property
    def reason(self) -> str:
        """What is wrong with it."""
        return f"line is {self.size / 1e6:.1f} MB long; at most {MAX_LINE >> 20} MiB is allowed."

    @property
    def text(self) -> str:
        """Its beginning."""
        return self.head.decode("utf-8", "replace") + "..."


@dataclass(frozen=True)
class Block:
    """Whole lines.

    Attributes
    ----------
    line : int
        Number of the first line, from 1.
    data : bytes
    ends : ndarray of int64, shape (lines,)
        Offset behind each line, its line feed included.
    """

    line: int
    data: bytes
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.ends.size)

    @property
    def longest(self) -> int:
        """Length of the longest line in bytes."""
        return int(np.diff(self.ends, prepend=0).max(initial=0))

    def raw(self, position: int) -> bytes:
        """Return one line with its end."""
        start = self.ends[position - 1] if position else 0
        return self.data[start : self.ends[position]]

    def text(self, position: int) -> str:
        """Return one line without its end; bytes that are not UTF-8 become lone surrogates."""
        return self.raw(position).decode("utf-8", "surrogateescape").rstrip("\r\n")

    def after(self, lines: int) -> Block:
        """Return what follows the first `lines` lines."""
        if lines == 0:
            return self
        cut = int(self.ends[lines - 1])
        return Block(self.line + lines, self.data[cut:], self.ends[lines:] - cut)


def blocks(stream: BinaryIO) -> Iterator[Block | LongLine]:
    """Read a stream as blocks; a byte order mark at its start is dropped."""
    line, rest, more = 1, _without_mark(stream), True
    while more:
        chunk = stream.read(BLOCK)
        more = bool(chunk)
        data = rest + chunk
        cut = data.rfind(b"\n") + 1 if more else len(data)
        whole, rest = data[:cut], data[cut:]
        yield from _cut_long(whole, line)
        line += whole.count(b"\n")
        if len(rest) > MAX_LINE:
            size, tail = _read_past(stream)
            yield LongLine(line, len(rest) + size, rest[:_HEAD])
            line, rest = line + 1, tail


def _without_mark(stream: BinaryIO) -> bytes:
    start = stream.read(len(codecs.BOM_UTF8))
    return b"" if start == codecs.BOM_UTF8 else start


def _cut_long(data: bytes, line: int) -> Iterator[Block | LongLine]:
    if not data:
        return
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    if not ends.size or ends[-1] != len(data):
        ends = np.append(ends, len(data))
    block = Block(line, data, ends)
    long = np.flatnonzero(np.diff(ends, prepend=0) > MAX_LINE + 1)
    done = 0
    for position in long.tolist():
        if position > done:
            yield _between(block, done, position)
        raw = block.raw(position)
        yield LongLine(line + position, len(raw.rstrip(b"\r\n")), raw[:_HEAD])
        done = position + 1
    if done < len(block):
        yield block.after(done)


def _between(block: Block, start: int, stop: int) -> Block:
    part = block.after(start)
    ends = part.ends[: stop - start]
    return Block(part.line, part.data[: int(ends[-1])], ends)


def _read_past(stream: BinaryIO) -> tuple[int, bytes]:
    """Read to the end of the line; return how much of it that was, and what came behind it."""
    size = 0
    while chunk := stream.read(BLOCK):
        at = chunk.find(b"\n")
        if at >= 0:
            return size + at, chunk[at + 1 :]
        size += len(chunk)
    return size, b""
