"""What self-contained pages share: vendored and own assets, and JSON that may stand in a script element."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec
from markupsafe import Markup


def asset(name: str) -> Markup:
    """Return a file of `backtests/report/assets`, to be written into a page as it is."""
    text = files("backtests.report").joinpath("assets", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - ours or vendored, not input


def script_json(value: Any) -> Markup:
    """Encode for a `<script>` element: a text in the data must not be able to end the element."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704
