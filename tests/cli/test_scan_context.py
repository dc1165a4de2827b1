"""What a scan knows beside the chain: dividends, events, volatility; from flags or the catalog."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from catalog.ingest_dividends import ingest_dividends
from catalog.ingest_volatility import ingest_volatility
from catalog.store import CatalogStore
from cli.__main__ import main
from cli.scan_context import MarketFlags, MarketNeeds, context_of, known_market
from market.errors import ConfigError
from market.time import to_ns
from market.volatility import realised_volatility
from scanner.context import Event
from scanner.criteria import Criteria, ModeSwitch, Range, RankTerm, Structure, UnderlyingFilter
from tests.catalog.volatility_days import write_days
from tests.market.chains import DAY_NS, NOW_NS

DAYS = 40
LEVELS = [0.20 + 0.01 * ((7 * day) % 11) for day in range(DAYS)]
PRICES = [100.0 + (7 * day) % 5 for day in range(DAYS)]
LAST_NS = NOW_NS + (DAYS - 1) * DAY_NS
ALL = MarketNeeds(iv_rank=True, iv_percentile=True, realised_volatility=True)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty days of KO's and SPX's chains, the VIX of January, and a dividend of KO."""
    folder = tmp_path_factory.mktemp("market")
    root = folder / "catalog"
    for name in ("KO", "SPXW"):
        write_days(root, [(day, 0, LEVELS[day], PRICES[day]) for day in range(DAYS)], name=name)
    vix = folder / "vix.csv"
    rows = [f"{date(2021, 1, 4) + timedelta(days=day)},{20 + day % 9}" for day in range(DAYS)]
    vix.write_text("DATE,CLOSE\n" + "\n".join(rows) + "\n", encoding="utf-8")
    dividends = folder / "dividends.csv"
    dividends.write_text(
        "symbol,ex_date,amount,declared\nKO,2021-03-12,0.42,2021-02-10\nKO,2020-11-30,0.41,2020-10-22\n",
        encoding="utf-8",
    )
    store = CatalogStore(root)
    ingest_volatility(vix, store=store)
    ingest_dividends(dividends, store=store)
    return root


def test_the_own_history_gives_rank_and_percentile_and_is_named(catalog: Path) -> None:
    known = known_market(catalog, "KO", at_ns=LAST_NS, flags=MarketFlags(rate=0.03), needs=ALL)
    current, low, high = LEVELS[-1], min(LEVELS), max(LEVELS)
    assert known.context.iv_rank == pytest.approx((current - low) / (high - low), abs=0.02)
    assert known.context.iv_percentile == pytest.approx(sum(one < current for one in LEVELS) / DAYS, abs=0.1)
    assert known.sources["iv_rank_and_percentile"] == f"own at-the-money IV of 30 days, {DAYS} days"


def test_a_named_index_counts_before_the_own_history(catalog: Path) -> None:
    flags = MarketFlags(rate=0.03, volatility_index="vix")
    known = known_market(catalog, "KO", at_ns=LAST_NS, flags=flags)
    closes = [20 + day % 9 for day in range(DAYS - 1)]  # the level of the day itself is known after it
    assert known.context.iv_percentile == sum(one < closes[-1] for one in closes) / len(closes)
    assert known.sources["iv_rank_and_percentile"] == f"index VIX, {DAYS - 1} days"
    with pytest.raises(ConfigError, match=r"of the index VXN the catalog has 0 days.*ingest volatility"):
        context_of(catalog, "KO", at_ns=LAST_NS, flags=MarketFlags(volatility_index="VXN"))


def test_flags_count_before_every_history(catalog: Path) -> None:
    flags = MarketFlags(iv_rank=0.1, iv_percentile=0.2, realised_volatility=0.3)
    known = known_market(catalog, "KO", at_ns=LAST_NS, flags=flags, needs=ALL)
    context = known.context
    assert (context.iv_rank, context.iv_percentile, context.realised_volatility) == (0.1, 0.2, 0.3)
    assert known.sources["iv_rank_and_percentile"] == known.sources["realised_volatility"] == "given"
    one = MarketFlags(rate=0.03, iv_rank=0.1)
    mixed = known_market(catalog, "KO", at_ns=LAST_NS, flags=one, needs=ALL)
    assert (mixed.context.iv_rank, mixed.context.iv_percentile is None) == (0.1, False)
    assert (
        mixed.sources["iv_rank_and_percentile"] == f"given, else own at-the-money IV of 30 days, {DAYS} days"
    )
    with pytest.raises(ConfigError, match="--iv-rank is 60"):
        context_of(catalog, "KO", at_ns=LAST_NS, flags=MarketFlags(iv_rank=60.0))


def test_what_no_filter_asks_for_is_not_looked_up(catalog: Path) -> None:
    context = context_of(catalog, "KO", at_ns=LAST_NS, flags=MarketFlags())
    assert (context.iv_rank, context.iv_percentile, context.realised_volatility) == (None, None, None)


def test_the_criteria_say_what_is_needed() -> None:
    plain = Criteria(name="plain", structures=(Structure.BULL_PUT,), ranking=_RANKING)
    assert MarketNeeds.of(plain) == MarketNeeds()
    switched = Criteria(
        name="switched",
        structures=(Structure.BULL_PUT, Structure.BULL_CALL),
        mode=ModeSwitch(iv_percentile_threshold=0.5),
        ranking=_RANKING,
    )
    assert MarketNeeds.of(switched) == MarketNeeds(iv_percentile=True)
    filtered = Criteria(
        name="filtered",
        structures=(Structure.BULL_PUT,),
        underlying=UnderlyingFilter(iv_rank=Range(min=0.5)),
        volatility="realised",
        ranking=_RANKING,
    )
    assert MarketNeeds.of(filtered) == MarketNeeds(iv_rank=True, realised_volatility=True)


_RANKING = (RankTerm(by="return_on_risk", worst=0.0, best=1.0),)


def test_what_is_needed_and_not_known_is_said(catalog: Path) -> None:
    early = NOW_NS + 5 * DAY_NS
    with pytest.raises(ConfigError, match=r"KO are not known: of the own .* 6 days.*needs 20.*--iv-perc"):
        known_market(catalog, "KO", at_ns=early, flags=MarketFlags(rate=0.03), needs=ALL)
    needs = MarketNeeds(realised_volatility=True)
    with pytest.raises(ConfigError, match=r"realised volatility of KO is not known.*--realised-volatility"):
        known_market(catalog, "KO", at_ns=early, flags=MarketFlags(), needs=needs)


def test_realised_volatility_comes_from_the_underlyings_prices(catalog: Path) -> None:
    known = known_market(catalog, "KO", at_ns=LAST_NS, flags=MarketFlags(rate=0.03), needs=ALL)
    sessions = [PRICES[day] for day in range(DAYS) if day % 7 < 5 and day != 14]
    assert known.context.realised_volatility == pytest.approx(realised_volatility(sessions[-21:]))
    assert known.sources["realised_volatility"] == "KO option chains, 20 daily returns"


def test_dividends_price_and_warn_from_the_day_after_their_declaration(catalog: Path) -> None:
    before, after = to_ns("2021-02-10T23:59:59-05:00"), to_ns("2021-02-11T00:00:00-05:00")
    unknown = known_market(catalog, "KO", at_ns=before, flags=MarketFlags())
    assert unknown.context.pricing.dividends.amounts == (0.41,)
    assert (unknown.context.events, unknown.context.event_kinds) == ((), ("ex_dividend",))
    assert unknown.sources["dividends"] == "catalog (0 ahead)"
    known = known_market(catalog, "KO", at_ns=after, flags=MarketFlags())
    assert known.context.pricing.dividends.amounts == (0.41, 0.42)
    assert known.context.events == (Event("ex_dividend", date(2021, 3, 12)),)
    assert known.sources["dividends"] == "catalog (1 ahead)"
    given = context_of(catalog, "KO", at_ns=after, flags=MarketFlags(dividend_yield=0.02))
    assert (given.pricing.dividends.amounts, given.pricing.dividend_yield) == ((), 0.02)


def test_an_index_goes_never_ex_dividend_and_earnings_need_a_file(catalog: Path, tmp_path: Path) -> None:
    index = known_market(catalog, "SPXW", at_ns=LAST_NS, flags=MarketFlags())
    assert (index.context.events, index.context.event_kinds) == ((), ("ex_dividend",))
    assert index.sources["dividends"] == "none, it is an index"
    events = tmp_path / "events.csv"
    events.write_text("symbol,date,kind\nKO,2021-02-20,earnings\n", encoding="utf-8")
    flags = MarketFlags(events=events)
    both = context_of(catalog, "KO", at_ns=to_ns("2021-02-12T12:00:00-05:00"), flags=flags)
    assert both.event_kinds == ("ex_dividend", "earnings")
    assert both.events == (Event("earnings", date(2021, 2, 20)), Event("ex_dividend", date(2021, 3, 12)))


def test_the_scan_says_where_its_inputs_come_from(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    criteria = tmp_path / "switch.toml"
    criteria.write_text(
        'structures = ["bull_put", "bull_call"]\nvolatility = "realised"\n'
        "[mode]\niv_percentile_threshold = 0.5\n"
        '[events]\nex_dividend = "any"\n',
        encoding="utf-8",
    )
    at = "2021-02-12T12:00:00-05:00"
    words = ["scan", str(criteria), "--catalog", str(catalog), "--symbol", "KO", "--at", at, "--rate", "0.03"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    [inputs] = found["inputs"]
    assert inputs["from"] == {
        "rates": "given",
        "dividends": "catalog (1 ahead)",
        "iv_rank_and_percentile": f"own at-the-money IV of 30 days, {DAYS} days",
        "realised_volatility": "KO option chains, 20 daily returns",
    }
    assert found["mode"] == ("credit" if inputs["iv_percentile"] >= 0.5 else "debit")
    assert main(words) == 0
    assert f"own at-the-money IV of 30 days, {DAYS} days" in capsys.readouterr().out


def test_earnings_that_nobody_knows_of_are_refused(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    criteria = tmp_path / "calm.toml"
    criteria.write_text('structures = ["bull_put"]\n[events]\nearnings = "avoid"\n', encoding="utf-8")
    words = ["scan", str(criteria), "--catalog", str(catalog), "--at", "2021-02-12T12:00:00-05:00"]
    assert main([*words, "--symbol", "KO"]) == 2
    assert "no events are known of that kind" in capsys.readouterr().err
    criteria.write_text('structures = ["bull_put"]\n[events]\nex_dividend = "avoid"\n', encoding="utf-8")
    assert main([*words, "--symbol", "KO"]) == 0


def test_the_chain_shows_the_dividends_that_it_was_priced_with(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["chain", "KO", "--catalog", str(catalog), "--at", "2021-02-12T12:00:00-05:00"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["dividends"] == [{"ex_dividend": "2021-03-12", "amount": 0.42}]
    assert found["dividends_from"] == "catalog (1 ahead)"
    assert main(words) == 0
    assert "dividends declared: 0.42 on 2021-03-12" in capsys.readouterr().out
