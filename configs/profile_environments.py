"""What each environment may connect to, and the second switch that real money needs.

    dev   no connection, or the simulated TWS: this machine alone, ports 17000 to 17999
    uat   Interactive Brokers' paper ports and a paper account (it begins with D)
    live  Interactive Brokers' live ports, a real account, and the switch

The ports are a list of what is allowed, not of what is forbidden: TWS can be told to listen anywhere.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from configs.profile_problems import Problem

if TYPE_CHECKING:
    from configs.profile import Profile
    from configs.profile_sections import Broker, Environment

LIVE_SWITCH_VARIABLE = "HARVESTER_LIVE"
"""Environment variable that names the live profile and account, `<profile name>/<account>`."""

SIMULATOR_PORTS = range(17000, 18000)
"""Ports of the simulated TWS; nothing of Interactive Brokers listens there by itself."""

# TWS, IB Gateway, and IB Gateway in its container behind socat.
PAPER_PORTS: Mapping[str, tuple[int, ...]] = {"tws": (7497,), "gateway": (4002, 4004)}
LIVE_PORTS: Mapping[str, tuple[int, ...]] = {"tws": (7496,), "gateway": (4001, 4003)}

PRIVATE_NAME_ENDINGS = (".local", ".localdomain", ".internal", ".lan", ".home.arpa")
"""Endings of names that are reserved for private networks."""

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def is_paper_account(account: str) -> bool:
    """Return whether an Interactive Brokers account is a paper account (DU, DF, ...)."""
    return account.startswith("D")


def broker_contradictions(environment: Environment, broker: Broker) -> Iterator[str]:
    """Yield what `broker` has that `environment` must not have; empty when the two agree."""
    if environment == "dev":
        yield from _dev_contradictions(broker)
        return
    if broker.connection not in PAPER_PORTS:
        yield (
            f"broker.connection is {broker.connection!r}, allowed in {environment}: 'tws' or 'gateway'. "
            "Use environment dev for backtests and the simulator."
        )
        return
    ports = (PAPER_PORTS if environment == "uat" else LIVE_PORTS)[broker.connection]
    if broker.port not in ports:
        yield (
            f"broker.port is {_or_missing(broker.port)}, allowed for {broker.connection} in {environment}: "
            f"{' or '.join(map(str, ports))}"
        )
    yield from _account_contradictions(environment, broker.account)
    if not _is_private(broker.host):
        yield (
            f"broker.host is {broker.host!r}, allowed: this machine or a private network, because the API "
            "has neither encryption nor authentication"
        )


def trade_problems(profile: Profile, *, switch: str | None) -> Iterator[Problem]:
    """Yield why `profile` may not be started on a broker; `switch` is what was given beside the file.

    A live profile needs `<profile name>/<account>` there, so that neither an edited file nor a
    forgotten variable alone can reach real money.
    """
    account = profile.broker.account
    if profile.environment == "dev" or account is None:
        return
    if re.fullmatch(r"[A-Z]+0+", account):
        yield Problem("broker.account", f"is {account!r}, a template's. Put your own account there.")
    expected = f"{profile.name}/{account}"
    if profile.environment == "live" and switch != expected:
        given = "is not set" if not switch else f"is {switch!r}"
        yield Problem(
            "environment",
            f"is 'live', which trades real money and needs a second, explicit switch: "
            f"{LIVE_SWITCH_VARIABLE} {given}, allowed: {expected!r}. Give it for this one start only.",
        )


def _dev_contradictions(broker: Broker) -> Iterator[str]:
    if broker.connection not in ("none", "simulator"):
        yield (
            f"broker.connection is {broker.connection!r}, allowed in dev: 'none' or 'simulator'. "
            "A dev profile never reaches Interactive Brokers; use environment uat for paper trading."
        )
    elif broker.connection == "none" and broker.port is not None:
        yield f"broker.port is {broker.port}, allowed without a connection: none. Delete it."
    elif broker.connection == "simulator" and broker.port not in SIMULATOR_PORTS:
        first, last = SIMULATOR_PORTS[0], SIMULATOR_PORTS[-1]
        yield f"broker.port is {_or_missing(broker.port)}, allowed in dev: {first} to {last}"
    if broker.host not in LOOPBACK_HOSTS:
        yield f"broker.host is {broker.host!r}, allowed in dev: {' or '.join(map(repr, LOOPBACK_HOSTS))}"
    if broker.account is not None and not is_paper_account(broker.account):
        yield f"broker.account is {broker.account!r}, allowed in dev: none, or a paper account (D...)"


def _account_contradictions(environment: Environment, account: str | None) -> Iterator[str]:
    if account is None:
        yield f"broker.account is missing, and {environment} must name the account it may trade"
    elif environment == "uat" and not is_paper_account(account):
        yield f"broker.account is {account!r}, allowed in uat: a paper account, such as DU1234567"
    elif environment == "live" and is_paper_account(account):
        yield f"broker.account is {account!r}, a paper account; allowed in live: a real one, such as U1234567"


def _is_private(host: str) -> bool:
    """Return whether `host` is a private address, or a name that only a private network knows.

    A name is one word (a container's), or ends like names that no public server answers for. Numbers
    that are no usual address (`134744072` is 8.8.8.8) are refused.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:1].isalpha() and ("." not in host or host.endswith(PRIVATE_NAME_ENDINGS))
    return address.is_private and not address.is_unspecified


def _or_missing(port: int | None) -> str:
    return "missing" if port is None else str(port)
