"""The timeline says who did what, when, why, on whose authority, and shows what was asked for."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest

from audit.events import (
    KINDS,
    AlertRecord,
    DataFileRecord,
    DataQualityRecord,
    NoteRecord,
    OrderRecord,
)
from audit.notes import Note
from audit.sentences import is_by_kill_switch, order_words, sentence
from audit.timeline import EVERYTHING, TimelineRow, Wanted, note_rows, operators, timeline, with_notes
from tests.audit.script import OPEN_NS, Script


def day() -> Script:
    """One record of every kind."""
    script = Script()
    script.opened()
    script.breaker("SAFE_MODE", "RUNNING", by="unreconciled", reason="a backtest starts flat")
    script.node("started")
    script.filled_order("O-1", "c-1")
    script.decision("c-2", outcome="refused", refused_by="quote_age", features={}, thresholds={})
    script.refusal("O-2", ib_code=110)
    script.checkpoint("-0.35", "0.10", "0.35")
    script.reading("daily_loss")
    script.breaker("RUNNING", "HALT")
    script.command("flatten_start", by="daily_loss", reason="20.44 USD")
    script.order("O-3", tags=("KILL_SWITCH",), type="MARKET", limit_price=None, is_reduce_only=True)
    script.order("O-4", trigger_price=Decimal("13.90"))
    script.approval("O-4", command="modify", quantity=5, limit_price=Decimal(13), trigger_price=Decimal(12))
    script.event("O-4", "updated", quantity=5, limit_price=Decimal(13), trigger_price=Decimal(12))
    script.event("O-4", "rejected", reason="no shares to borrow")
    script.breaker("HALT", "SAFE_MODE", by="Ann", reason="looked at")
    script.command("resume")
    script.add(AlertRecord(strategy_id="Harvester-1", action="alert", now_ns=OPEN_NS))
    script.add(
        DataFileRecord(
            path="data/quote/BAC.parquet",
            kind="quote",
            instrument_id="BAC.SMART",
            rows=1200,
            size_bytes=1,
            first_ns=OPEN_NS,
            last_ns=OPEN_NS,
            sha256="ab" * 32,
        )
    )
    script.add(
        DataQualityRecord(check="gap", instrument_id="BAC.SMART", value="61 s", limit="60 s", why="no quote")
    )
    script.add(NoteRecord(subject="O-1", text="late", tags=("review",), by="Ann"))
    script.add(NoteRecord(subject="O-1", text="fine", tags=(), by="Ann"))
    script.wait(60).closed()
    return script


def rows(script: Script, wanted: Wanted | None = None) -> list[TimelineRow]:
    persons = operators(script.entries)
    return list(timeline(script.entries, wanted=wanted or Wanted(), persons=persons))


def row(kind: str, number: int = 0) -> TimelineRow:
    return [each for each in rows(day()) if each.kind == kind][number]


def test_every_kind_of_record_has_words() -> None:
    script = day()
    assert {entry.kind for entry in script.entries} == set(KINDS)
    for entry in script.entries:
        who, what, _ = sentence(entry.body)
        assert who
        assert what


@pytest.mark.parametrize(
    ("kind", "number", "who", "what", "why", "authority"),
    [
        ("decision", 0, "Harvester-1", "decided to enter: buy 10 BAC.SMART at 13.95, sent",
         "pressure_agrees (spread_bps 7.2, threshold 40)", "profile demo (0123456789ab)"),
        ("decision", 1, "Harvester-1", "decided to enter: buy 10 BAC.SMART at 13.95, refused by quote_age",
         "pressure_agrees", "profile demo (0123456789ab)"),
        ("order", 0, "Harvester-1", "made order O-1: BUY 10 BAC.SMART LIMIT 13.95 IOC", "", "decision c-1"),
        ("order", 1, "kill switch", "made order O-3: BUY 10 BAC.SMART MARKET IOC reduce only", "",
         "flatten_start by daily_loss: 20.44 USD"),
        ("order", 2, "Harvester-1", "made order O-4: BUY 10 BAC.SMART LIMIT 13.95 trigger 13.90 IOC", "",
         "no decision recorded"),
        ("approval", 0, "risk gate", "let submit of O-1 pass", "", "limits of profile demo (0123456789ab)"),
        ("approval", 1, "risk gate", "let modify of O-4 pass to 5, limit 13.00, trigger 12.00", "",
         "limits of profile demo (0123456789ab)"),
        ("refusal", 0, "risk gate", "refused submit of O-2 by quote_age (IB 110), breaker RUNNING",
         "3 s, limit 2 s", "limits of profile demo (0123456789ab)"),
        ("order_event", 0, "node", "submitted O-1", "", "order O-1 of Harvester-1"),
        ("order_event", 1, "venue", "accepted O-1 (V-O-1)", "", "order O-1 of Harvester-1"),
        ("order_event", 2, "venue", "updated O-4: 5, limit 13.00, trigger 12.00", "",
         "order O-4 of Harvester-1"),
        ("order_event", 3, "venue", "rejected O-4", "no shares to borrow", "order O-4 of Harvester-1"),
        ("fill", 0, "venue", "filled O-1: BUY 10 BAC.SMART at 13.95, fee 0.35 USD, TAKER, trade T-O-1", "",
         "order O-1 of Harvester-1"),
        ("position", 0, "node", "position opened: +10 BAC.SMART at 13.95, realized -0.35 USD", "",
         "record 9"),
        ("breaker", 0, "risk gate (unreconciled)", "changed the breaker from SAFE_MODE to RUNNING",
         "a backtest starts flat", "limits of profile demo (0123456789ab)"),
        ("breaker", 2, "Ann", "changed the breaker from HALT to SAFE_MODE", "looked at", "operator Ann"),
        ("reading", 0, "risk watch", "confirmed reading of daily_loss", "20.44 USD, limit 20 USD",
         "limits of profile demo (0123456789ab)"),
        ("operator_command", 0, "daily_loss", "commanded flatten_start: breaker HALT", "20.44 USD",
         "limits of profile demo (0123456789ab)"),
        ("operator_command", 1, "Ann", "commanded resume: breaker HALT", "lunch", "operator Ann"),
        ("data_quality", 0, "data check", "gap in the data of BAC.SMART: 61 s, limit 60 s", "no quote",
         "profile demo (0123456789ab)"),
        ("note", 0, "Ann", "noted on O-1 [review]: late", "", "profile demo (0123456789ab)"),
        ("closed", 0, "node", "closed the journal", "the run ended", "profile demo (0123456789ab)"),
    ],
)  # fmt: skip
def test_a_record_is_told_in_words(
    kind: str, number: int, who: str, what: str, why: str, authority: str
) -> None:
    found = row(kind, number)
    assert (found.who, found.what, found.why, found.authority) == (who, what, why, authority)


def test_causes_of_a_breaker_change_are_named() -> None:
    entry = Script().breaker("RUNNING", "SAFE_MODE")
    body = msgspec.structs.replace(entry.body, causes=("stale_data", "unreconciled"))
    assert sentence(body).what.endswith("to SAFE_MODE, causes: stale_data, unreconciled")


def test_a_halts_orders_stand_on_the_halt() -> None:
    script = Script()
    script.breaker("RUNNING", "HALT", by="Ann", reason="news")
    script.order("O-1", tags=("KILL_SWITCH",))
    assert rows(script)[-1].authority == "HALT by Ann: news"


def test_a_position_without_a_known_cause_stands_on_its_strategy() -> None:
    script = Script()
    script.position("opened", 10)
    assert rows(script)[0].authority == "Harvester-1"


def test_times_are_of_new_york_and_of_utc() -> None:
    first = rows(day())[0]
    assert (first.new_york, first.utc) == ("2013-10-07 09:30:00.000000 EDT", "2013-10-07T13:30:00.000000000Z")


def test_a_row_holds_its_whole_record() -> None:
    fill = row("fill")
    assert json.loads(bytes(fill.record))["price"] == "13.9500"
    assert (fill.client_order_id, fill.instrument_id, fill.correlation_id) == ("O-1", "BAC.SMART", "c-1")
    assert row("approval", 1).client_order_id == "O-4"


def test_filters_narrow_the_timeline() -> None:
    script = day()
    assert {each.kind for each in rows(script, Wanted(kinds={"fill", "refusal"}))} == {"fill", "refusal"}
    assert [each.seq for each in rows(script, Wanted(seqs={2, 4}))] == [2, 4]
    assert {each.instrument_id for each in rows(script, Wanted(symbols={"BAC"}))} == {"BAC.SMART"}
    assert rows(script, Wanted(symbols={"F"})) == []
    later = rows(script, Wanted(start_ns=OPEN_NS + 1))
    assert rows(script, Wanted(end_ns=OPEN_NS + 1)) == rows(script)[: -len(later)]
    assert [each.kind for each in rows(script, Wanted(start_ns=script.now_ns))] == ["closed"]


def test_an_instrument_without_a_venue_is_its_own_symbol() -> None:
    script = Script()
    script.decision("c-1", instrument_id="BAC")
    assert len(rows(script, Wanted(symbols={"BAC"}))) == 1


def test_the_kill_switch_marks_its_orders_as_the_gate_does() -> None:
    from audit.sentences import KILL_SWITCH_TAG
    from risk.nautilus_kill_switch import TAG

    assert KILL_SWITCH_TAG == TAG
    order: OrderRecord = Script().order("O-1", tags=(TAG,)).body
    assert is_by_kill_switch(order)
    assert order_words(order) == "BUY 10 BAC.SMART LIMIT 13.95 IOC"


def ann_noted(number: int, subject: str, ts_ns: int, *tags: str, text: str = "odd") -> Note:
    return Note(number=number, seq=2 * number, ts_ns=ts_ns, subject=subject, text=text, tags=tags, by="Ann")


def test_notes_stand_where_they_were_written() -> None:
    script = day()
    first, last = ann_noted(1, "O-1", OPEN_NS), ann_noted(2, "2013-10-07", script.now_ns + 1, "slow", text="")
    shown = list(with_notes(rows(script), note_rows([first, last])))
    beside = [each for each in shown if each.authority == "Ann alone"]
    assert [(each.seq, each.who, each.what) for each in beside] == [
        (1, "Ann", "noted on O-1: odd"),
        (2, "Ann", "noted on 2013-10-07 [slow]"),
    ]
    assert shown[-1] == beside[1]
    assert [each for each in shown if each not in beside] == rows(script)
    assert shown.index(beside[0]) == sum(each.ts_ns == OPEN_NS for each in rows(script))


def test_notes_are_filtered_by_what_they_are_about() -> None:
    given = [ann_noted(1, "O-1", OPEN_NS), ann_noted(2, "O-2", OPEN_NS + 1)]

    def numbers(wanted: Wanted = EVERYTHING, subjects: frozenset[str] | None = None) -> list[int]:
        return [each.seq for each in note_rows(given, wanted=wanted, subjects=subjects)]

    assert numbers() == [1, 2]
    assert numbers(subjects=frozenset(["O-2"])) == [2]
    assert numbers(Wanted(seqs={7})) == [1, 2]
    assert numbers(Wanted(kinds={"fill"})) == []
    assert numbers(Wanted(symbols={"BAC"})) == []
    assert numbers(Wanted(start_ns=OPEN_NS + 1)) == [2]


def test_only_a_person_is_the_actor_of_a_breaker_change() -> None:
    entry = Script().breaker("RUNNING", "HALT", by="Ann")
    assert [each.who for each in timeline([entry], persons=["Ann"])] == ["Ann"]
    assert [each.who for each in timeline([entry])] == ["risk gate (Ann)"]
