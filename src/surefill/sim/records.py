"""Values as readable JSON and back, by their declared types; nothing else is ever built.

What: `to_json` and `from_json` for whole numbers, text, yes/no, enums, bytes (hex), dataclasses
(an object of their fields) and tuples, lists, sets, mappings and unions of these. A *shape* is a
type annotation, or a mapping name -> annotation for the attributes of an object that is no
dataclass.
Why: a file that somebody else wrote must not choose what is built: the caller names the shape, the
file only fills it. No pickle, no names of classes in the file.
Invariants: ``from_json(shape, to_json(shape, value)) == value``; a missing, unknown or mistyped
field raises `RecordError` with its path; ``True`` is no number.
Must never: accept a float, call anything but a constructor named by the shape, or fill in defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

Shape = Mapping[str, Any]
"""name -> annotation."""
Writer = Callable[[Any], object]
Reader = Callable[[object], Any]
INT_BITS_MAX = 512
"""Amounts in 1e-18 USD need some 100 bits; a longer number is somebody's joke."""


class RecordError(ValueError):
    """JSON that does not have the shape asked for; the message starts with the path."""


def to_json(shape: Any, value: Any) -> object:
    """The JSON-ready form of a value of this annotation."""
    return _codec(shape)[0](value)


def from_json(shape: Any, data: object) -> Any:
    """The value of JSON data. `RecordError` when it does not fit."""
    return _codec(shape)[1](data)


def read_fields(shape: Shape, data: object) -> dict[str, Any]:
    """The values of an object's fields: exactly those of the shape."""
    found = _object(data, set(shape))
    return {name: _at(name, hint, found[name]) for name, hint in shape.items()}


def write_fields(shape: Shape, source: object) -> dict[str, object]:
    """The attributes of ``source`` that the shape names."""
    return {name: to_json(hint, getattr(source, name)) for name, hint in shape.items()}


def shape_of(kind: type, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Fields of a dataclass and their annotations."""
    hints = get_type_hints(kind)
    return {item.name: hints[item.name] for item in fields(kind) if item.name not in without}


def _object(data: object, names: set[str]) -> Mapping[str, object]:
    if not isinstance(data, dict):
        raise RecordError("expected an object")
    for name in sorted(names ^ set(data)):
        raise RecordError(f"{name}: {'missing' if name in names else 'unknown'}")
    return data


def _at(where: object, shape: Any, data: object) -> Any:
    try:
        return from_json(shape, data)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from None


@cache
def _codec(shape: Any) -> tuple[Writer, Reader]:
    if shape in (int, str, bool, NoneType):
        return _same, lambda data: _plain(shape, data)
    if shape is object:
        return _same, _same
    if shape is bytes:
        return bytes.hex, _bytes
    if isinstance(shape, type) and issubclass(shape, Enum):
        return lambda value: value.value, lambda data: _member(shape, data)
    if is_dataclass(shape) and isinstance(shape, type):
        return _dataclass(shape)
    origin, args = get_origin(shape), get_args(shape)
    if origin in (Union, UnionType):
        return _union(args)
    if origin in (list, set, frozenset):
        return _many(origin, args[0])
    if origin is tuple:
        return _many(tuple, args[0]) if args[1:] == (...,) else _row(args)
    if origin in (dict, Mapping):
        return _mapping(args[0], args[1])
    raise TypeError(f"no record can hold {shape!r}")


def _same(value: Any) -> object:
    return value


def _plain(kind: type, data: object) -> object:
    if type(data) is not kind:
        raise RecordError(f"expected {kind.__name__}")
    if isinstance(data, int) and data.bit_length() > INT_BITS_MAX:
        raise RecordError("number out of range")
    return data


def _bytes(data: object) -> bytes:
    try:
        return bytes.fromhex(data) if isinstance(data, str) else bytes.fromhex("no text")
    except ValueError:
        raise RecordError("expected hex digits") from None


def _member(kind: type[Enum], data: object) -> Enum:
    try:
        return kind(data)
    except ValueError:
        raise RecordError(f"no {kind.__name__}: {str(data)[:40]}") from None


def _dataclass(kind: type) -> tuple[Writer, Reader]:
    shape = shape_of(kind)

    def read(data: object) -> Any:
        values = read_fields(shape, data)
        try:
            return kind(**values)
        except RecordError:
            raise
        except ValueError as error:  # what the type itself refuses
            raise RecordError(f"{kind.__name__}: {error}") from None

    return lambda value: write_fields(shape, value), read


def _union(args: tuple[Any, ...]) -> tuple[Writer, Reader]:
    """Plain kinds told apart by their JSON type, and at most one that is not plain."""
    plain = tuple(arg for arg in args if arg in (int, str, bool, NoneType))
    rest = [arg for arg in args if arg not in plain]
    if len(rest) > 1:
        raise TypeError(f"which of {rest!r} a record holds could not be told")

    def write(value: Any) -> object:
        return value if not rest or type(value) in plain else to_json(rest[0], value)

    def read(data: object) -> Any:
        if type(data) in plain:
            return _plain(type(data), data)
        if not rest:
            raise RecordError("of another type")
        return from_json(rest[0], data)

    return write, read


def _many(kind: Callable[[Any], Any], item: Any) -> tuple[Writer, Reader]:
    def write(value: Any) -> object:
        rows = [to_json(item, each) for each in value]
        return sorted(rows, key=str) if kind in (set, frozenset) else rows

    def read(data: object) -> Any:
        if not isinstance(data, list):
            raise RecordError("expected a list")
        return kind(_at(number, item, each) for number, each in enumerate(data))

    return write, read


def _row(items: tuple[Any, ...]) -> tuple[Writer, Reader]:
    def write(value: Any) -> object:
        return [to_json(item, each) for item, each in zip(items, value, strict=True)]

    def read(data: object) -> Any:
        if not isinstance(data, list) or len(data) != len(items):
            raise RecordError(f"expected a list of {len(items)}")
        return tuple(
            _at(number, item, each)
            for number, (item, each) in enumerate(zip(items, data, strict=True))
        )

    return write, read


def _mapping(key: Any, value: Any) -> tuple[Writer, Reader]:
    """Keys are text, or whole numbers and enums written as text. Order is kept."""

    def write(mapping: Any) -> object:
        return {str(to_json(key, k)): to_json(value, v) for k, v in mapping.items()}

    def read(data: object) -> Any:
        if not isinstance(data, dict):
            raise RecordError("expected an object")
        return {_key(key, name): _at(name, value, each) for name, each in data.items()}

    return write, read


def _key(kind: Any, name: str) -> Any:
    if kind is not int:
        return from_json(kind, name)
    if not name.removeprefix("-").isdecimal() or len(name) > INT_BITS_MAX // 8:
        raise RecordError(f"{name[:40]}: expected a whole number")
    return int(name)
