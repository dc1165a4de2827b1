"""`trace`, `blotter`, `audit show`, `audit export` and `day`, as they are typed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.journal import FOR_BACKTESTS, Journal
from cli.__main__ import main
from tests.audit.script import Script

DAY_SECONDS = 86_400


def monday() -> Script:
    """Two trades, a refused order, a halt by a person, and a suppressed decision."""
    script = Script()
    script.opened()
    script.breaker("SAFE_MODE", "RUNNING", by="unreconciled", reason="starts flat")
    script.filled_order("O-1", "c-1")
    script.checkpoint("-0.35", "-0.05", "0.35")
    script.wait(60).filled_order("O-2", "c-2", side="SELL", price=Decimal("14.0500"))
    script.checkpoint("0.30", fees="0.70")
    script.decision("c-3", features={}, thresholds={})
    script.order("O-3", "c-3")
    script.refusal("O-3")
    script.event("O-3", "denied", "c-3")
    script.decision("c-4", outcome="suppressed", reason="spread_too_wide")
    script.wait(60).breaker("RUNNING", "HALT", by="Ann", reason="news <b>")
    script.command("halt", reason="news <b>")
    script.filled_order("O-5", "c-5", instrument_id="F.SMART")
    return script


def write_run(folder: Path, script: Script, *, moved_by_days: int = 0) -> Path:
    shift_ns = moved_by_days * DAY_SECONDS * 10**9
    journal = Journal.open(folder / "journal", settings=FOR_BACKTESTS)
    for entry in script.entries:
        journal.append(
            entry.body,
            ts_ns=entry.ts_ns + shift_ns,
            correlation_id=entry.correlation_id,
            caused_by=entry.caused_by,
        )
    journal.close(ts_ns=script.now_ns + shift_ns, reason="the run ended")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> str:
    return str(write_run(tmp_path / "monday", monday()))


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert main([*words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


class TestTrace:
    def test_tells_an_order_in_words(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        text = said(capsys, "trace", "O-1", run)
        for words in (
            "Order O-1, filled",
            "spread_bps",
            "let submit of O-1 pass",
            "20.000 ms",
            "Trade trip-8",
        ):
            assert words in text
        assert "slippage to the mid at the decision (+ costs): +0.05 USD, +3.59 bps" in text

    def test_finds_the_run_among_many(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_run(tmp_path / "monday", monday())
        tuesday = Script()
        tuesday.opened()
        tuesday.filled_order("O-9", "c-9")
        write_run(tmp_path / "tuesday", tuesday, moved_by_days=1)
        for name in ("O-9", "T-O-9", "c-9"):
            assert answer(capsys, "trace", name, str(tmp_path))["orders"][0]["client_order_id"] == "O-9"
        assert "None of the 2 runs" in said(capsys, "trace", "O-77", str(tmp_path), code=2)
        write_run(tmp_path / "again", monday())
        assert "is in 2 runs" in said(capsys, "trace", "O-1", str(tmp_path), code=2)

    def test_gives_one_object(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        found = answer(capsys, "trace", "T-O-2", run)
        assert found["found_as"] == ["trade id"]
        assert found["orders"][0]["signal"]["reason"] == "pressure_agrees"
        assert found["round_trips"][0]["net_usd"] == "0.3000"

    def test_tells_a_decision_that_made_no_order(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert "no order made of it" in said(capsys, "trace", "c-4", run)

    def test_tells_a_refused_order_and_an_open_trade(
        self, run: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "refused submit of O-3 by quote_age" in said(capsys, "trace", "O-3", run)
        text = said(capsys, "trace", "O-5", run)
        assert "10 still held" in text
        assert "out by nothing yet" in text

    def test_says_what_an_order_lacks(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        script = Script()
        script.fill("O-1", "T-1")
        run = write_run(tmp_path / "run", script)
        assert "missing: terms" in said(capsys, "trace", "O-1", str(run))

    def test_answers_an_unknown_id_with_near_ones(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert "Near it: O-1" in said(capsys, "trace", "o-1", run, code=2)


class TestBlotter:
    def test_lists_trades_and_their_sum(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        text = said(capsys, "blotter", run)
        assert "pressure_agrees > pressure_agrees" in text
        assert "2 trades, 1 not closed; gross 1.00, fees 1.05, net -0.05 USD" in text

    def test_lists_executions(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert "T-O-5" in said(capsys, "blotter", run, "--executions")
        found = answer(capsys, "blotter", run, "--executions")
        assert [row["trade_id"] for row in found["executions"]] == ["T-O-1", "T-O-2", "T-O-5"]

    def test_csv_and_parquet_hold_the_same_exact_rows(
        self, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        files = [str(tmp_path / "out" / "trades.csv"), str(tmp_path / "trades.parquet")]
        text = said(capsys, "blotter", run, "--csv", files[0], "--parquet", files[1])
        assert text.count("2 trades in ") == 2
        rows = list(csv.DictReader(Path(files[0]).read_text(encoding="utf-8").splitlines()))
        table = pq.read_table(files[1])
        assert [row["net_usd"] for row in rows] == ["0.30", "-0.35"]
        assert table.column("net_usd").to_pylist() == [Decimal("0.300000"), Decimal("-0.350000")]
        assert table.schema.field("net_usd").type == pa.decimal128(28, 6)
        assert (rows[1]["exit_price"], table.column("exit_price").to_pylist()[1]) == ("", None)
        assert rows[0]["entry_orders"] == table.column("entry_orders").to_pylist()[0] == "O-1"
        assert float(rows[0]["slippage_to_mid_bps"]) == table.column("slippage_to_mid_bps").to_pylist()[0]

    def test_an_empty_blotter_keeps_its_columns(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        script = Script()
        script.opened()
        run, file = write_run(tmp_path / "run", script), tmp_path / "trades.parquet"
        assert "Nothing was traded." in said(capsys, "blotter", str(run))
        said(capsys, "blotter", str(run), "--parquet", str(file))
        assert pq.read_table(file).schema.field("quantity").type == pa.int64()

    def test_a_note_is_kept_and_shown(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["--note", "trip-8", "early exit", "--tag", "review", "--by", "Ann"]
        assert said(capsys, "blotter", run, *words) == "Note 1 on trip-8 is kept.\n"
        kept = answer(capsys, "blotter", run, "--note", "O-5", "", "--tag", "open", "--by", "Bo")["note"]
        assert (kept["number"], kept["subject"], kept["by"]) == (2, "O-5", "Bo")
        assert said(capsys, "blotter", run, "--note", "O-1", "late", "--by", "Bo").startswith("Note 3 ")
        text = said(capsys, "blotter", run)
        assert "trip-8: #review | early exit (Ann) | late (Bo)\n" in text
        assert ": #open | tagged open (Bo)\n" in text
        trades = answer(capsys, "blotter", run)["trades"]
        assert [trade["tags"] for trade in trades] == [["review"], ["open"]]
        assert answer(capsys, "blotter", run, "--no-notes")["trades"][0]["notes"] == []

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--note", "trip-8", "x"], "--by"),
            (["--note", "trip-9999", "x", "--by", "Ann"], "Near it: trip-"),
            (["--tag", "x", "--by", "Ann"], "--note ID TEXT"),
            (["--note", "2013-10-09", "x", "--by", "Ann"], "Its days: 2013-10-07"),
            (["--note", "trip-8", "x", "--by", "Ann", "--csv", "x.csv"], "Leave out --csv"),
            (["--note", "trip-8", "x", "--by", "Ann", "--executions"], "Leave out --csv"),
            (["--note", "trip-8", "\x1b[2J", "--by", "Ann"], "control character"),
        ],
    )
    def test_a_note_that_cannot_be_is_refused(
        self, run: str, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert message in said(capsys, "blotter", run, *words, code=2)
        assert not (Path(run) / "notes").exists()

    def test_a_file_that_cannot_be_written_is_named(
        self, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").touch()
        target = str(tmp_path / "file" / "trades.csv")
        assert "--csv" in said(capsys, "blotter", run, "--csv", target, code=2)


class TestAuditShow:
    def test_shows_a_line_a_record(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        lines = said(capsys, "audit", "show", run).splitlines()
        assert len(lines) == len(monday().entries) + 1
        assert "2013-10-07 09:30:00.000000 EDT  13:30:00.000000000Z  node: opened" in lines[0]

    def test_filters_by_kind_order_symbol_and_time(
        self, run: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def kinds(*words: str) -> set[str]:
            return {row["kind"] for row in answer(capsys, "audit", "show", run, *words)["rows"]}

        assert kinds("--kind", "fill", "--kind", "refusal") == {"fill", "refusal"}
        assert kinds("--order", "O-3") == {"decision", "order", "refusal", "order_event"}
        assert kinds("--symbol", "f") == {"fill"}
        assert "opened" not in kinds("--from", "2013-10-07T09:31:00-04:00")
        assert kinds("--to", "2013-10-07T09:30:00.01-04:00") <= kinds(
            "--from", "2013-10-07", "--to", "2013-10-07"
        )
        assert kinds("--from", "2013-10-08") == set()

    def test_authority_does_not_depend_on_the_filter(
        self, run: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        whole = answer(capsys, "audit", "show", run)["rows"]
        part = answer(capsys, "audit", "show", run, "--kind", "breaker")["rows"]
        assert part == [row for row in whole if row["kind"] == "breaker"]
        assert part[1]["authority"] == "operator Ann"

    def test_stops_at_the_limit_and_says_when_nothing_fits(
        self, run: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert len(said(capsys, "audit", "show", run, "--limit", "3").splitlines()) == 3
        assert said(capsys, "audit", "show", run, "--symbol", "ZZZ").startswith("No record of ")
        assert "1 or more" in said(capsys, "audit", "show", run, "--limit", "0", code=2)
        assert "'nonsense'" in said(capsys, "audit", "show", run, "--kind", "nonsense", code=2)

    def test_exports_the_same_rows_in_three_forms(
        self, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        names = {option: str(tmp_path / f"journal.{option}") for option in ("csv", "parquet", "jsonl")}
        words = [word for option, name in names.items() for word in (f"--{option}", name)]
        done = answer(capsys, "audit", "export", run, *words)
        rows = answer(capsys, "audit", "show", run)["rows"]
        assert done["records"] == len(rows)
        assert [json.loads(line) for line in Path(names["jsonl"]).read_text().splitlines()] == rows
        table = pq.read_table(names["parquet"]).to_pylist()
        assert [row["ts_ns"] for row in table] == [row["ts_ns"] for row in rows]
        assert [json.loads(row["record"]) for row in table] == [row["record"] for row in rows]
        lines = list(csv.DictReader(Path(names["csv"]).read_text(encoding="utf-8").splitlines()))
        assert [line["what"] for line in lines] == [row["what"] for row in rows]

    def test_an_export_tells_what_it_wrote_and_needs_a_file(
        self, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = str(tmp_path / "fills.csv")
        assert said(capsys, "audit", "export", run, "--csv", file, "--kind", "fill").startswith(
            "3 records in"
        )
        assert "--parquet" in said(capsys, "audit", "export", run, code=2)
        assert "no folder nowhere" in said(capsys, "audit", "export", "nowhere", code=2)


class TestDay:
    def test_shows_a_day_in_a_row(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        text = said(capsys, "day", run)
        assert "-0.05" in text
        assert "refused by quote_age: 1" in text

    def test_gives_days_series_and_total(self, run: str, capsys: pytest.CaptureFixture[str]) -> None:
        found = answer(capsys, "day", run)
        (day,) = found["runs"][0]["days"]
        assert (day["orders"]["made"], day["orders"]["denied"], day["breaches_by_rule"]) == (
            4,
            1,
            {"quote_age": 1},
        )
        assert found["total"]["net_usd"] == found["series"][0]["net_usd"] == "-0.05"
        assert found["page"] is None
        said(capsys, "blotter", run, "--note", "2013-10-07", "a slow Monday", "--by", "Bo")
        assert [note["by"] for note in answer(capsys, "day", run)["runs"][0]["notes"]] == ["Bo"]
        assert answer(capsys, "day", run, "--no-notes")["runs"][0]["notes"] == []

    def test_many_runs_make_a_series(
        self, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = str(write_run(tmp_path / "tuesday", monday(), moved_by_days=1))
        found = answer(capsys, "day", other, run)
        assert [line["date"] for line in found["series"]] == ["2013-10-07", "2013-10-08"]
        assert [line["cumulative_net_usd"] for line in found["series"]] == ["-0.05", "-0.10"]
        text = said(capsys, "day", run, other)
        assert "tuesday" in text
        assert "all" in text

    def test_the_page_is_one_file_without_a_reference_to_another(
        self, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said(capsys, "blotter", run, "--note", "O-1", "<i>odd</i>", "--tag", "review", "--by", "Ann")
        said(capsys, "blotter", run, "--note", "2013-10-07", "a slow Monday", "--by", "Bo")
        page = tmp_path / "pages" / "day.html"
        assert str(page) in said(capsys, "day", run, "--html", str(page))
        text = page.read_text()
        assert "&lt;i&gt;odd&lt;/i&gt; (Ann)" in text
        assert "a slow Monday (Bo)" in text
        assert "news &lt;b&gt;" in text
        assert "http://" not in text
        assert "https://" not in text
        assert text.count("<svg") == 1
        assert "-$0.05" in text

    def test_the_page_of_many_days_has_a_plot_of_them_and_a_section_each(
        self, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = str(write_run(tmp_path / "tuesday", monday(), moved_by_days=1))
        page = tmp_path / "days.html"
        assert answer(capsys, "day", run, other, "--html", str(page))["page"] == str(page)
        text = page.read_text()
        assert text.count('<section class="day"') == 2
        assert text.count('<rect class="loss"') == 2
        assert f'href="#{other}-2013-10-08"' in text

    def test_a_journal_without_a_day_is_shown_as_such(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        script = Script()
        script.opened()
        run, page = str(write_run(tmp_path / "empty", script)), tmp_path / "empty.html"
        assert "holds no day" in said(capsys, "day", run, "--html", str(page))
        assert "holds no day" in page.read_text()

    @pytest.mark.parametrize(
        ("words", "message"),
        [([], "at least one"), (["RUN", "RUN"], "twice"), (["nowhere"], "no folder nowhere")],
    )
    def test_what_is_no_run_is_refused(
        self, run: str, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        given = [run if word == "RUN" else word for word in words]
        assert message in said(capsys, "day", *given, code=2)

    def test_a_page_that_cannot_be_written_is_named(
        self, run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").touch()
        assert "--html" in said(capsys, "day", run, "--html", str(tmp_path / "file" / "day.html"), code=2)

    def test_a_page_that_does_not_fit_on_the_disk_leaves_nothing(
        self,
        run: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def full(path: Path, *_: object, **__: object) -> int:
            path.touch()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_text", full)
        page = tmp_path / "pages" / "day.html"
        assert "No space left" in said(capsys, "day", run, "--html", str(page), code=2)
        assert list(page.parent.iterdir()) == []


def test_a_run_without_a_journal_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["day"], ["blotter"], ["trace", "O-1"], ["audit", "show"]):
        assert "has no journal" in said(capsys, *words, str(tmp_path), code=2)


def journal_of(run: str) -> Path:
    (file,) = (Path(run) / "journal").glob("*.jsonl")
    return file


def edit_a_price(run: str) -> None:
    file = journal_of(run)
    file.write_bytes(file.read_bytes().replace(b'"price":"14.0500"', b'"price":"19.0500"'))


def drop_a_record(run: str) -> None:
    lines = journal_of(run).read_bytes().splitlines(keepends=True)
    journal_of(run).write_bytes(b"".join(lines[:4] + lines[5:]))


def overwrite_a_record(run: str) -> None:
    lines = journal_of(run).read_bytes().splitlines(keepends=True)
    journal_of(run).write_bytes(b"".join([*lines[:4], b"x" * 40 + b"\n", *lines[5:]]))


def drop_the_head(run: str) -> None:
    (Path(run) / "journal" / "head").unlink()


def convert_line_ends(run: str) -> None:
    journal_of(run).write_bytes(journal_of(run).read_bytes().replace(b"\n", b"\r\n"))


def copy_the_day(run: str) -> None:
    journal_of(run).with_name("2013-10-08.jsonl").write_bytes(journal_of(run).read_bytes())


READERS = (["day"], ["blotter"], ["trace", "O-1"], ["audit", "show"], ["audit", "export", "--csv", "OUT"])
TAMPERINGS = (
    *(edit_a_price, drop_a_record, overwrite_a_record),
    *(drop_the_head, convert_line_ends, copy_the_day),
)


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_a_journal_that_fails_gives_figures_only_when_asked(
    run: str, tmp_path: Path, tamper: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(run)
    for reader in READERS:
        words = [str(tmp_path / "out.csv") if word == "OUT" else word for word in [*reader, run]]
        message = said(capsys, *words, code=3)
        assert "fails its verification: " in message
        assert f"`harvester audit verify {run}`" in message
        assert not (tmp_path / "out.csv").exists()
        assert main([*words, "--unverified", "--json"]) == 0
        captured = capsys.readouterr()
        found = json.loads(captured.out)
        (of_run,) = found.get("runs", [found])
        assert of_run["run"] == run
        assert of_run["unverified"]
        assert "warning: The journal of " in captured.err
        (tmp_path / "out.csv").unlink(missing_ok=True)


def test_the_first_problem_is_named_with_its_record(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    edit_a_price(run)
    lines = journal_of(run).read_bytes().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if b'"price":"19.0500"' in line)
    message = said(capsys, "blotter", run, code=3)
    assert f"2013-10-07.jsonl:{number}, record {number}, edited: " in message
    page = Path(run).parent / "page.html"
    said(capsys, "day", run, "--unverified", "--html", str(page))
    assert "fails its verification, and these figures" in page.read_text()
    convert_line_ends(run)
    assert " 1 more follow." in said(capsys, "blotter", run, code=3)


def test_a_hash_in_run_json_is_compared(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_file = Path(run) / "run.json"
    run_file.write_text(json.dumps({"journal": {"records": 5, "last_hash": "ab" * 32}}))
    assert "replaced" in said(capsys, "day", run, code=3)
    run_file.write_text("{")
    assert "run.json is damaged" in said(capsys, "day", run, code=2)
    assert "run.json is damaged" in answer(capsys, "day", run, "--unverified")["runs"][0]["unverified"][0]
    journal = Path(run) / "journal"
    journal.rename(journal.with_name("elsewhere"))
    assert "run.json is damaged" in said(capsys, "day", run, "--unverified", code=2)
    run_file.write_text(json.dumps({"journal": {"records": 5, "last_hash": "ab" * 32}}))
    for words in (["day", run], ["day", run, "--unverified"]):
        assert "names a journal of 5 records" in said(capsys, *words, code=3)


def test_a_running_node_and_a_torn_record_are_no_tampering(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = monday()
    journal = Journal.open(tmp_path / "journal", settings=FOR_BACKTESTS)
    for entry in script.entries:
        journal.append(entry.body, ts_ns=entry.ts_ns, correlation_id=entry.correlation_id)
    journal.flush(timeout_s=10.0)
    for reader in (["day"], ["blotter"], ["trace", "O-1"], ["audit", "show"]):
        said(capsys, *reader, str(tmp_path))
    journal.close(ts_ns=script.now_ns, reason="the run ended")
    with journal_of(str(tmp_path)).open("ab") as file:
        file.write(b"half a rec")
    assert answer(capsys, "day", str(tmp_path))["runs"][0]["unverified"] == []


def test_notes_that_fail_are_refused_with_the_journal(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "blotter", run, "--note", "O-1", "odd", "--by", "Ann")
    (file,) = (Path(run) / "notes").glob("*.jsonl")
    file.write_bytes(file.read_bytes().replace(b"odd", b"bad"))
    assert f"notes/{file.name}:1, record 1, edited" in said(capsys, "blotter", run, code=3)
    assert answer(capsys, "blotter", run, "--no-notes")["unverified"] == []
    found = answer(capsys, "blotter", run, "--unverified")
    assert found["trades"][0]["notes"] == ["bad (Ann)"]
    assert found["unverified"][0].startswith("notes/")


OUTPUTS = (
    *(["audit", "export", "--csv"], ["audit", "export", "--parquet"], ["audit", "export", "--jsonl"]),
    *(["blotter", "--csv"], ["blotter", "--parquet"], ["day", "--html"]),
)


@pytest.mark.parametrize("words", OUTPUTS)
@pytest.mark.parametrize(
    "name",
    ["journal/head", "journal", "notes/x.csv", "data/x.csv", "run.json", "fills.parquet", "x/../run.json"],
)
def test_a_runs_own_files_are_not_written_over(
    run: str, words: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message = said(capsys, *words, f"{run}/{name}", run, code=2)
    assert f"Name a file elsewhere with {words[-1]}" in message
    assert answer(capsys, "audit", "verify", run)["ok"] is True
    assert not (Path(run) / "run.json").exists()


def test_a_file_in_a_run_that_is_none_of_its_own_is_written(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "blotter", run, "--csv", f"{run}/trades.csv")
    assert Path(run, "trades.csv").is_file()


def test_two_forms_are_not_written_to_one_file(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "out")
    words = ("audit", "export", run, "--csv", file, "--jsonl", f"{tmp_path}/x/../out")
    assert "--csv and --jsonl name the same file" in said(capsys, *words, code=2)
    assert not Path(file).exists()


def test_what_somebody_wrote_reaches_no_terminal_and_no_spreadsheet_as_a_command(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Script()
    script.opened()
    script.command("halt", reason="red\x1b[31m\nline")
    odd = str(write_run(tmp_path / "odd", script))
    text = said(capsys, "audit", "show", odd)
    assert "red\\x1b[31m line" in text
    assert "\x1b" not in text
    said(capsys, "blotter", run, "--note", "O-1", "=HYPERLINK(1)", "--by", "Ann")
    said(capsys, "blotter", run, "--csv", str(tmp_path / "t.csv"), "--parquet", str(tmp_path / "t.parquet"))
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0]["notes"] == "'=HYPERLINK(1) (Ann)"
    assert rows[1]["net_usd"] == "-0.35"
    assert pq.read_table(tmp_path / "t.parquet").column("notes")[0].as_py() == "=HYPERLINK(1) (Ann)"


def test_notes_are_in_the_timeline(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "blotter", run, "--note", "T-O-1", "odd", "--by", "Ann")
    said(capsys, "blotter", run, "--note", "O-5", "late", "--tag", "x", "--by", "Bo")

    def told(*words: str) -> list[str]:
        return [row["what"] for row in answer(capsys, "audit", "show", run, *words)["rows"]]

    both = ["noted on T-O-1: odd", "noted on O-5 [x]: late"]
    assert told("--kind", "note") == both
    assert told()[-2:] == both
    assert told("--order", "O-1")[-1] == both[0]
    assert both[0] not in told("--order", "O-5")
    assert "note 1  " in said(capsys, "audit", "show", run, "--kind", "note")


def test_a_folder_of_runs_is_taken_as_its_runs(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_run(tmp_path / "tuesday", monday(), moved_by_days=1)
    write_run(tmp_path / ".k6.unfinished-5400", monday())
    found = answer(capsys, "day", str(tmp_path))
    assert [each["run"] for each in found["runs"]] == [run, str(other)]
    assert "twice" in said(capsys, "day", str(tmp_path), run, code=2)
    assert "each run counts its own" in said(capsys, "trace", "trip-8", str(tmp_path), code=2)
    assert "of the 2 runs" in said(capsys, "trace", "O-77", str(tmp_path), code=2)
    drop_the_head(str(other))
    message = said(capsys, "trace", "O-77", str(tmp_path), code=2)
    assert f"1 could not be searched: {other}: " in message
    assert answer(capsys, "trace", "O-1", str(tmp_path))["run"] == run


def test_tables_fit_a_narrow_terminal(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = str(write_run(tmp_path / "tuesday", monday(), moved_by_days=1))
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["blotter", run], ["blotter", run, "--executions"]):
        assert max(map(len, said(capsys, *words).splitlines())) <= 80
    monkeypatch.chdir(tmp_path)
    assert max(map(len, said(capsys, "day", "monday", Path(other).name).splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "60")
    text = said(capsys, "trace", "O-1", run)
    assert "…" not in text


def test_a_run_with_notes_is_not_replaced(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a person wrote has no second copy: another run may not take the folder's place."""
    from backtests.run_directory import require_usable
    from market.errors import UserError

    folder = Path(run)
    (folder / "run.json").write_text("{}")
    require_usable(folder)
    said(capsys, "blotter", run, "--note", "O-1", "odd", "--by", "Ann")
    with pytest.raises(UserError, match="holds notes"):
        require_usable(folder)
