"""A Lean data folder with a few contracts, as QuantConnect lays it out."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

OPEN_MS = 34_200_000
MINUTE_MS = 60_000


def quote(minute: int, bid: str, ask: str, *, sizes: tuple[int, int] = (1, 2)) -> str:
    """Return a row of minute `minute` of the session; an empty side is absent. Prices in 1/10,000 USD."""
    left = ",".join([bid] * 4) + f",{sizes[0] if bid else ''}"
    right = ",".join([ask] * 4) + f",{sizes[1] if ask else ''}"
    return f"{OPEN_MS + minute * MINUTE_MS},{left},{right}"


def write_zip(path: Path, texts: Mapping[str, str]) -> Path:
    """Write a zip of texts by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def entry(
    content: str, right: str, strike: int, expiry: str, *, root: str = "spxw", style: str = "european"
) -> str:
    """Return Lean's name of a contract's text; `strike` in USD."""
    return f"20210104_{root}_minute_{content}_{style}_{right}_{strike * 10_000}_{expiry}.csv"


def write_spxw(lean: Path, *, quotes: Mapping[str, str] | None = None) -> Path:
    """Write one day of SPXW: a call and a put of 3,700 of 2021-01-06; return the folder `lean`."""
    call, put = (entry("quote", right, 3700, "20210106") for right in ("call", "put"))
    texts = quotes or {
        call: "\n".join([quote(0, "600000", "620000"), quote(2, "610000", "")]),
        put: "\n".join([quote(0, "90000", "95000"), quote(1, "91000", "90000")]),
    }
    folder = lean / "indexoption/usa/minute/spxw"
    write_zip(folder / "20210104_quote_european.zip", texts)
    write_zip(
        folder / "20210104_trade_european.zip.zip",
        {
            entry("trade", "call", 3700, "20210106"): f"{OPEN_MS},610000,610000,610000,610000,4\n"
            f"{OPEN_MS + MINUTE_MS},605000,605000,605000,605000,3"
        },
    )
    write_zip(
        folder / "20210104_openinterest_european.zip",
        {entry("openinterest", "put", 3700, "20210106"): "23400000,1732"},
    )
    write_zip(
        lean / "index/usa/minute/spx/20210104_trade.zip",
        {
            "20210104_spx_minute_trade.csv": "30600000,3760.1,3761,3759,3760.55,10\n"
            "30660000,3760,3761,3759,3758.25,9"
        },
    )
    return lean
