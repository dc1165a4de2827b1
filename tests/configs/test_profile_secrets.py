"""Secrets come from the environment or a private file, and are never shown."""

from __future__ import annotations

import copy
import pickle
import traceback
from pathlib import Path

import msgspec
import pytest

from configs.profile import LoadedProfile, load_profile
from configs.profile_secrets import Secret, is_secret_name
from market.errors import ConfigError
from tests.configs.profile_builder import load, valid_tables, write_profile

VALUE = "hunter2-correct-horse"


@pytest.fixture
def secrets_file(tmp_path: Path) -> Path:
    file = tmp_path / "private" / "secrets.toml"
    file.parent.mkdir()
    file.write_text(f'tws_password = "{VALUE}"\nunused = "other"\n')
    file.chmod(0o600)
    return file


def _with_secrets(folder: Path, *, environ: dict[str, str], **secrets: object) -> LoadedProfile:
    file = write_profile(folder / "profiles", valid_tables(secrets=secrets))
    return load_profile(file, environ=environ)


def test_a_secret_comes_from_the_file(tmp_path: Path, secrets_file: Path) -> None:
    loaded = _with_secrets(tmp_path, environ={}, file=str(secrets_file), required=["tws_password"])
    assert loaded.secrets["tws_password"].reveal() == VALUE
    assert set(loaded.secrets) == {"tws_password"}


def test_the_environment_wins_over_the_file(tmp_path: Path, secrets_file: Path) -> None:
    environ = {"HARVESTER_SECRET_TWS_PASSWORD": "from environment"}
    loaded = _with_secrets(tmp_path, environ=environ, file=str(secrets_file), required=["tws_password"])
    assert loaded.secrets["tws_password"].reveal() == "from environment"


@pytest.mark.parametrize("environ", [{}, {"HARVESTER_SECRET_TWS_PASSWORD": ""}])
def test_a_missing_secret_blocks_and_names_its_variable(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="neither in HARVESTER_SECRET_TWS_PASSWORD nor in a file"):
        _with_secrets(tmp_path, environ=environ, required=["tws_password"])


def test_a_secrets_file_in_the_profiles_checkout_is_refused(tmp_path: Path, secrets_file: Path) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(ConfigError, match="inside the checkout"):
        _with_secrets(tmp_path, environ={}, file=str(secrets_file))


def test_a_link_does_not_hide_a_secrets_file_in_the_checkout(tmp_path: Path, secrets_file: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    inside = checkout / "secrets.toml"
    secrets_file.rename(inside)
    secrets_file.symlink_to(inside)
    with pytest.raises(ConfigError, match="inside the checkout"):
        _with_secrets(checkout, environ={}, file=str(secrets_file))


def test_a_secrets_file_in_this_project_is_refused(tmp_path: Path, project_root: Path) -> None:
    with pytest.raises(ConfigError, match="inside the checkout"):
        _with_secrets(tmp_path, environ={}, file=str(project_root / "secrets.toml"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_secrets_file_that_others_may_open_is_refused(
    tmp_path: Path, secrets_file: Path, mode: int
) -> None:
    secrets_file.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        _with_secrets(tmp_path, environ={}, file=str(secrets_file))


@pytest.mark.parametrize(
    "content", [f"password {VALUE}", f'x = ["{VALUE}"]', 'x = ""', f'"Upper Case" = "{VALUE}"', "x = 1"]
)
def test_a_malformed_secrets_file_is_refused_without_repeating_it(
    tmp_path: Path, secrets_file: Path, content: str
) -> None:
    secrets_file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        _with_secrets(tmp_path, environ={}, file=str(secrets_file))
    assert VALUE not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("path", "expected"),
    [("relative.toml", "allowed: an absolute path"), ("/nowhere/x.toml", "cannot be read")],
)
def test_an_unusable_secrets_file_is_refused(tmp_path: Path, path: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        _with_secrets(tmp_path, environ={}, file=path)


@pytest.mark.parametrize(
    "key",
    [
        "broker__password",
        "broker__tws-password",
        "api_key",
        "secrets__token",
        "strategies__0__parameters__api_secret",
        "logging__PASSWORD",
        "credentials",
    ],
)
def test_a_secret_written_in_a_profile_is_refused_without_repeating_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, valid_tables(**{key: VALUE}))
    assert "is a secret and may not stand in a profile" in str(caught.value)
    assert VALUE not in "".join(traceback.format_exception(caught.value))


def test_a_secret_on_the_command_line_is_refused_without_repeating_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, valid_tables(), f"broker.password={VALUE}")
    assert "is a secret" in str(caught.value)
    assert VALUE not in "".join(traceback.format_exception(caught.value))


def test_an_address_with_a_password_is_refused_without_repeating_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, valid_tables(strategies__0__parameters={"feed": [f"redis://me:{VALUE}@host/0"]}))
    assert "parameters.feed[0] holds an address with a password" in str(caught.value)
    assert f"me:{VALUE}" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("key", ["flat_minutes", "keystone", "bypass_x", "port"])
def test_ordinary_names_are_no_secrets(key: str) -> None:
    assert not is_secret_name(key)


def test_a_secret_is_masked_wherever_it_is_printed(tmp_path: Path, secrets_file: Path) -> None:
    loaded = _with_secrets(tmp_path, environ={}, file=str(secrets_file), required=["tws_password"])
    secret = loaded.secrets["tws_password"]
    printed = msgspec.json.encode(loaded.masked())
    shown = f"{secret} {secret!r} {loaded!r} {loaded.secrets} {loaded.masked()} {printed!r}"
    assert VALUE not in shown
    assert loaded.masked()["secrets"]["values"] == {"tws_password": "***"}
    with pytest.raises(TypeError):
        msgspec.json.encode(loaded)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)


def test_secrets_do_not_enter_the_hash(tmp_path: Path, secrets_file: Path) -> None:
    plain = load(tmp_path / "plain", valid_tables())
    secret = _with_secrets(tmp_path, environ={}, file=str(secrets_file), required=["tws_password"])
    other = _with_secrets(tmp_path, environ={"HARVESTER_SECRET_TWS_PASSWORD": "x"}, required=["tws_password"])
    assert plain.hash == secret.hash == other.hash


def test_a_secret_compares_by_identity_only() -> None:
    assert Secret(VALUE) != Secret(VALUE)
