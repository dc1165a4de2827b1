"""The collector rests inside the block and is afterwards what it was before."""

from __future__ import annotations

import gc

import pytest

from backtests.garbage import resting_garbage_collector


def test_rests_and_comes_back() -> None:
    assert gc.isenabled()
    with resting_garbage_collector():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_comes_back_after_an_exception() -> None:
    with pytest.raises(RuntimeError), resting_garbage_collector():
        raise RuntimeError
    assert gc.isenabled()


def test_stays_off_where_somebody_else_turned_it_off() -> None:
    gc.disable()
    try:
        with resting_garbage_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
