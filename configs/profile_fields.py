"""Fields that know their unit, bounds and meaning: checked on decode, on construction, and printed.

A section is a frozen msgspec Struct whose fields are `Annotated[type, setting("meaning", ...)]`.
msgspec itself checks bounds on decode only and never those of a `Decimal`, so `Section` checks
every field again whenever one is constructed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

NAME_PATTERN = r"[a-z][a-z0-9_]{0,47}"
"""Names that become keys, module names, folder names and environment variables."""

TEXT_SHOWN_MAX = 60
"""Characters of an offending value that a message repeats."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a field allows beside its type: inclusive bounds, a pattern (of each item), its unit."""

    at_least: Decimal | None = None
    at_most: Decimal | None = None
    pattern: str | None = None
    example: str | None = None
    unit: str | None = None


def setting(meaning: str, **limits: object) -> msgspec.Meta:
    """Describe a field; `limits` are those of `Limits`, e.g. `at_least=0, unit="ms"`."""
    return msgspec.Meta(description=meaning, extra=limits)


class SectionError(ValueError):
    """What is wrong with a section; each message begins with the key that it is about."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = tuple(messages)


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a profile. Raises `SectionError` (a `ValueError`) naming every wrong field."""

    def __post_init__(self) -> None:
        problems: list[str] = []
        for field in msgspec.structs.fields(self):
            value = getattr(self, field.name)
            problem = problem_with(value, field.type)
            if problem is not None:
                problems.append(f"{field.name} {problem}")
                continue
            # A list becomes a tuple and 5 becomes 5.0, so that equal sections are equal and hash alike.
            msgspec.structs.force_setattr(self, field.name, msgspec.convert(value, field.type))
        problems = problems or list(self.contradictions())
        if problems:
            raise SectionError(problems)

    def contradictions(self) -> Sequence[str]:
        """Return what is wrong between fields that are each right, as `field message`."""
        return ()


def problem_with(value: object, field_type: Any) -> str | None:
    """Return "is VALUE, allowed: ..." when `value` does not fit the annotated type, else `None`."""
    try:
        converted = msgspec.convert(value, field_type)
    except (msgspec.ValidationError, ValueError, TypeError, ArithmeticError, RecursionError):
        return f"is {shown(value)}, allowed: {allowed(field_type)}"
    if not _all_finite(converted) or not _within(converted, field_type):
        return f"is {shown(value)}, allowed: {allowed(field_type)}"
    return None


def meaning_of(field_type: Any) -> str:
    """Return the description of an annotated type, or an empty text."""
    return next((meta.description for meta in _metas(field_type) if meta.description), "")


def limits_of(field_type: Any) -> Limits:
    """Return the limits of an annotated type, whether `setting`, `risk.limits` or msgspec states them."""
    for meta in _metas(field_type):
        bounds = {"at_least": meta.ge, "at_most": meta.le}
        stated = {name: bound for name, bound in bounds.items() if bound is not None} | (meta.extra or {})
        known = {name: stated[name] for name in Limits.__struct_fields__ if name in stated}
        if known:
            return msgspec.convert(known, Limits)
    return Limits()


def allowed(field_type: Any) -> str:
    """Return in words what an annotated type allows, e.g. "a whole number from 1 to 100 shares"."""
    limits = limits_of(field_type)
    words = type_name(field_type)
    if limits.at_least is not None and limits.at_most is not None:
        words += f" from {limits.at_least.normalize():f} to {limits.at_most.normalize():f}"
    elif limits.at_least is not None:
        words += f" of at least {limits.at_least.normalize():f}"
    elif limits.at_most is not None:
        words += f" of at most {limits.at_most.normalize():f}"
    if limits.unit:
        words += f" {limits.unit}"
    if limits.example:
        words += f" such as {limits.example}"
    elif limits.pattern:
        words += f" matching {limits.pattern}"
    return words


def type_name(field_type: Any) -> str:
    """Return the plain name of a type: "a whole number", "'L1' or 'L2'", "a list of texts"."""
    bare = bare_type(field_type)
    origin = get_origin(bare)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in get_args(bare))
    if origin in (UnionType, Union):
        return " or ".join(type_name(member) for member in get_args(bare) if member is not NoneType)
    if origin is tuple:
        return f"a list, each {type_name(get_args(bare)[0])}"
    if origin is dict:
        return "a table"
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return "a table"
    return _NAMES.get(bare, getattr(bare, "__name__", str(bare)))


_NAMES: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    str: "text",
    bool: "true or false",
    date: "a date such as 2013-10-07",
}


def bare_type(field_type: Any) -> Any:
    """Return the type without annotations and without `None`: `Annotated[int, ...] | None` gives `int`."""
    while True:
        origin = get_origin(field_type)
        if origin is Annotated:
            field_type = get_args(field_type)[0]
        elif origin in (UnionType, Union):
            members = [member for member in get_args(field_type) if member is not NoneType]
            if len(members) != 1:
                return field_type
            field_type = members[0]
        else:
            return field_type


def shown(value: object) -> str:
    """Return `value` as a message repeats it: short, and as it stands in TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "a table"
    text = repr(value)
    return text if len(text) <= TEXT_SHOWN_MAX else f"{text[: TEXT_SHOWN_MAX - 3]}..."


def _metas(field_type: Any) -> Sequence[msgspec.Meta]:
    origin = get_origin(field_type)
    if origin is Annotated:
        inner, *metas = get_args(field_type)
        return [*(meta for meta in metas if isinstance(meta, msgspec.Meta)), *_metas(inner)]
    if origin in (UnionType, Union):
        return [meta for member in get_args(field_type) for meta in _metas(member)]
    return []


def _all_finite(value: object) -> bool:
    if isinstance(value, float):
        return value - value == 0
    if isinstance(value, Decimal):
        return value.is_finite()
    if isinstance(value, Mapping):
        return all(_all_finite(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(_all_finite(item) for item in value)
    return True


def _within(value: object, field_type: Any) -> bool:
    limits = limits_of(field_type)
    texts = value if isinstance(value, tuple) else (value,)
    if limits.pattern is not None:
        matching = (isinstance(text, str) and re.fullmatch(limits.pattern, text) for text in texts)
        return value is None or all(matching)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return True
    at_least, at_most = limits.at_least, limits.at_most
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
