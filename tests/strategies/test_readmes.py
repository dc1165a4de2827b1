"""The pages on strategies name every parameter, default and reason that the code has, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from strategies.harvester.config import Parameters
from strategies.intraday.parameters import IntradayParameters

FOLDER = Path(__file__).resolve().parents[2] / "strategies"
SHARED = (FOLDER / "README.md").read_text(encoding="utf-8")
HARVESTER = (FOLDER / "harvester" / "README.md").read_text(encoding="utf-8")


def test_every_threshold_of_the_harvester_is_explained_with_its_default() -> None:
    defaults = Parameters()
    for name in set(Parameters.__struct_fields__) - set(IntradayParameters.__struct_fields__):
        if name == "entry_style":
            assert "`entry_style` `passive`" in HARVESTER
            continue
        assert re.search(rf"`{name}` \| {re.escape(str(getattr(defaults, name)))} \|", HARVESTER), name


def test_every_reason_to_suppress_is_listed() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (FOLDER / "intraday").glob("*.py"))
    returned = set(re.findall(r'Suppressed\("(\w+)"\)', source))
    for method in ("_standing_refusal", "_size_refusal", "reason"):
        body = re.search(rf"def {method}\(.*?\n\n", source, re.DOTALL)
        assert body is not None
        returned |= set(re.findall(r'(?:return|else) "(\w+)"', body[0]))
    returned.add("no_valid_quote")
    listed = SHARED.partition("once per reason:")[2].partition("\n\n")[0]
    assert returned == set(re.findall(r"`(\w+)`", listed))
