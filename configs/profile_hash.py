"""The identity of a profile: equal for equal meaning, whoever wrote it and however it is split.

Not hashed: secrets (names and file), and where the universe file lies. Its content is hashed instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from configs.profile import Profile

HASH_SCHEME = "harvester-profile-1"
"""First line of what is hashed; changes when the same profile would hash to something else."""


def profile_hash(profile: Profile, *, universe_file: Path | None = None) -> str:
    """Return the SHA-256 of the canonical profile, in hexadecimal.

    `universe_file` is the file that `profile.universe.file` names; raises `OSError` if it is unreadable.
    """
    return hashlib.sha256(canonical_text(profile, universe_file=universe_file).encode()).hexdigest()


def canonical_text(profile: Profile, *, universe_file: Path | None = None) -> str:
    """Return the text that is hashed: every setting, defaults too, keys sorted, numbers in one form."""
    tables = msgspec.to_builtins(profile, builtin_types=(Decimal,))
    del tables["secrets"]
    if universe_file is not None:
        tables["universe"]["file"] = hashlib.sha256(universe_file.read_bytes()).hexdigest()
    encoded = msgspec.json.encode(_canonical(tables), order="sorted")
    return f"{HASH_SCHEME}\n{encoded.decode()}"


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, Decimal):
        return _canonical_decimal(value)
    if isinstance(value, float):
        return value + 0.0  # -0.0 is 0.0
    return value


def _canonical_decimal(value: Decimal) -> str:
    """Return `1.10` and `1.1` alike, without rounding as `Decimal.normalize` does to 28 digits."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "sections hold finite numbers only"
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    if not kept:
        return "0"
    return f"{'-' if sign else ''}{kept}e{exponent + len(text) - len(kept)}"
