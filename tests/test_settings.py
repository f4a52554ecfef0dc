"""Settings: which source wins, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.settings import Settings, WrongSetting, described, load, merge, shown, without_password


def complaint_of(
    *, file: dict[str, object] | None = None, environment: dict[str, str] | None = None, port: str | None = None
) -> str:
    with pytest.raises(WrongSetting) as caught:
        merge(file or {}, "hubbub.toml", environment or {}, {"port": port})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_any_source_every_setting_has_its_default() -> None:
    configuration = load({}, {})
    assert configuration.settings == Settings()
    assert set(configuration.sources.values()) == {"default"}


@pytest.mark.parametrize(
    ("file", "environment", "command_line", "port", "source"),
    [
        ({"port": 1}, {"HUBBUB_PORT": "2"}, {"port": "3"}, 3, "command line --port"),
        ({"port": 1}, {"HUBBUB_PORT": "2"}, {"port": None}, 2, "environment HUBBUB_PORT"),
        ({"port": 1}, {}, {}, 1, "file hubbub.toml"),
        ({}, {}, {}, 8000, "default"),
    ],
)
def test_the_strongest_source_wins_and_is_named(
    file: dict[str, object],
    environment: dict[str, str],
    command_line: dict[str, str | None],
    port: int,
    source: str,
) -> None:
    configuration = merge(file, "hubbub.toml", environment, command_line)
    assert configuration.settings.port == port
    assert configuration.sources["port"] == source


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": "eighty"}, ["`port`", "command line --port", "'eighty'"]),
        ({"port": "65536"}, ["`port`", "65535", "'65536'"]),
        ({"environment": {"HUBBUB_PORT": "tcp://10.0.0.1:80"}}, ["`port`", "environment HUBBUB_PORT"]),
        ({"environment": {"HUBBUB_LOG_LEVEL": "loud"}}, ["`log_level`", "debug, info, warning, error", "'loud'"]),
        ({"environment": {"HUBBUB_DATA": ""}}, ["`data`", "HUBBUB_DATA"]),
        ({"environment": {"HUBBUB_HELLO_DEADLINE": "nan"}}, ["`hello_deadline`"]),
        ({"environment": {"HUBBUB_REGISTRATION_OPEN": "perhaps"}}, ["`registration_open`", "bool"]),
        ({"file": {"port": "8000"}}, ["`port`", "file hubbub.toml"]),
        ({"file": {"prot": 8000}}, ["unknown setting `prot`", "hubbub.toml"]),
        ({"file": {"origins": "https://a.example"}}, ["`origins`"]),
        ({"file": {"unanswered": 0}}, ["`unanswered`"]),
        ({"file": {"trusted_proxies": ["10.0.0.1/8"]}}, ["`trusted_proxies`", "networks as 10.0.0.0/8"]),
        ({"environment": {"HUBBUB_TRUSTED_PROXIES": "::1, proxy.example"}}, ["`trusted_proxies`", "proxy.example"]),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name_and_source(given: dict[str, object], words: list[str]) -> None:
    complaint = complaint_of(**given)  # type: ignore[arg-type]
    for word in words:
        assert word in complaint


def test_values_are_read_from_text() -> None:
    settings = merge(
        {},
        "",
        {
            "HUBBUB_REGISTRATION_OPEN": "false",
            "HUBBUB_ORIGINS": "https://a.example, https://b.example",
            "HUBBUB_DATA": "/var/lib/hubbub",
            "HUBBUB_TRUSTED_PROXIES": "10.0.0.0/8, 2001:DB8::1",
            "HUBBUB_HELLO_DEADLINE": "2.5",
        },
        {},
    ).settings
    assert settings.registration_open is False
    assert settings.origins == ("https://a.example", "https://b.example")
    assert settings.data == Path("/var/lib/hubbub")
    assert settings.trusted_proxies == ("10.0.0.0/8", "2001:db8::1/128")
    assert shown(settings.trusted_proxies) == '["10.0.0.0/8","2001:db8::1/128"]'
    assert settings.hello_deadline == 2.5


def test_a_variable_that_sets_nothing_is_reported_and_does_no_harm() -> None:
    configuration = merge({}, "", {"HUBBUB_SERVICE_HOST": "10.0.0.1", "HUBBUB_PASSWORD": "x"}, {})
    assert configuration.unknown_variables == ("HUBBUB_SERVICE_HOST",)


def test_a_file_is_read_and_the_environment_may_name_it(tmp_path: Path) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text('port = 9000\ndata = "/var/lib/hubbub"\n')
    assert load({}, {}, file).settings.port == 9000
    assert load({}, {"HUBBUB_CONFIG": str(file)}).settings.data == Path("/var/lib/hubbub")


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_bytes(content)
    with pytest.raises(WrongSetting, match="is not TOML"):
        load({}, {}, file)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="No such file"):
        load({}, {}, tmp_path / "absent.toml")


def test_every_setting_says_what_it_means_and_its_default_is_a_good_one() -> None:
    for setting in described():
        assert setting.meaning
        environment = {f"HUBBUB_{setting.name.upper()}": shown(setting.default).strip('[]"')}
        assert getattr(merge({}, "", environment, {}).settings, setting.name) == setting.default


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://ann:pw@db:1/x", "postgresql+psycopg://ann:***@db:1/x"),
        ("postgresql://ann:p@w@db/x", "postgresql://ann:***@db/x"),
        ("postgresql://db/x?user=ann&password=pw", "postgresql://db/x?user=ann&password=***"),
        ("postgresql://db/x?password=pw&user=ann", "postgresql://db/x?password=***&user=ann"),
        ("postgresql://ann@[::1]:5432/x", "postgresql://ann@[::1]:5432/x"),
        ("valkey://:pw@engine:6379", "valkey://:***@engine:6379"),
    ],
)
def test_a_password_in_a_url_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "url", ["mysql://ann:pw@db/x", "db.example", "sqlite:///x", "postgresql+asyncpg://ann:pw@db/x"]
)
def test_what_is_no_url_of_postgresql_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(WrongSetting, match=r"`database`.*postgresql") as wrong:
        merge({}, "", {"HUBBUB_DATABASE": url}, {})
    assert url not in str(wrong.value)
