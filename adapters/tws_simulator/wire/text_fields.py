"""Fields of the text protocol, and layouts that read and write them.

A text message is a sequence of NUL-terminated fields. A `Layout` says which field of a protobuf
message stands at which place, once for both directions:

    Plain("*=1 reqId contract.conId? contract.strike? size# isDone")
        path       a field by its path; its type is the protobuf field's
        path?      zero means absent, as the text protocol writes an unset contract id or strike
        path#      a decimal number in a text field; read strictly
        path~      a double that the text writes as an integer where it is one (a multiplier)
        path=text  what is written when the field is absent; what is written otherwise is its value
        *          nothing of ours; skipped when read, written empty, or as the text after `=`
    Repeat("contract.comboLegs", layout)    a count, then that many messages
    Values("expirations")                   a count, then that many scalars
    Pairs("order.algoParams")               a count, then tag and value of each
    Options("chartOptions")                 tag=value;tag=value; in one field
    Words("isConjunction", {"a": True})     a boolean as a word
    Mask("a.b", "a.c")                      booleans as the bits of one integer
    Flagged("contract.deltaNeutral", lay)   1 and the nested message's fields, or 0
    When(test, layout)                      only where `test(message)` holds, judged on what stands before
    InOrder(layout or tokens, ...)          one after the other

Absent numbers are empty, 2147483647 or 1.7976931348623157E308 on the wire; none of these reaches a
protobuf field. Anything that is not of its field's type raises `MalformedFrame`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from adapters.tws_simulator.messages import Message
from adapters.tws_simulator.wire.text_numbers import (
    MalformedFrame,
    decimal_text,
    double,
    double_text,
    integer,
)

REPEATS_MAX = 10_000
"""How many repetitions a count may announce: more than any request of TWS needs, less than harm."""


class FieldReader:
    """Takes the fields of one text message from first to last."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields, self._next = fields, 0

    def take(self, name: str) -> str:
        """Return the next field; raises `MalformedFrame` when there is none."""
        if self._next >= len(self._fields):
            raise MalformedFrame(f"field {self._next + 1} ({name}) is missing")
        self._next += 1
        return self._fields[self._next - 1]

    def count(self, name: str) -> int:
        """Return the next field as a number of repetitions."""
        text = self.take(name)
        number = integer(text, name=f"count of {name}", kind="int32") if text else 0
        if number is None or not 0 <= number <= REPEATS_MAX:
            raise MalformedFrame(f"count of {name} is {text!r}, it must be 0 to {REPEATS_MAX}")
        return number


class Layout(Protocol):
    """A part of a text message."""

    def read(self, fields: FieldReader, message: Message) -> None:
        """Move fields into `message`."""

    def write(self, message: Message, fields: list[str]) -> None:
        """Append the fields of `message`."""


class _Place(NamedTuple):
    """One token of `Plain`: a path, or nothing of ours when `path` is empty."""

    path: tuple[str, ...]
    zero_is_absent: bool
    is_decimal: bool
    is_integral: bool
    absent_text: str


class Plain:
    """Fields that are always there, in the order of the tokens (see the module)."""

    def __init__(self, tokens: str) -> None:
        self._places = [_place(token) for token in tokens.split()]

    def read(self, fields: FieldReader, message: Message) -> None:
        """Move each field to its path; empty and unset values stay absent."""
        for place in self._places:
            text = fields.take(".".join(place.path))
            if place.path and text:
                _set(message, place, text)

    def write(self, message: Message, fields: list[str]) -> None:
        """Append each path's value, or the token's text when it is absent."""
        fields.extend(_text_at(message, place) if place.path else place.absent_text for place in self._places)


class Repeat:
    """A count, then `layout` for each message of the repeated field at `path`."""

    def __init__(self, path: str, layout: Layout) -> None:
        self._path, self._layout = tuple(path.split(".")), layout

    def read(self, fields: FieldReader, message: Message) -> None:
        """Append as many messages as the count says."""
        count = fields.count(self._path[-1])
        target = _parent(message, self._path)
        for _ in range(count):
            self._layout.read(fields, getattr(target, self._path[-1]).add())

    def write(self, message: Message, fields: list[str]) -> None:
        """Append the count and every message."""
        items = _look(message, self._path)
        fields.append(str(len(items)))
        for item in items:
            self._layout.write(item, fields)


class Each:
    """`layout` for each message of the repeated field at `path`, as many as another count said."""

    def __init__(self, path: str, layout: Layout) -> None:
        self._path, self._layout = tuple(path.split(".")), layout

    def read(self, fields: FieldReader, message: Message) -> None:
        """Fill the messages that are there, by a count of its own."""
        count = fields.count(self._path[-1])
        items = _look(message, self._path)
        if count not in (0, len(items)):
            raise MalformedFrame(f"{count} values for {len(items)} {self._path[-1]}")
        for item in items[:count]:
            self._layout.read(fields, item)

    def write(self, message: Message, fields: list[str]) -> None:
        """Append the count and every message's part."""
        items = _look(message, self._path)
        fields.append(str(len(items)))
        for item in items:
            self._layout.write(item, fields)


class Values:
    """A count, then the scalars of the repeated field at `path`."""

    def __init__(self, path: str) -> None:
        self._path = tuple(path.split("."))

    def read(self, fields: FieldReader, message: Message) -> None:
        """Append as many scalars as the count says."""
        count = fields.count(self._path[-1])
        target = _parent(message, self._path)
        kind = _kind(target, self._path[-1])
        values = [_value(fields.take(self._path[-1]), self._path[-1], kind) for _ in range(count)]
        getattr(target, self._path[-1]).extend(value for value in values if value is not None)

    def write(self, message: Message, fields: list[str]) -> None:
        """Append the count and every scalar."""
        items = _look(message, self._path)
        fields.append(str(len(items)))
        fields.extend(_text(item) for item in items)


class Pairs:
    """A count, then tag and value of each entry of the map at `path`."""

    def __init__(self, path: str) -> None:
        self._path = tuple(path.split("."))

    def read(self, fields: FieldReader, message: Message) -> None:
        """Fill the map; a later tag replaces an equal earlier one."""
        count = fields.count(self._path[-1])
        for _ in range(count):
            tag, value = fields.take(self._path[-1]), fields.take(self._path[-1])
            getattr(_parent(message, self._path), self._path[-1])[tag] = value

    def write(self, message: Message, fields: list[str]) -> None:
        """Append the count and every pair, by tag."""
        items = _look(message, self._path)
        fields.append(str(len(items)))
        for tag in sorted(items):
            fields += [tag, items[tag]]


class Options:
    """The map at `path` as `tag=value;tag=value;` in one field."""

    def __init__(self, path: str) -> None:
        self._path = tuple(path.split("."))

    def read(self, fields: FieldReader, message: Message) -> None:
        """Fill the map from one field."""
        text = fields.take(self._path[-1])
        for part in filter(None, text.split(";")):
            tag, _, value = part.partition("=")
            getattr(_parent(message, self._path), self._path[-1])[tag] = value

    def write(self, message: Message, fields: list[str]) -> None:
        """Append one field."""
        items = _look(message, self._path)
        fields.append("".join(f"{tag}={items[tag]};" for tag in sorted(items)))


class When:
    """`layout`, only where `test` of the whole message holds; it sees what stands before."""

    def __init__(self, test: Callable[[Message], bool], layout: Layout) -> None:
        self._test, self._layout = test, layout

    def read(self, fields: FieldReader, message: Message) -> None:
        """Read the layout if the fields read so far call for it."""
        if self._test(message):
            self._layout.read(fields, message)

    def write(self, message: Message, fields: list[str]) -> None:
        """Write the layout if the message calls for it."""
        if self._test(message):
            self._layout.write(message, fields)


class Mask:
    """Boolean fields as the bits of one integer, lowest bit first."""

    def __init__(self, *paths: str) -> None:
        self._paths = [tuple(path.split(".")) for path in paths]

    def read(self, fields: FieldReader, message: Message) -> None:
        """Set every boolean whose bit is set."""
        bits = integer(fields.take("mask") or "0", name="mask", kind="int32") or 0
        for number, path in enumerate(self._paths):
            if bits >> number & 1:
                setattr(_parent(message, path), path[-1], True)

    def write(self, message: Message, fields: list[str]) -> None:
        """Append the integer."""
        fields.append(
            str(sum(bool(_look(message, path)) << number for number, path in enumerate(self._paths)))
        )


class Words:
    """A boolean at `path` written as one of two words."""

    def __init__(self, path: str, words: dict[str, bool]) -> None:
        self._path, self._words = tuple(path.split(".")), words

    def read(self, fields: FieldReader, message: Message) -> None:
        """Set the boolean that the word stands for."""
        word = fields.take(self._path[-1])
        if word not in self._words:
            raise MalformedFrame(
                f"{self._path[-1]} is {word[:40]!r}, it must be one of {', '.join(self._words)}"
            )
        setattr(_parent(message, self._path), self._path[-1], self._words[word])

    def write(self, message: Message, fields: list[str]) -> None:
        """Append the word for the boolean."""
        value = bool(_look(message, self._path))
        fields.append(next(word for word, meaning in self._words.items() if meaning is value))


class Flagged:
    """A flag, and when it is 1 the `layout` of the nested message at `path` (paths from the top)."""

    def __init__(self, path: str, layout: Layout) -> None:
        self._path, self._layout = tuple(path.split(".")), layout

    def read(self, fields: FieldReader, message: Message) -> None:
        """Read the flag, and the nested message when it is set."""
        if _boolean(fields.take(self._path[-1]) or "0", self._path[-1]):
            _look(message, self._path).SetInParent()
            self._layout.read(fields, message)

    def write(self, message: Message, fields: list[str]) -> None:
        """Write the flag, and the nested message when there is one."""
        is_there = _parent(message, self._path).HasField(self._path[-1])
        fields.append("1" if is_there else "0")
        if is_there:
            self._layout.write(message, fields)


class InOrder:
    """Layouts one after the other; a string stands for `Plain` of it."""

    def __init__(self, *parts: Layout | str) -> None:
        self._parts: list[Layout] = [Plain(part) if isinstance(part, str) else part for part in parts]

    def read(self, fields: FieldReader, message: Message) -> None:
        """Read every part."""
        for part in self._parts:
            part.read(fields, message)

    def write(self, message: Message, fields: list[str]) -> None:
        """Write every part."""
        for part in self._parts:
            part.write(message, fields)


# ---------------------------------------------------------------------- paths into protobuf


def _place(token: str) -> _Place:
    path, _, absent_text = token.partition("=")
    bare = path.rstrip("?#~")
    names = () if bare == "*" else tuple(bare.split("."))
    return _Place(names, "?" in path, "#" in path, "~" in path, absent_text)


def _parent(message: Message, path: tuple[str, ...]) -> Message:
    for name in path[:-1]:
        message = getattr(message, name)
    return message


def _look(message: Message, path: tuple[str, ...]) -> Any:
    """Return what is at `path` for reading; nested messages that are absent read as empty ones."""
    for name in path:
        message = getattr(message, name)
    return message


_KINDS = {1: "double", 3: "int64", 5: "int32", 8: "bool", 9: "string"}
_kinds: dict[tuple[str, str], str] = {}


def _kind(message: Message, name: str) -> str:
    key = (message.DESCRIPTOR.full_name, name)
    kind = _kinds.get(key)
    if kind is None:
        kind = _kinds[key] = _KINDS[message.DESCRIPTOR.fields_by_name[name].type]
    return kind


def _value(text: str, name: str, kind: str) -> Any:
    if kind == "string":
        return text
    if kind == "double":
        return double(text, name=name)
    if kind == "bool":
        return _boolean(text, name)
    return integer(text, name=name, kind=kind)


def _boolean(text: str, name: str) -> bool:
    known = {"0": False, "1": True, "false": False, "true": True}.get(text.lower())
    if known is None:
        raise MalformedFrame(f"{name} is {text[:40]!r}, it must be 0 or 1")
    return known


def _set(message: Message, place: _Place, text: str) -> None:
    target, name = _parent(message, place.path), place.path[-1]
    if place.is_decimal:
        value: Any = decimal_text(text, name=name)
    else:
        value = _value(text, name, _kind(target, name))
    if value is None or (place.zero_is_absent and not value):
        return
    setattr(target, name, value)


def _text_at(message: Message, place: _Place) -> str:
    target, name = _parent(message, place.path), place.path[-1]
    if not target.HasField(name):
        return place.absent_text
    value = getattr(target, name)
    if place.is_integral and value == int(value):
        return str(int(value))
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.replace("\0", " ")
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return double_text(value)
    return str(value)
