"""Everything that is wrong with a table of criteria at once, whatever else is wrong beside it.

`configs.profile_decoding` finds keys that are unknown, missing or of a wrong type. What the types of
`scanner.criteria` check themselves (bounds, minimum above maximum, contradictions) is asked here of all that
is left when those keys are taken out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import msgspec

from configs.profile_decoding import find_problems
from configs.profile_fields import bare_type, problem_with, shown
from configs.profile_problems import Problem, joined
from scanner.criteria import Criteria, Range, Structure, UnsoundError

_UNUSABLE = object()


def criteria_problems(table: Mapping[str, Any]) -> list[Problem]:
    """Return all problems of a criteria file's table; none means that it converts to `Criteria`."""
    _, problems = _section(table, Criteria, "")
    known = {problem.path for problem in problems}
    return [*problems, *(one for one in find_problems(table, Criteria) if one.path not in known)]


def _section(value: object, struct: type[msgspec.Struct], path: str) -> tuple[object, list[Problem]]:
    """Return what of a table can be used, `_UNUSABLE` if it makes no section, and what its checks found."""
    if not isinstance(value, Mapping):
        return _UNUSABLE, []
    usable: dict[str, object] = {}
    problems: list[Problem] = []
    for field in msgspec.structs.fields(struct):
        if field.name in value:
            kept, found = _field(value[field.name], field.type, joined(path, field.name))
            problems.extend(found)
            if kept is not _UNUSABLE:
                usable[field.name] = kept
    for _ in range(1 + len(usable)):  # each round takes out what is wrong, and asks again
        messages = _messages(usable, struct)
        if not messages:
            break
        for key, message in messages:
            problems.append(Problem(joined(path, key), message))
            usable.pop(key, None)
    return (usable if _converts(usable, struct) else _UNUSABLE), problems


def _messages(usable: Mapping[str, object], struct: type[msgspec.Struct]) -> list[tuple[str, str]]:
    """Return key and message of what the section's own checks say, nothing if it cannot be made at all."""
    try:
        msgspec.convert(usable, struct)
    except (msgspec.ValidationError, ValueError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, UnsoundError):
            parted = (message.partition(" ") for message in cause.messages)
            return [(key, rest) for key, _, rest in parted]
    return []


def _converts(usable: Mapping[str, object], struct: type[msgspec.Struct]) -> bool:
    try:
        msgspec.convert(usable, struct)
    except (msgspec.ValidationError, ValueError):
        return False
    return True


def _field(value: object, field_type: Any, path: str) -> tuple[object, list[Problem]]:
    bare = bare_type(field_type)
    item = get_args(bare)[0] if get_origin(bare) is tuple else None
    if bare is Range:
        return _bounds(value), []
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return _section(value, bare, path)
    if item is Structure:
        return _structures(value, path)
    if isinstance(item, type) and issubclass(item, msgspec.Struct) and isinstance(value, list):
        parts = [_section(member, item, f"{path}[{place}]") for place, member in enumerate(value)]
        kept = [part for part, _ in parts if part is not _UNUSABLE]
        return (kept if kept or not value else _UNUSABLE), [one for _, found in parts for one in found]
    return (_UNUSABLE if problem_with(value, field_type) else value), []


def _bounds(value: object) -> object:
    """Return the bounds of a range that are numbers."""
    if not isinstance(value, Mapping) or not value:
        return _UNUSABLE if not isinstance(value, Mapping) else value
    numbers = {name: value[name] for name in ("min", "max") if _is_number(value.get(name))}
    return numbers or _UNUSABLE


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _structures(value: object, path: str) -> tuple[object, list[Problem]]:
    allowed = ", ".join(Structure)
    if not isinstance(value, list):
        return _UNUSABLE, [Problem(path, f"is {shown(value)}, allowed: a list of {allowed}")]
    wrong = [one for one in value if one not in list(Structure)]
    kept = [one for one in value if one not in wrong]
    problems = [Problem(path, f"has {shown(one)}, allowed: {allowed}.{_nearest(one)}") for one in wrong]
    return (kept if kept or not wrong else _UNUSABLE), problems


def _nearest(value: object) -> str:
    close = get_close_matches(str(value), list(Structure), n=1, cutoff=0.6)
    return f" Did you mean {str(close[0])!r}?" if close else ""
