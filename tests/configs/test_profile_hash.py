"""A profile's hash: equal for equal meaning however it is written, different for any other meaning."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.profile import Profile, load_profile
from configs.profile_hash import canonical_text, profile_hash
from tests.configs.profile_builder import (
    Tables,
    leaf_paths,
    load,
    set_key,
    toml_text,
    valid_tables,
    write_profile,
)

REFERENCE = valid_tables()
OTHER_VALUES: dict[str, Any] = {
    "name": "other",
    "universe.symbols": ["F", "BAC"],
    "universe.book": "L2",
    "strategies.0.name": "second",
    "strategies.0.parameters.stop_loss_bps": 22.5,
    "strategies.0.parameters.cooldown_ms": 10_001,
    "strategies.0.symbols": ["F"],
    "session.no_trade_windows": [],
    "session.open_ramp_minutes": 6,
    "session.entry_cutoff_minutes_before_close": 16,
    "session.flat_minutes_before_close": 4,
    "fees.schedule": "ib_tiered",
    "backtest.catalog": "data/other",
    "backtest.start": "2013-10-08",
    "backtest.starting_balance_usd": Decimal("1000.01"),
    "backtest.latency_ms": 12.25,
    "backtest.seed": 4,
    "backtest.end": "2013-10-09",
    "backtest.chunk_size": 5000,
    "logging.level": "DEBUG",
    "broker.client_id": 2,
    "risk.allowed_symbols": ["BAC", "F"],
    "risk.prohibited_symbols": ["GME"],
}


def _hash(folder: Path, tables: Tables) -> str:
    return load(folder, tables).hash


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: _shuffled(value[key], chance) for key in keys}
    if isinstance(value, list):
        return [_shuffled(item, chance) for item in value]
    return value


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_and_comments_do_not_matter(chance: random.Random) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        reference = _hash(folder, REFERENCE)
        text = toml_text(_shuffled(REFERENCE, chance)).replace("\n", " # a remark\n\n")
        (folder / "sample.toml").write_text(text)
        assert load_profile(folder / "sample.toml", environ={}).hash == reference


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_split_over_inherited_files_does_not_matter(data: st.DataObject) -> None:
    inheritable = [p for p in leaf_paths(REFERENCE) if p not in ("name", "environment") and ".0." not in p]
    own = set(data.draw(st.lists(st.sampled_from(inheritable), unique=True)))
    with TemporaryDirectory() as name:
        folder = Path(name)
        reference = _hash(folder, REFERENCE)
        base, child = valid_tables(), valid_tables()
        for path in inheritable:
            if path in own:  # the base holds another value, which the child replaces
                set_key(base, path, OTHER_VALUES.get(path))
            else:
                set_key(child, path, None)
        del child["strategies"]
        write_profile(folder, base, "base.toml")
        assert (
            load_profile(write_profile(folder, child | {"extends": "base.toml"}), environ={}).hash
            == reference
        )


@pytest.mark.parametrize(
    ("path", "spelling"),
    [
        ("risk.max_notional_usd_per_order", "150.5"),
        ("risk.max_notional_usd_per_order", "150.500"),
        ("risk.max_notional_usd_per_order", "1505e-1"),
        ("risk.max_notional_usd_per_order", '"150.50"'),
        ("backtest.starting_balance_usd", "1_000.0"),
        ("backtest.starting_balance_usd", "1e3"),
        ("backtest.latency_ms", "12.50"),
        ("backtest.seed", "0x3"),
        ("backtest.queue_position", "true"),
        ("strategies.first.parameters.stop_loss_bps", "21.50"),
        ("strategies.first.parameters.cooldown_ms", "10000"),
        ("backtest.start", '"2013-10-07"'),
    ],
)
def test_spelling_of_a_value_and_writing_out_a_default_do_not_matter(
    tmp_path: Path, path: str, spelling: str
) -> None:
    assert load(tmp_path, REFERENCE, f"{path}={spelling}").hash == _hash(tmp_path, REFERENCE)


@pytest.mark.parametrize("path", OTHER_VALUES)
def test_any_other_value_changes_the_hash(tmp_path: Path, path: str) -> None:
    changed = valid_tables()
    set_key(changed, path, OTHER_VALUES[path])
    assert _hash(tmp_path, changed) != _hash(tmp_path, REFERENCE)


@pytest.mark.parametrize("path", [path for path in leaf_paths(REFERENCE["risk"]) if "symbols" not in path])
def test_every_limit_changes_the_hash(tmp_path: Path, path: str) -> None:
    profile = load(tmp_path, REFERENCE).profile
    raised = _with_limit(profile, path, getattr(profile.risk, path))
    assert profile_hash(raised) != profile_hash(profile)


def _with_limit(profile: Profile, name: str, value: Any) -> Profile:
    """Return the profile with one limit a little lower, or higher where it is at its lowest."""
    for other in (value - 1, value + 1):
        try:
            risk = msgspec.structs.replace(profile.risk, **{name: other})
            return msgspec.structs.replace(profile, risk=risk)
        except ValueError:
            continue
    raise AssertionError(f"no other value of {name} is allowed beside {value}")


def test_an_override_hashes_like_the_value_in_the_file(tmp_path: Path) -> None:
    written = _hash(tmp_path / "a", valid_tables(risk__max_positions=1))
    assert load(tmp_path / "b", REFERENCE, "risk.max_positions=1").hash == written


def test_the_content_of_the_universe_file_counts_and_its_place_does_not(tmp_path: Path) -> None:
    tables = valid_tables(universe={"file": "universe.csv"})
    for folder, text in (("a", "BAC"), ("b", "BAC"), ("c", "F")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "universe.csv").write_text(text)
    hashes = [_hash(tmp_path / folder, tables) for folder in "abc"]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_hash_is_sha_256_of_a_text_that_holds_defaults_and_no_secrets(tmp_path: Path) -> None:
    loaded = load(tmp_path, REFERENCE)
    text = canonical_text(loaded.profile)
    assert len(loaded.hash) == 64
    assert int(loaded.hash, 16)
    assert '"fill_probability":1.0' in text
    assert "secrets" not in text


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_trailing_zeros_do_not_change_a_number_and_digits_do(value: Decimal, zeros: int) -> None:
    from configs.profile_hash import _canonical_decimal

    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    sign, digits, _ = value.as_tuple()
    padded = Decimal((sign, digits + (0,) * zeros, exponent - zeros))
    assert _canonical_decimal(padded) == _canonical_decimal(value)
    assert Decimal(_canonical_decimal(value)) == value


def test_a_profile_survives_json_and_hashes_alike(tmp_path: Path) -> None:
    profile = load(tmp_path, REFERENCE).profile
    again = msgspec.json.decode(msgspec.json.encode(profile), type=Profile)
    assert again == profile
    assert profile_hash(again) == profile_hash(profile)


@pytest.mark.parametrize("name", ["demo", "bac_ticks_2013", "uat_paper", "live_micro"])
def test_what_is_printed_of_a_profile_is_a_profile_again(
    tmp_path: Path, project_root: Path, name: str
) -> None:
    file = project_root / "configs" / "profiles" / f"{name}.toml"
    loaded = load_profile(file, environ={}, purpose="research")
    printed = _without_none(loaded.masked())
    del printed["secrets"]["values"]
    again = load_profile(write_profile(tmp_path, printed), environ={}, purpose="research")
    assert again.profile == loaded.profile
    assert again.hash == loaded.hash


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(item) for item in value]
    return value
