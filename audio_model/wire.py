"""Objects from process to process, without copies of the arrays in them."""

from __future__ import annotations

import pickle
from multiprocessing.connection import Connection
from typing import Any

_SLICE = 2**20  # bytes of an array sent at once: as much is held twice


def send(connection: Connection, content: object) -> None:
    """Send an object; the memory of arrays in it goes as it is, never copied as a whole."""
    arrays: list[pickle.PickleBuffer] = []
    head = pickle.dumps(content, protocol=5, buffer_callback=arrays.append)
    raw = [array.raw() for array in arrays]
    connection.send((head, [len(memory) for memory in raw]))
    for memory in raw:
        for start in range(0, len(memory), _SLICE):
            connection.send_bytes(memory[start : start + _SLICE])


def receive(connection: Connection) -> Any:
    """Return the next object that was sent; its arrays can be written to."""
    head, sizes = connection.recv()
    arrays = [bytearray(size) for size in sizes]
    for memory in arrays:
        for start in range(0, len(memory), _SLICE):
            connection.recv_bytes_into(memory, start)
    return pickle.loads(head, buffers=arrays)
