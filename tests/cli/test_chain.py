"""`harvester chain` and the ingest commands of option data at the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from tests.catalog.lean_options.lean_option_folder import entry, quote, write_spxw

AT = "2021-01-04T09:31:00-05:00"


def strikes() -> dict[str, str]:
    """Return quotes of calls and puts 3,700 to 3,800 that agree with parity at 3,760."""
    quotes = {}
    for strike in (3700, 3750, 3800):
        call = 20 + max(3760 - strike, 0)
        put = 20 + max(strike - 3760, 0)
        for right, price in (("call", call), ("put", put)):
            row = quote(0, str(price * 10_000), str(price * 10_000 + 5_000))
            quotes[entry("quote", right, strike, "20210106")] = row
    return quotes


@pytest.fixture
def catalog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    root = tmp_path / "catalog"
    lean = write_spxw(tmp_path / "lean", quotes=strikes())
    command = ["ingest", "lean-options", str(lean), "--catalog", str(root), "--legs", "SPXW210106C037*"]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert "6 quotes of 6 contracts and 1 expiries, 6 two-sided, 0 crossed" in output
    assert "SPXW: 4 quotes and greeks of 2 contracts of their own" in output
    return root


def reply(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_chain_is_shown_with_smile_and_greeks(catalog: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chain", "SPX", "--catalog", str(catalog), "--at", AT]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "SPX at 2021-01-04 09:31:00 EST: 3,760.55 (catalog), rates: none (0 %)"
    assert re.match(r"2021-01-06 +2 +6 +3,760\.00 +\d+\.\d\d%", lines[4])
    row = next(line for line in lines if "3,750.00" in line)
    assert row.split()[:2] == ["30.00", "30.50"]


def test_json_has_every_contract_and_says_why_one_has_no_volatility(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chain", "SPXW", "--catalog", str(catalog), "--at", AT, "--rate", "0.01", "--json"]) == 0
    found = reply(capsys)
    assert (found["contracts"], found["two_sided"], found["rates_from"]) == (6, 6, "given")
    contracts = found["expiries"][0]["contracts"]
    assert [one["contract"] for one in contracts][:2] == [
        "SPXW  210106P03700000.SMART",
        "SPXW  210106C03700000.SMART",
    ]
    for one in contracts:
        assert (one["iv"] is None) == (one["iv_absent_because"] is not None)
        assert one["open_interest"] == (1732 if one["contract"].startswith("SPXW  210106P037000") else None)


def test_the_page_opens_without_a_network_and_holds_the_data(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "pages" / "chain.html"
    command = ["chain", "SPX", "--catalog", str(catalog), "--at", AT, "--html", str(page), "--json"]
    assert main(command) == 0
    found = reply(capsys)
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["']""", text)
    data = re.search(r'<script id="chart-data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["expiries"] == found["expiries"]
    assert "uPlot" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chain", "NDX", "--at", AT], "The catalog has no chain of NDX; it has SPXW"),
        (["chain", "SPX", "--at", "2021-01-04T09:30:00-05:00"], "No chain of SPX in the 7 days before"),
        (["chain", "SPX", "--at", "2021-02-04T09:30:00-05:00"], "No chain of SPX in the 7 days before"),
        (["chain", "SPX", "--at", "yesterday"], "'yesterday' is not a time"),
        (
            ["chain", "SPX", "--at", AT, "--expiry", "2021-01-08"],
            "SPX has no expiry 2021-01-08; it has 2021-01-06",
        ),
    ],
)
def test_a_question_that_has_no_answer_says_why(catalog, capsys, arguments, message) -> None:  # type: ignore[no-untyped-def]
    assert main([*arguments, "--catalog", str(catalog)]) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_nothing_is_printed_or_written_for_an_expiry_that_is_none(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "chain.html"
    words = ["chain", "SPX", "--catalog", str(catalog), "--at", AT, "--html", str(page)]
    assert main([*words, "--expiry", "2021-01-08"]) == 2
    assert capsys.readouterr().out == ""
    assert not page.exists()


@pytest.mark.parametrize("command", ["chain", "surface"])
@pytest.mark.parametrize("option", ["--html", "--png"])
def test_a_folder_or_a_place_below_a_file_is_refused_before_work(
    catalog: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, option: str
) -> None:
    (tmp_path / "note").write_text("mine", encoding="utf-8")
    words = [command, "SPX", "--catalog", str(catalog), "--at", AT, option]
    assert main([*words, str(tmp_path)]) == 2
    assert f"{tmp_path} is a folder, not a file" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "note" / "chain.html")]) == 2
    assert "is a file, not a folder" in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["catalog", "lean", "note"]


def test_an_old_chain_is_said_and_priced_as_of_its_time(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["chain", "SPX", "--catalog", str(catalog), "--at", "2021-01-06T12:00:00-05:00"]
    assert main(words) == 0
    assert (
        "note: The latest chain of SPX at 2021-01-06 12:00:00 EST is of 2021-01-04" in capsys.readouterr().out
    )
    assert main([*words, "--json"]) == 0
    found = reply(capsys)
    assert (found["asked_at"], found["chain_at"][:10]) == ("2021-01-06 12:00:00 EST", "2021-01-04")
    assert found["chain_age_seconds"] > 2 * 86_400
    assert found["note"].startswith("The latest chain")


def test_a_given_dividend_yield_moves_the_volatilities(
    catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["chain", "SPX", "--catalog", str(catalog), "--at", AT, "--json"]
    found = []
    for flags in ([], ["--dividend-yield", "0.5"]):
        assert main([*words, *flags]) == 0
        found.append(reply(capsys))
    assert (found[0]["dividends_from"], found[1]["dividends_from"]) == ("none, it is an index", "given")
    assert found[0]["expiries"][0]["contracts"] != found[1]["expiries"][0]["contracts"]
    assert main([*words, "--dividend-yield", "5"]) == 2


def test_the_page_opens_at_the_expiry_that_was_asked_for(catalog: Path, tmp_path: Path) -> None:
    page = tmp_path / "chain.html"
    words = ["chain", "SPX", "--catalog", str(catalog), "--at", AT, "--html", str(page)]
    for flags, opened in (([], None), (["--expiry", "2021-01-06"], 1609966800000000000)):
        assert main([*words, *flags]) == 0
        data = re.search(
            r'<script id="chart-data"[^>]*>(.*?)</script>', page.read_text(encoding="utf-8"), re.S
        )
        assert data is not None
        assert json.loads(data[1])["open_at_ns"] == opened


@pytest.fixture
def vendors(tmp_path: Path) -> Path:
    """A catalog of a snapshot without quotes, whose volatilities are the vendor's."""
    rows = [
        f"KO,{price},2021-02-19,2021-01-04,{strike},{right},{iv}"
        for price, iv in ((50, 0.3),)
        for strike in range(40, 61, 2)
        for right in ("call", "put")
    ]
    header = "underlying,underlying_last,expiration,quotedate,strike,type,impliedvol"
    text = "\n".join([header + ",bid,ask", *(f"{row},0,0" for row in rows)])
    path = tmp_path / "ko.csv"
    path.write_text(text, encoding="utf-8")
    assert main(["ingest", "chain-csv", str(path), "--catalog", str(tmp_path / "vendors")]) == 0
    return tmp_path / "vendors"


def test_a_surface_without_quotes_is_the_vendors(vendors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["surface", "KO", "--catalog", str(vendors), "--at", "2021-01-04T16:00:00-05:00"]
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    found = reply(capsys)
    assert found["volatilities_from"] == "vendor"
    assert found["expiries"][0]["iv"][found["moneyness"].index(1.0)] == pytest.approx(0.3, abs=1e-6)
    assert main(words) == 0
    assert "Implied volatility of the vendor" in capsys.readouterr().out


def test_an_empty_surface_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "KO,50,2021-02-19,2021-01-04,40,call,0.3,0,0\nKO,50,2021-02-19,2021-01-04,60,put,0.3,0,0\n"
    header = "underlying,underlying_last,expiration,quotedate,strike,type,impliedvol,bid,ask\n"
    for name, text, why in (
        ("sides", rows, "2 of 2 contracts have a volatility, and no expiry has one near"),
        ("price", rows.replace(",50,", ",0,"), "the price of the underlying is not known"),
    ):
        path, page = tmp_path / f"{name}.csv", tmp_path / f"{name}.html"
        path.write_text(header + text, encoding="utf-8")
        assert main(["ingest", "chain-csv", str(path), "--catalog", str(tmp_path / name)]) == 0
        words = ["surface", "KO", "--catalog", str(tmp_path / name), "--at", "2021-01-04T16:00:00-05:00"]
        capsys.readouterr()
        assert main([*words, "--html", str(page)]) == 0
        assert f"note: The surface is empty: {why}" in capsys.readouterr().out
        assert f"The surface is empty: {why}" in page.read_text(encoding="utf-8")


def test_rates_and_volatility_are_ingested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(tmp_path / "catalog")
    (tmp_path / "rates.csv").write_text("DATE,RATE\n2021-01-04,0.25\n", encoding="utf-8")
    (tmp_path / "vix.csv").write_text("DATE,CLOSE\n2021-01-04,26.97\n", encoding="utf-8")
    rates = ["ingest", "rates", str(tmp_path / "rates.csv"), "--catalog", root, "--json"]
    assert main([*rates, "--columns", "3month=RATE", "--unit", "percent"]) == 0
    assert reply(capsys)["rows"] == 1
    assert main(["ingest", "volatility", str(tmp_path / "vix.csv"), "--catalog", root, "--json"]) == 0
    assert reply(capsys)["instruments"] == ["VIX"]


def test_a_chain_file_is_ingested_by_its_column_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(tmp_path / "catalog")
    (tmp_path / "chain.csv").write_text("occ,day,b,a\nGOOG151224C00750000,2015-12-23,5,6\n", encoding="utf-8")
    (tmp_path / "map.toml").write_text(
        'contract = "occ"\ntime = "day"\nbid = "b"\nask = "a"\n', encoding="utf-8"
    )
    command = ["ingest", "chain-csv", str(tmp_path / "chain.csv"), "--catalog", root, "--json"]
    assert main([*command, "--columns", str(tmp_path / "map.toml")]) == 0
    assert reply(capsys)["rows"] == 1
    assert main([*command, "--columns", "contract"]) == 2
    assert "is no FIELD=COLUMN pair" in capsys.readouterr().out
