"""Environments stay apart: what dev, uat and live may connect to, and the second switch of live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from configs.profile import LoadedProfile, load_profile
from configs.profile_environments import LIVE_PORTS, PAPER_PORTS, SIMULATOR_PORTS
from market.errors import ConfigError
from tests.configs.profile_builder import LIVE_BROKER, PAPER_BROKER, load, valid_tables, write_profile

ALL_LIVE = sorted(port for ports in LIVE_PORTS.values() for port in ports)
ALL_PAPER = sorted(port for ports in PAPER_PORTS.values() for port in ports)


def _broker(environment: str, **broker: Any) -> dict[str, Any]:
    return valid_tables(environment=environment, broker=broker)


def _refusal(folder: Path, tables: dict[str, Any], *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, tables, *overrides)
    return str(caught.value)


def test_the_ports_of_the_environments_are_disjoint_and_are_the_brokers() -> None:
    assert ALL_LIVE == [4001, 4003, 7496]
    assert ALL_PAPER == [4002, 4004, 7497]
    assert not {*ALL_LIVE, *ALL_PAPER} & set(SIMULATOR_PORTS)


@pytest.mark.parametrize("port", [*ALL_LIVE, *ALL_PAPER, 1, 16999, 18000, 65535])
def test_a_dev_profile_reaches_no_port_but_the_simulators(tmp_path: Path, port: int) -> None:
    message = _refusal(tmp_path, _broker("dev", connection="simulator", port=port))
    assert f"broker.port is {port}, allowed in dev: 17000 to 17999" in message


@pytest.mark.parametrize("port", [17000, 17999])
def test_a_dev_profile_reaches_the_simulator(tmp_path: Path, port: int) -> None:
    loaded = load(tmp_path, _broker("dev", connection="simulator", port=port, account="DU1234567"))
    assert loaded.profile.broker.port == port


@pytest.mark.parametrize("port", [*ALL_LIVE, *ALL_PAPER])
def test_an_override_does_not_lead_a_dev_profile_to_the_broker(tmp_path: Path, port: int) -> None:
    tables = _broker("dev", connection="simulator", port=17001)
    assert "allowed in dev: 17000 to 17999" in _refusal(tmp_path, tables, f"broker.port={port}")


@pytest.mark.parametrize("connection", ["tws", "gateway"])
@pytest.mark.parametrize("port", [17001, 4001, 4002, 7496, 7497])
def test_a_dev_profile_never_connects_to_interactive_brokers(
    tmp_path: Path, connection: str, port: int
) -> None:
    message = _refusal(tmp_path, _broker("dev", connection=connection, port=port))
    assert f"broker.connection is '{connection}', allowed in dev: 'none' or 'simulator'" in message


@pytest.mark.parametrize("host", ["10.0.0.5", "example.com", "0.0.0.0", "127.0.0.1.example.com"])
def test_a_dev_profile_stays_on_this_machine(tmp_path: Path, host: str) -> None:
    tables = _broker("dev", connection="simulator", port=17001, host=host)
    assert f"broker.host is '{host}', allowed in dev: '127.0.0.1'" in _refusal(tmp_path, tables)


def test_a_dev_profile_carries_no_real_account(tmp_path: Path) -> None:
    tables = _broker("dev", connection="simulator", port=17001, account="U1234567")
    assert "broker.account is 'U1234567', allowed in dev: none, or a paper account" in _refusal(
        tmp_path, tables
    )


def test_a_port_without_a_connection_is_a_contradiction(tmp_path: Path) -> None:
    assert "broker.port is 17001, allowed without a connection: none" in _refusal(
        tmp_path, _broker("dev", port=17001)
    )


@pytest.mark.parametrize("connection", ["tws", "gateway"])
@pytest.mark.parametrize("environment", ["uat", "live"])
@pytest.mark.parametrize("port", [*ALL_LIVE, *ALL_PAPER, 17001, None])
def test_paper_and_live_reach_their_own_ports_only(
    tmp_path: Path, environment: str, connection: str, port: int | None
) -> None:
    account = "DU1234567" if environment == "uat" else "U1234567"
    broker: dict[str, Any] = {"connection": connection, "account": account}
    tables = _broker(environment, **broker, **({} if port is None else {"port": port}))
    file = write_profile(tmp_path, tables)
    permitted = (PAPER_PORTS if environment == "uat" else LIVE_PORTS)[connection]
    if port in permitted:
        assert load_profile(file, environ={}, purpose="research").profile.broker.port == port
        return
    with pytest.raises(ConfigError, match=f"broker.port is .* allowed for {connection} in {environment}"):
        load_profile(file, environ={}, purpose="research")


@pytest.mark.parametrize("connection", ["none", "simulator"])
@pytest.mark.parametrize("environment", ["uat", "live"])
def test_paper_and_live_need_a_broker(tmp_path: Path, environment: str, connection: str) -> None:
    tables = _broker(environment, connection=connection)
    assert f"broker.connection is '{connection}', allowed in {environment}" in _refusal(tmp_path, tables)


@pytest.mark.parametrize(
    ("environment", "account", "expected"),
    [
        ("uat", "U1234567", "broker.account is 'U1234567', allowed in uat: a paper account"),
        ("live", "DU1234567", "broker.account is 'DU1234567', a paper account"),
        ("uat", None, "broker.account is missing"),
        ("live", None, "broker.account is missing"),
    ],
)
def test_the_account_belongs_to_the_environment(
    tmp_path: Path, environment: str, account: str | None, expected: str
) -> None:
    broker = dict(PAPER_BROKER if environment == "uat" else LIVE_BROKER)
    broker.pop("account")
    if account is not None:
        broker["account"] = account
    assert expected in _refusal(tmp_path, _broker(environment, **broker))


@pytest.mark.parametrize(
    "host",
    ["8.8.8.8", "0.0.0.0", "example.com", "134744072", "0x8080808", "2001:4860:4860::8888", "8.8.2056"],
)
def test_a_broker_on_a_public_address_is_refused(tmp_path: Path, host: str) -> None:
    tables = _broker("uat", **PAPER_BROKER, host=host)
    expected = f"broker.host is '{host}', allowed: this machine or a private network"
    assert expected in _refusal(tmp_path, tables)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.9", "fd00::1", "ib-gateway", "tws.internal"]
)
def test_a_broker_on_a_private_network_is_allowed(tmp_path: Path, host: str) -> None:
    assert load(tmp_path, _broker("uat", **PAPER_BROKER, host=host)).profile.broker.host == host


def test_paper_and_live_are_charged_fees(tmp_path: Path) -> None:
    tables = valid_tables(environment="uat", broker=PAPER_BROKER, fees__schedule="none")
    assert "fees.schedule is 'none', allowed in uat: 'ib_fixed' or 'ib_tiered'" in _refusal(tmp_path, tables)


def _live(folder: Path, environ: dict[str, str], **options: Any) -> LoadedProfile:
    return load_profile(write_profile(folder, _broker("live", **LIVE_BROKER)), environ=environ, **options)


@pytest.mark.parametrize(
    "switch",
    [None, "", "1", "true", "sample", "U1234567", "sample/U7654321", "other/U1234567", "SAMPLE/U1234567"],
)
def test_a_live_profile_needs_its_name_and_account_as_second_switch(
    tmp_path: Path, switch: str | None
) -> None:
    environ = {} if switch is None else {"HARVESTER_LIVE": switch}
    with pytest.raises(ConfigError, match=r"needs a second, explicit switch.*'sample/U1234567'"):
        _live(tmp_path, environ)


def test_a_live_profile_loads_with_the_switch(tmp_path: Path) -> None:
    assert _live(tmp_path, {"HARVESTER_LIVE": "sample/U1234567"}).purpose == "trade"
    assert _live(tmp_path, {}, live_switch="sample/U1234567").purpose == "trade"


def test_a_switch_on_the_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is 'other/U1234567', allowed"):
        _live(tmp_path, {"HARVESTER_LIVE": "sample/U1234567"}, live_switch="other/U1234567")


def test_a_live_profile_can_be_researched_without_the_switch_and_says_so(tmp_path: Path) -> None:
    assert _live(tmp_path, {}, purpose="research").purpose == "research"


def test_a_paper_profile_needs_no_switch(tmp_path: Path) -> None:
    assert load(tmp_path, _broker("uat", **PAPER_BROKER)).profile.environment == "uat"


@pytest.mark.parametrize("override", ["environment=live", "name=other", 'extends="x.toml"'])
def test_name_and_environment_cannot_be_overridden(tmp_path: Path, override: str) -> None:
    assert "cannot be set on the command line" in _refusal(tmp_path, valid_tables(), override)


def test_name_and_environment_are_not_inherited(tmp_path: Path) -> None:
    write_profile(tmp_path, _broker("live", **LIVE_BROKER), "base.toml")
    file = write_profile(tmp_path, {"extends": "base.toml"}, "child.toml")
    with pytest.raises(ConfigError) as caught:
        load_profile(file, environ={"HARVESTER_LIVE": "sample/U1234567"})
    assert "name is missing" in str(caught.value)
    assert "environment is missing" in str(caught.value)


def test_a_dev_profile_that_extends_a_live_one_does_not_inherit_its_reach(tmp_path: Path) -> None:
    write_profile(tmp_path, _broker("live", **LIVE_BROKER), "base.toml")
    file = write_profile(
        tmp_path, {"name": "child", "environment": "dev", "extends": "base.toml"}, "child.toml"
    )
    with pytest.raises(ConfigError, match=r"broker\.connection is 'gateway', allowed in dev"):
        load_profile(file, environ={"HARVESTER_LIVE": "sample/U1234567"})
