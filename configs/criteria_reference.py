"""docs/reference/scan-criteria.md, written from the types of `scanner.criteria` themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from configs.criteria import bundled_names
from configs.profile_fields import bare_type, type_name
from scanner.criteria import (
    Criteria,
    EventFilter,
    LegFilter,
    ModeSwitch,
    PositionFilter,
    Range,
    RankTerm,
    Structure,
    UnderlyingFilter,
)

_SECTIONS: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("", Criteria),
    ("underlying", UnderlyingFilter),
    ("mode", ModeSwitch),
    ("events", EventFilter),
    ("legs", LegFilter),
    ("position", PositionFilter),
    ("[ranking]", RankTerm),
)

_INTRODUCTION = """\
# Scan criteria

<!-- Written by `python -m cli.commands_reference`; edit the types in `scanner/criteria.py`. -->

A criteria file is TOML: what to build, what to keep, how to rank. `harvester scan FILE` reads one; a name
without `.toml` means one of the bundled files in `configs/criteria/`: {bundled}. How to use them:
[scan for spreads](../how-to/scan-for-spreads.md).

A filter is a range of a metric, `delta = {{ min = 0.15, max = 0.35 }}`, both bounds included; either may be
left out. A metric that is not known passes no range: a contract without open interest fails every
`open_interest`. Whatever is wrong with a file is reported at once, each with its key, value, what is allowed
and line; the exit code is 2.

## Order of the filters, and the counts

Every filter counts what it removed of what reached it, in this order:

1. `underlying.price_known`, then `[underlying]`: whole chains.
2. `legs.quoted` (bid and ask above 0, not crossed), `expiries`, `[events]`, the ranges of `[legs]` that need
   no model; then what is left is priced, `legs.priced` (an implied volatility exists), and the ranges of
   `[legs]` that need one (delta, gamma, theta, vega, iv): contracts.
3. `[short_leg]` and `[long_leg]`, same keys as `[legs]`: contracts of one right in one role.
4. `position.width_usd`, `position.sound` (it can gain, and can lose), the other ranges of `[position]` in the
   order below: positions. The wings of condors and butterflies must each be sound and not too wide; of two
   wings that fit otherwise `equal_widths` removes those of unequal width, before they count as a position.

A pair has one expiry, settlement, style and multiplier. Strikes, deltas and the like of a contract are
those of one share's option; `*_usd` of a position are USD a share for width, credit and debit, and USD for
one position, multiplier included, for profit, loss and expected value. Credits are positive, debits negative.

## Probability and expected value

They are those that the options themselves imply, not a forecast. At a listed strike the probability of ending
above it is N(d2) at the strike's own implied volatility; between two usable strikes of the same expiry and
right the normal deviate is interpolated in the logarithm of the price. With `volatility = "realised"` every
strike has the underlying's realised volatility instead. The mean of what a spread pays is that probability
integrated over its width, that of a single leg the formula of Black. A short put is secured by cash. A share
bought for a covered call costs the price of the underlying and is paid the dividends that go ex until expiry:
breakeven, maximum profit and loss, probability and expected value count them, as if the call is not exercised
before.

## The score

`[[ranking]]` terms, each a metric of `[position]`: 0 at `worst`, 1 at `best`, linear between, clipped
outside; the score is their mean by `weight`. Of equal scores the nearer expiry and lower strike comes first.

A bought call may gain without limit. To rank it, `max_profit_usd`, `return_on_risk` and `annualised_return`
take the profit at the price which is two standard deviations above the mean at expiry (by the leg's own
volatility, exceeded once in 44 times): a call deep in the money ranks by what its price lets it earn, not
first. A bare sold call may lose without limit: its returns are 0. Filters take both as infinite.

## Unlimited and not applicable

In the JSON of a scan a metric is `null` where it does not apply (the width of a single leg) and where nothing
limits it; the latter are listed by name in the candidate's `unlimited`. In CSV they are empty and `inf`. The
`value` of a part of the score is what was ranked. `harvester payoff` lists likewise in `unlimited`, and
`--explain` marks such a value with `unlimited`.

## Structures

`structures` names positions of one unit a leg: {structures}.
"""

_TITLES: Mapping[str, str] = {
    "legs": "`[legs]`, `[short_leg]`, `[long_leg]`",
    "[ranking]": "`[[ranking]]`",
}


def criteria_page() -> str:
    """Return the page as Markdown."""
    introduction = _INTRODUCTION.format(
        bundled=", ".join(f"`{name}`" for name in bundled_names()),
        structures=", ".join(f"`{structure}`" for structure in Structure),
    )
    return "\n".join([introduction, *(_section(path, section) for path, section in _SECTIONS)])


def _section(path: str, section: type[msgspec.Struct]) -> str:
    title = _TITLES.get(path, f"`[{path}]`" if path else "Top level")
    rows = "\n".join(_row(field) for field in msgspec.structs.fields(section))
    summary = (section.__doc__ or "").strip().splitlines()[0]
    head = "| key | type | allowed | default | meaning |\n|---|---|---|---|---|"
    return f"## {title}\n\n{summary}\n\n{head}\n{rows}\n"


def _row(field: msgspec.structs.FieldInfo) -> str:
    meta = next((meta for meta in getattr(field.type, "__metadata__", ())), msgspec.Meta())
    cells = (f"`{field.name}`", _type(field.type), _allowed(meta), _default(field), meta.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(field_type: Any) -> str:
    bare = bare_type(field_type)
    if bare is Range:
        return "range"
    arguments = get_args(bare)
    if arguments and arguments[0] is Structure:
        return "a list of structures"
    return type_name(field_type)


def _allowed(meta: msgspec.Meta) -> str:
    extra = meta.extra or {}
    if "at_least" not in extra:
        return ""
    low, high = extra["at_least"], extra["at_most"]
    if high >= 1e9:
        words = f"{low:g} or more" if low > -1e9 else "any number"
    else:
        words = f"{low:g} to {high:g}"
    return f"{words} {extra['unit']}".strip()


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "the file's name" if field.name == "name" else "**required**"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None:
        return "none"
    if isinstance(value, msgspec.Struct):
        return "no filter"
    if isinstance(value, tuple):
        shown = [entry.by if isinstance(entry, RankTerm) else str(entry) for entry in value]
        return ", ".join(f"`{entry}`" for entry in shown)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else "none"
