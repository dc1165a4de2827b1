"""What is chosen when the simulated TWS starts; every component adds its own section here.

Numbers that are Interactive Brokers' rules (50 messages per second, 3 depth requests, 100 lines) are
defaults with their source beside them; tests change them to reach a limit quickly.
"""

from __future__ import annotations

import re

import msgspec

from adapters.tws_simulator.account.settings import AccountSettings
from adapters.tws_simulator.contracts.settings import ContractSettings
from adapters.tws_simulator.market_data.settings import MarketDataSettings
from adapters.tws_simulator.orders.settings import OrdersSettings

TEXT_SERVER_VERSION = 176
"""The one version whose text protocol is spoken; ib_async 2 and clients since 2022 understand it."""

PROTOBUF_SERVER_VERSION_MIN = 213
"""From here on every request and reply is protobuf; 201 to 212 are mixtures, which are not offered."""

PROTOBUF_SERVER_VERSION_MAX = 223
"""The highest version of `ibapi` 10.45, and what is advertised by default."""


_ACCOUNT = re.compile(r"[A-Z]{1,4}[0-9]+")


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules of connections: accounts, client ids, message rate, read-only mode.

    `messages_per_second_max`: TWS documents 50 (half of the market data lines, 100 by default).
    `violations_max`: the violation that ends the connection; TWS documents 3. `flood_factor`: more than
    this many times the limit refused within one second ends it at once (a protection of ours).
    `master_client_id`: sees every client's orders, None for none.
    """

    accounts: tuple[str, ...] = ("DU1234567",)
    messages_per_second_max: int = 50
    violations_max: int = 3
    flood_factor: int = 20
    is_read_only: bool = False
    master_client_id: int | None = None
    first_order_id: int = 1
    time_zone: str = "US/Eastern"

    def __post_init__(self) -> None:
        if not self.accounts:
            raise ValueError("accounts is empty: give at least one, such as DU1234567")
        for account in self.accounts:
            if _ACCOUNT.fullmatch(account) is None:
                raise ValueError(
                    f"account {account!r} is no account: letters, then digits, such as DU1234567"
                )
        if self.messages_per_second_max < 1:
            raise ValueError(f"messages_per_second_max {self.messages_per_second_max}: at least 1")
        if self.violations_max < 1 or self.flood_factor < 1:
            raise ValueError(
                f"violations_max {self.violations_max}, flood_factor {self.flood_factor}: at least 1"
            )
        if self.first_order_id < 1:
            raise ValueError(f"first_order_id {self.first_order_id}: at least 1")


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of one simulated TWS. `seed` feeds everything random that the broker does."""

    session: SessionSettings = SessionSettings()
    contracts: ContractSettings = ContractSettings()
    market_data: MarketDataSettings = MarketDataSettings()
    orders: OrdersSettings = OrdersSettings()
    account: AccountSettings = AccountSettings()
    server_version: int = PROTOBUF_SERVER_VERSION_MAX
    seed: int = 1

    def __post_init__(self) -> None:
        known = {TEXT_SERVER_VERSION, *range(PROTOBUF_SERVER_VERSION_MIN, PROTOBUF_SERVER_VERSION_MAX + 1)}
        if self.server_version not in known:
            protobuf = f"{PROTOBUF_SERVER_VERSION_MIN} to {PROTOBUF_SERVER_VERSION_MAX}"
            raise ValueError(
                f"server_version {self.server_version} is not spoken here; use "
                f"{TEXT_SERVER_VERSION} (text) or {protobuf} (protobuf)"
            )
