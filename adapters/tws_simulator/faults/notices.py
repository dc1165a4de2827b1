"""Texts of the notices and connection errors that TWS sends on its own, as it writes them.

Texts of 502 to 507 and 1100 to 2110 are from TWS's published list of codes and from users' logs; "%s"
stands for a farm or a port.
"""

from __future__ import annotations

from typing import NamedTuple

TEXTS = {
    100: "Max rate of messages per second has been exceeded.",
    502: "Couldn't connect to TWS. Confirm that API is enabled in TWS.",
    504: "Not connected",
    507: "Bad Message Length",
    1100: "Connectivity between IBKR and Trader Workstation has been lost.",
    1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost. "
    "All data farms are connected.",
    1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained. "
    "All data farms are connected.",
    1300: "TWS socket port has been reset and this connection is being dropped. "
    "Please reconnect on the new port -%s",
    2100: "API client has been unsubscribed from account data.",
    2103: "Market data farm connection is broken:%s",
    2104: "Market data farm connection is OK:%s",
    2105: "HMDS data farm connection is broken:%s",
    2106: "HMDS data farm connection is OK:%s",
    2107: "HMDS data farm connection is inactive but should be available upon demand.%s",
    2108: "Market data farm connection is inactive but should be available upon demand.%s",
    2109: "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type "
    "and destination. PlaceOrder is now being processed.",
    2110: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
    2119: "Market data farm is connecting:%s",
    2157: "Sec-def data farm connection is broken:%s",
    2158: "Sec-def data farm connection is OK:%s",
}


class Farm(NamedTuple):
    """A data farm: its name, and the codes of its being broken and well."""

    name: str
    broken: int
    well: int


FARMS = {
    "market": Farm("usfarm", 2103, 2104),
    "history": Farm("ushmds", 2105, 2106),
    "definitions": Farm("secdefil", 2157, 2158),
}


def notice_text(code: int, detail: str = "") -> str:
    """Return TWS's text of a code with `detail` in its place, or a plain sentence for an unknown code."""
    text = TEXTS.get(code)
    if text is None:
        return detail or f"Notice {code}"
    return text.replace("%s", detail)
