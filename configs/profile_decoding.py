"""Plain tables into sections: every unknown, missing, mistyped and out-of-bounds key, not just the first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard, get_args, get_origin

import msgspec

from configs.profile_fields import SectionError, allowed, bare_type, problem_with, shown
from configs.profile_problems import Problem, joined, unknown_key
from market.errors import ConfigError


def find_problems(value: object, struct: type[msgspec.Struct], path: str = "") -> Iterator[Problem]:
    """Yield what stops `value` from becoming a `struct`, tables within it included.

    Relations that a section checks itself are reported when all its keys are right.
    """
    if not isinstance(value, Mapping):
        yield Problem(path, f"is {shown(value)}, allowed: a table")
        return
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    found = [unknown_key(path, key, list(fields)) for key in value if key not in fields]
    for name, field in fields.items():
        if name in value:
            found.extend(_field_problems(value[name], field.type, joined(path, name)))
        elif field.required:
            found.append(Problem(joined(path, name), f"is missing, allowed: {allowed(field.type)}"))
    if not found:
        found.extend(_section_problems(value, struct, path))
    yield from found


def _field_problems(value: object, field_type: Any, path: str) -> Iterator[Problem]:
    bare = bare_type(field_type)
    if _is_struct(bare):
        yield from find_problems(value, bare, path)
        return
    item = get_args(bare)[0] if get_origin(bare) is tuple else str
    if _is_struct(item) and isinstance(value, list):
        for index, member in enumerate(value):
            yield from find_problems(member, item, f"{path}[{index}]")
        return
    problem = problem_with(value, field_type)
    if problem is not None:
        yield Problem(path, problem)


def _section_problems(value: Mapping[str, Any], struct: type[msgspec.Struct], path: str) -> Iterator[Problem]:
    try:
        msgspec.convert(value, struct)
    except (msgspec.ValidationError, ValueError, ConfigError) as error:
        # msgspec wraps what a section raised and appends its own path; the cause has the plain message.
        yield from problems_of(error.__cause__ or error, struct, path)


def problems_of(error: BaseException, struct: type[msgspec.Struct], path: str) -> Iterator[Problem]:
    """Yield the problems of a section's construction, each at the key that its message begins with."""
    messages = error.messages if isinstance(error, SectionError) else (str(error),)
    for message in messages:
        key, _, rest = message.partition(" ")
        if re.split(r"[.\[]", key)[0] in struct.__struct_fields__:
            yield Problem(joined(path, key), rest)
        else:
            yield Problem(path, f"is contradictory: {message}")


def _is_struct(candidate: object) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(candidate, type) and issubclass(candidate, msgspec.Struct)
