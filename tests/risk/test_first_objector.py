"""Checks asked in turn by one function that is written for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from risk.first_objector import first_objector

Check = Callable[[int], str | None]


def above(limit: int) -> Check:
    """Return a check that objects to a number above `limit`."""
    return lambda number: "too much" if number > limit else None


def test_the_first_that_objects_is_named_and_none_when_all_agree() -> None:
    objector = first_objector(["ten", "five", "twenty"], [above(10), above(5), above(20)], "number")
    assert [objector(number) for number in (5, 6, 11, 21)] == [None, "five", "ten", "ten"]


def test_who_stands_behind_an_objector_is_not_asked() -> None:
    asked: list[str] = []

    def note(name: str, finding: str | None) -> Check:
        def check(_number: int) -> str | None:
            asked.append(name)
            return finding

        return check

    checks = [note("first", None), note("second", "no"), note("third", "no")]
    assert first_objector(["first", "second", "third"], checks, "number")(1) == "second"
    assert asked == ["first", "second"]


def test_any_finding_is_an_objection_even_an_empty_one() -> None:
    assert first_objector(["empty"], [lambda _number: ""], "number")(1) == "empty"


def test_without_checks_nobody_objects() -> None:
    checks: list[Check] = []
    assert first_objector([], checks, "number")(1) is None


def test_an_exception_of_a_check_comes_through() -> None:
    def broken(_number: int) -> str | None:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(ZeroDivisionError):
        first_objector(["broken", "agrees"], [broken, above(10)], "number")(1)


def test_each_objector_has_a_check() -> None:
    with pytest.raises(ValueError, match="zip"):
        first_objector(["ten", "five"], [above(10)], "number")
