"""Chance at the venue: seeded, its own, and as often as the profile says."""

from __future__ import annotations

import random

import pytest

from backtests.fill_model import SeededFillModel, SeededFillModelConfig

DRAWS = 20_000


def _model(limit: float = 1.0, slip: float = 0.0, seed: int = 1) -> SeededFillModel:
    return SeededFillModel(SeededFillModelConfig(prob_fill_on_limit=limit, prob_slippage=slip, seed=seed))


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.9, 1.0])
def test_happens_as_often_as_it_should(probability: float) -> None:
    model = _model(limit=probability, slip=probability)
    for draw in (model.is_limit_filled, model.is_slipped):
        assert sum(draw() for _ in range(DRAWS)) / DRAWS == pytest.approx(probability, abs=0.015)


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    models = [_model(limit=0.5), _model(limit=0.5), _model(limit=0.5, seed=2)]
    first, again, other = ([model.is_limit_filled() for _ in range(64)] for model in models)
    assert first == again
    assert first != other


def test_leaves_pythons_own_generator_alone() -> None:
    random.seed(42)
    expected = [random.random() for _ in range(3)]
    random.seed(42)
    model = _model(limit=0.5, slip=0.5)
    found = []
    for _ in range(3):
        model.is_limit_filled()
        found.append(random.random())
    assert found == expected


def test_certain_outcomes_draw_nothing() -> None:
    plain, mixed = _model(limit=0.5), _model(limit=0.5)
    expected = [plain.is_limit_filled() for _ in range(20)]
    found = []
    for _ in range(20):
        assert not mixed.is_slipped()
        found.append(mixed.is_limit_filled())
    assert found == expected
