"""Values to canonical bytes and back: the one way in which anything of ours reaches the journal.

What: JSON text without spaces; a dataclass is an object with its type name under ``"$"`` and every
field in declared order; an enum member is its name; a tuple is an array; a mapping is an object
with sorted keys. The shape comes from `dataclasses.fields` and the resolved type hints, compiled
once per type.
Why: one value has exactly one spelling, so digests can be compared byte by byte (I7, I19); the tag
lets a field grow into a union later without a migration.
Invariants: ``decode(encode(value)) == value``; only registered types are written or built; numbers
are ``int``. A value that does not fit its own annotation is our bug and raises ``TypeError``; bytes
that do not fit raise `JournalError` with the path of what is wrong. A field that came later
(`journal.added`) is written only where it differs from its default, so journals without it, older
or of a feature that nobody used, read, verify and digest the same in both versions.
Must never: accept a float, an unknown tag, an unknown or repeated field, or fill in a default for a
datum that is not there, except of a field in that table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import partial
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from threading import RLock
from types import ModuleType, NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from surefill.core import (
    commands,
    events,
    excursion,
    fix,
    limits,
    management,
    market,
    order,
    plan,
    pricing,
    reasons,
    session,
    state,
    tactic,
    trade,
    units,
)
from surefill.core.memory import KEPT, remembered, remembered_once
from surefill.journal.added import ADDED
from surefill.ports import JournalError

TAG = "$"
CORE_MODULES = (
    units,
    fix,
    reasons,
    market,
    session,
    management,
    plan,
    limits,
    pricing,
    events,
    excursion,
    commands,
    order,
    tactic,
    trade,
    state,
)

_REPEATED = (
    *(order.ChildOrder, order.Fill, commands.OrderSpec, trade.ExitGroup),
    *(plan.TradePlan, plan.Policy, pricing.EntryTerms, units.TickSchedule),
    *(session.Calendar, session.Session),
)
REPEATED = {**dict.fromkeys(_REPEATED, KEPT), events.ExecutionReport: 4_096}
"""What stands unchanged in one image or listing after another: of how many the text is remembered.
No mapping is in any of them, so none can change after it was spelled. Reports take some 5 MB."""

Encoder = Callable[[Any], str]
Decoder = Callable[[object], Any]
T = TypeVar("T")


class _Mismatch(ValueError):
    """Bytes that do not fit the annotation; the path is put in front on the way up."""


class _Foreign(_Mismatch):
    """Bytes of another shape: their chain and digest hold, so another version wrote them."""


def types_of(module: ModuleType) -> tuple[type, ...]:
    """Every dataclass and enum that ``module`` itself defines."""
    return tuple(
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and item.__module__ == module.__name__
        and (is_dataclass(item) or issubclass(item, Enum))
    )


class Codec:
    """Encoders and decoders of the registered types, compiled on first use.

    ``_types``: tag -> type; ``_encoders`` and ``_decoders``: type -> compiled function;
    ``_added``: tag -> fields that older bytes do not have.
    """

    def __init__(self, added: Mapping[str, frozenset[str]] = ADDED) -> None:
        self._added = added
        self._types: dict[str, type] = {}
        self._encoders: dict[object, Encoder] = {}
        self._decoders: dict[object, Decoder] = {}
        # Two engines in one process, each on its own thread, may meet a type for the first time.
        self._compiling = RLock()

    def register(self, *types: type) -> None:
        """Allow these frozen dataclasses and enums; two of one name raise ``TypeError``."""
        for cls in types:
            if self._types.setdefault(cls.__name__, cls) is not cls:
                raise TypeError(f"two types are called {cls.__name__}; a tag must be unique")
            if issubclass(cls, Enum):
                continue
            params = vars(cls).get("__dataclass_params__")
            if params is None or not params.frozen:
                raise TypeError(f"{cls.__name__} is not a frozen dataclass")

    def encode(self, value: object) -> bytes:
        """Canonical bytes of a registered dataclass. Raises ``TypeError`` for anything else."""
        return self._encoder(type(value))(value).encode("ascii")

    def decode(self, data: bytes, expected: type[T]) -> T:
        """The value in ``data``, which must be of exactly the ``expected`` type.

        Raises `JournalError` naming the first thing that does not fit (JOURNAL_CORRUPT; of a value
        whose fields are others, JOURNAL_VERSION).
        """
        try:
            raw = _LOADER.decode(data.decode("ascii"))
            value: T = self._decoder(expected)(raw)
        except (ValueError, RecursionError) as problem:
            code = "JOURNAL_VERSION" if isinstance(problem, _Foreign) else "JOURNAL_CORRUPT"
            sentence = f"a stored {expected.__name__} cannot be read: {problem}"
            raise JournalError(code, sentence) from None
        return value

    # ------------------------------------------------------------------------------- encoding

    def _encoder(self, hint: object) -> Encoder:
        encoder = self._encoders.get(hint)
        if encoder is not None:
            return encoder
        with self._compiling:
            try:
                encoder = self._encoders[hint] = self._compile_encoder(hint)
            except TypeError:
                self._encoders.pop(hint, None)  # what `_dataclass_encoder` put there for itself
                raise
        return encoder

    def _compile_encoder(self, hint: object) -> Encoder:
        if hint in _SCALARS:
            return _SCALARS[hint][0]
        origin, args = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return self._union_encoder(args)
        if origin is tuple and len(args) == 2 and args[1] is ...:
            row = self._sequence_encoder(self._encoder(args[0]))
            return remembered_once(row) if args[0] is events.Instrument else row  # long, lasting
        if origin is tuple:
            return self._row_encoder([self._encoder(arg) for arg in args])
        if origin in (dict, Mapping) and args[0] is str:
            return self._mapping_encoder(self._encoder(args[1]))
        cls = self._allowed(hint)
        if issubclass(cls, Enum):
            return _enum_encoder(cls)
        return self._dataclass_encoder(cls)

    def _dataclass_encoder(self, cls: type) -> Encoder:
        # A type may hold itself (an order report and its legs): look it up when it is called.
        made: list[Encoder] = []
        late = partial(self._compiled, self._encoders, cls)
        self._encoders[cls] = lambda value: (made[0] if made else late())(value)
        hints = self._hints(cls)
        head = f'{{"{TAG}":"{cls.__name__}"'
        slots = [(f',"{name}":', self._encoder(hint)) for name, hint in hints.items()]
        read = attrgetter(*hints) if hints else None
        places = {name: n for n, name in enumerate(hints)}
        later = [(places[name], default) for name, default in self._later(cls).items()]

        def spell(value: object) -> str:
            if read is None:
                return head + "}"
            values = read(value) if len(slots) > 1 else (read(value),)
            try:
                parts = [key + one(part) for (key, one), part in zip(slots, values, strict=True)]
            except TypeError as problem:
                raise TypeError(f"{cls.__name__}: {problem}") from None
            for place, default in later:
                if values[place] == default:
                    parts[place] = ""
            return head + "".join(parts) + "}"

        spelled = remembered(spell, kept=REPEATED[cls]) if cls in REPEATED else spell

        def encode(value: object) -> str:
            if type(value) is not cls:
                raise TypeError(f"expected {cls.__name__}, got {value!r}")
            return spelled(value)

        made.append(encode)
        return encode

    def _union_encoder(self, members: tuple[object, ...]) -> Encoder:
        _refuse_ambiguous(members)
        by_type = {get_origin(member) or member: self._encoder(member) for member in members}

        def encode(value: object) -> str:
            encoder = by_type.get(type(value))
            if encoder is None:
                raise TypeError(f"{value!r} fits none of {_names(members)}")
            return encoder(value)

        return encode

    def _sequence_encoder(self, one: Encoder) -> Encoder:
        def encode(value: object) -> str:
            if type(value) is not tuple:
                raise TypeError(f"expected a tuple, got {value!r}")
            return f"[{','.join([one(item) for item in value])}]" if value else "[]"

        return encode

    def _row_encoder(self, parts: list[Encoder]) -> Encoder:
        def encode(value: object) -> str:
            if type(value) is not tuple or len(value) != len(parts):
                raise TypeError(f"expected a tuple of {len(parts)}, got {value!r}")
            return f"[{','.join([one(item) for one, item in zip(parts, value, strict=True)])}]"

        return encode

    def _mapping_encoder(self, one: Encoder) -> Encoder:
        def encode(value: object) -> str:
            if not isinstance(value, Mapping):
                raise TypeError(f"expected a mapping, got {value!r}")
            pairs = [f"{_encode_str(key)}:{one(value[key])}" for key in sorted(value)]
            return f"{{{','.join(pairs)}}}"

        return encode

    # ------------------------------------------------------------------------------- decoding

    def _decoder(self, hint: object) -> Decoder:
        decoder = self._decoders.get(hint)
        if decoder is not None:
            return decoder
        with self._compiling:
            try:
                decoder = self._decoders[hint] = self._compile_decoder(hint)
            except TypeError:
                self._decoders.pop(hint, None)  # what `_dataclass_decoder` put there for itself
                raise
        return decoder

    def _compile_decoder(self, hint: object) -> Decoder:
        if hint in _SCALARS:
            return _SCALARS[hint][1]
        origin, args = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return self._union_decoder(args)
        if origin is tuple and len(args) == 2 and args[1] is ...:
            return partial(_decode_sequence, self._decoder(args[0]))
        if origin is tuple:
            return partial(_decode_row, [self._decoder(arg) for arg in args])
        if origin in (dict, Mapping) and args[0] is str:
            return partial(_decode_mapping, self._decoder(args[1]))
        cls = self._allowed(hint)
        if issubclass(cls, Enum):
            return partial(_decode_enum, cls)
        return self._dataclass_decoder(cls)

    def _dataclass_decoder(self, cls: type) -> Decoder:
        self._decoders[cls] = lambda raw: self._compiled(self._decoders, cls)(raw)
        decoders = {name: self._decoder(hint) for name, hint in self._hints(cls).items()}
        names = {TAG, *decoders}
        later = self._later(cls).keys()

        def decode(raw: object) -> object:
            if type(raw) is not dict or raw.get(TAG) != cls.__name__:
                raise _Mismatch(f"expected {cls.__name__}, found {_shown(raw)}")
            wrong = (names ^ raw.keys()) - later
            if wrong:
                raise _Foreign(
                    f"{cls.__name__} has missing or unknown fields: {', '.join(sorted(wrong))}; "
                    "another version of Surefill wrote it, start that one until its trades are "
                    "closed"
                )
            values = {}
            for name, one in decoders.items():
                if name not in raw:
                    continue
                try:
                    values[name] = one(raw[name])
                except _Mismatch as problem:
                    raise type(problem)(f"{cls.__name__}.{name}: {problem}") from None
            return cls(**values)

        return decode

    def _union_decoder(self, members: tuple[object, ...]) -> Decoder:
        _refuse_ambiguous(members)
        tagged = [member for member in members if _is_tagged(member)]
        others = [member for member in members if not _is_tagged(member)]
        by_tag = {_name(member): self._decoder(member) for member in tagged}
        by_shape = {_shape(member): self._decoder(member) for member in others}

        def decode(raw: object) -> object:
            decoder = by_shape.get(type(raw))
            if decoder is None and type(raw) is dict:
                decoder = by_tag.get(str(raw.get(TAG)))
            if decoder is None:
                raise _Mismatch(f"{_shown(raw)} fits none of {_names(members)}")
            return decoder(raw)

        return decode

    # ------------------------------------------------------------------------------- shapes

    def _compiled(self, known: Mapping[object, T], cls: type) -> T:
        """The function itself, not what stands there while another thread compiles it."""
        with self._compiling:
            return known[cls]

    def _allowed(self, hint: object) -> type:
        if isinstance(hint, type) and self._types.get(hint.__name__) is hint:
            return hint
        raise TypeError(f"{_name(hint)} is not a registered type")

    def _hints(self, cls: type) -> dict[str, object]:
        hints = get_type_hints(cls)
        return {field.name: hints[field.name] for field in fields(cls)}

    def _later(self, cls: type) -> dict[str, object]:
        """name -> default of the fields that this type did not have from the first journal on."""
        added = self._added.get(cls.__name__, frozenset())
        found = {one.name: one.default for one in fields(cls) if one.name in added}
        for name, default in found.items():
            if default is MISSING:
                raise TypeError(f"{cls.__name__}.{name} came later and has no default")
        return found


def _is_tagged(member: object) -> bool:
    return isinstance(member, type) and is_dataclass(member)


def _shape(member: object) -> type:
    """The JSON type (as Python reads it) that a member without a tag has."""
    if member in _SCALARS and isinstance(member, type):
        return member
    if get_origin(member) is tuple:
        return list
    return dict if get_origin(member) else str


def _refuse_ambiguous(members: tuple[object, ...]) -> None:
    shapes = [_shape(member) for member in members if not _is_tagged(member)]
    has_tags = any(_is_tagged(member) for member in members)
    if len(set(shapes)) < len(shapes) or (has_tags and dict in shapes):
        raise TypeError(f"the members of {_names(members)} look alike in JSON")


# ------------------------------------------------------------------------------------- leaves


def _encode_int(value: object) -> str:
    if type(value) is not int:
        raise TypeError(f"expected an int, got {value!r}")
    return str(value)


def _encode_str(value: object) -> str:
    if type(value) is not str:
        raise TypeError(f"expected text, got {value!r}")
    return encode_basestring_ascii(value)


def _encode_bool(value: object) -> str:
    if type(value) is not bool:
        raise TypeError(f"expected a bool, got {value!r}")
    return "true" if value else "false"


def _encode_none(value: object) -> str:
    if value is not None:
        raise TypeError(f"expected None, got {value!r}")
    return "null"


def _decode_scalar(cls: type, raw: object) -> object:
    if type(raw) is not cls:
        raise _Mismatch(f"expected {cls.__name__}, found {_shown(raw)}")
    return raw


_SCALARS: dict[object, tuple[Encoder, Decoder]] = {
    int: (_encode_int, partial(_decode_scalar, int)),
    str: (_encode_str, partial(_decode_scalar, str)),
    bool: (_encode_bool, partial(_decode_scalar, bool)),
    NoneType: (_encode_none, partial(_decode_scalar, NoneType)),
}


def _enum_encoder(cls: type[Enum]) -> Encoder:
    texts = {member: f'"{member.name}"' for member in cls}

    def encode(value: object) -> str:
        if type(value) is not cls:
            raise TypeError(f"expected {cls.__name__}, got {value!r}")
        return texts[value]

    return encode


def _decode_enum(cls: type[Enum], raw: object) -> Enum:
    member = cls.__members__.get(raw) if type(raw) is str else None
    if member is None:
        raise _Mismatch(f"{_shown(raw)} is not a {cls.__name__}")
    return member


def _decode_sequence(one: Decoder, raw: object) -> tuple[object, ...]:
    if type(raw) is not list:
        raise _Mismatch(f"expected an array, found {_shown(raw)}")
    return tuple([one(item) for item in raw])


def _decode_row(parts: list[Decoder], raw: object) -> tuple[object, ...]:
    if type(raw) is not list or len(raw) != len(parts):
        raise _Mismatch(f"expected an array of {len(parts)}, found {_shown(raw)}")
    return tuple([one(item) for one, item in zip(parts, raw, strict=True)])


def _decode_mapping(one: Decoder, raw: object) -> dict[str, object]:
    if type(raw) is not dict:
        raise _Mismatch(f"expected an object, found {_shown(raw)}")
    return {key: one(item) for key, item in raw.items()}


def _name(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)


def _names(members: Iterable[object]) -> str:
    return " | ".join(_name(member) for member in members)


def _shown(raw: object) -> str:
    return repr(raw)[:80]


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Mismatch("a field stands there twice")
    return found


def _no_float(text: str) -> object:
    raise _Mismatch(f"{text} is not a whole number")


_LOADER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float
)

CODEC = Codec()
"""The codec of the product. Types beyond the core's are added once, at import, by `register`."""

for _module in CORE_MODULES:
    CODEC.register(*types_of(_module))


def register(*types: type) -> None:
    """Allow more types in the journal (frozen dataclasses and enums)."""
    CODEC.register(*types)


def encode(value: object) -> bytes:
    """Canonical bytes of a registered dataclass."""
    return CODEC.encode(value)


def decode(data: bytes, expected: type[T]) -> T:
    """The value in ``data``; see `Codec.decode`."""
    return CODEC.decode(data, expected)
