"""Small ONNX files, written byte by byte (onnx.proto, opset 17): models whose answers are known by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = {"float": 1, "int32": 6, "int64": 7, "string": 8}


@dataclass(frozen=True)
class Value:
    """An input or output; a size is a number, or a name where it is open."""

    name: str
    type: str
    shape: Sequence[int | str]


@dataclass(frozen=True)
class Node:
    """One operation; ``integers`` are its attributes, a list or a single number each."""

    operation: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    integers: dict[str, int | list[int]]


def write_onnx(
    path: Path,
    nodes: Sequence[Node],
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    arrays: dict[str, NDArray[Any]],
) -> None:
    """Write the graph of ``nodes`` with the constants ``arrays`` (float32 or int64) to ``path``."""
    graph = b"".join(_field(1, _node(node)) for node in nodes) + _field(2, b"tiny")
    graph += b"".join(_field(5, _tensor(name, array)) for name, array in arrays.items())
    graph += b"".join(_field(11, _value(value)) for value in inputs)
    graph += b"".join(_field(12, _value(value)) for value in outputs)
    path.write_bytes(_number(1, 8) + _field(7, graph) + _field(8, _number(2, 17)))


def _node(node: Node) -> bytes:
    data = b"".join(_field(1, name.encode()) for name in node.inputs)
    data += b"".join(_field(2, name.encode()) for name in node.outputs) + _field(4, node.operation.encode())
    for name, value in node.integers.items():
        if isinstance(value, int):
            attribute = _number(3, value) + _number(20, 2)
        else:
            attribute = b"".join(_number(8, one) for one in value) + _number(20, 7)
        data += _field(5, _field(1, name.encode()) + attribute)
    return data


def _tensor(name: str, array: NDArray[Any]) -> bytes:
    kind = "float" if array.dtype == np.float32 else "int64"
    dims = b"".join(_number(1, size) for size in array.shape)
    return dims + _number(2, TYPES[kind]) + _field(8, name.encode()) + _field(9, array.tobytes())


def _value(value: Value) -> bytes:
    dims = b"".join(
        _field(1, _number(1, size) if isinstance(size, int) else _field(2, size.encode())) for size in value.shape
    )
    tensor = _number(1, TYPES[value.type]) + _field(2, dims)
    return _field(1, value.name.encode()) + _field(2, _field(1, tensor))


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & (1 << 64) - 1)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
