"""The command line as a person meets it: help, settings, and one line for what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from server.cli.exits import MEANING
from server.cli.main import COMMANDS
from tests.harness import preloaded


def hubbub(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
    return preloaded.run(arguments, clean | (environment or {}))


def test_help_lists_every_command_and_exit_code() -> None:
    shown = hubbub("--help").stdout
    for name, command in COMMANDS.items():
        assert name in shown
        assert command.help in shown
    for code, meaning in MEANING.items():
        assert f"{code.value}  {meaning}" in shown


def test_help_loads_neither_database_nor_event_loop() -> None:
    program = (
        "import sys; sys.argv = ['hubbub', '--help']\n"
        "from server.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('sqlalchemy', 'trio', 'starlette', 'rich', 'alembic') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "chat"])
def test_the_help_of_each_command_has_the_exit_codes(command: str) -> None:
    ended = hubbub(command, "--help")
    assert ended.returncode == 0
    assert "Exit codes:" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["config"], {"HUBBUB_PORT": "eighty"}, ["`port`", "environment HUBBUB_PORT", "'eighty'"]),
        (["serve", "--port", "eighty"], {}, ["`port`", "command line --port"]),
        (["serve", "--log-level", "loud"], {}, ["`log_level`", "debug, info, warning, error"]),
        (["serve", "--config", "/nowhere/hubbub.toml"], {}, ["/nowhere/hubbub.toml", "No such file"]),
        (["serve", "--prot", "1"], {}, ["--prot"]),
        (["dance"], {}, ["dance"]),
    ],
)
def test_a_wrong_setting_is_named_and_ends_with_2(
    arguments: list[str], environment: dict[str, str], words: list[str]
) -> None:
    ended = hubbub(*arguments, environment=environment)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    for word in words:
        assert word in ended.stderr


def test_config_prints_a_settings_file_with_sources(tmp_path: Path) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text("unanswered = 7\n")
    ended = hubbub(
        "config", "--config", str(file), environment={"HUBBUB_PORT": "9000", "HUBBUB_SERVICE_HOST": "10.0.0.1"}
    )
    assert ended.returncode == 0
    settings = tomllib.loads(ended.stdout)
    assert (settings["port"], settings["unanswered"], settings["host"]) == (9000, 7, "127.0.0.1")
    assert "[environment HUBBUB_PORT]" in ended.stdout
    assert f"[file {file}]" in ended.stdout
    assert "HUBBUB_SERVICE_HOST" in ended.stderr
    again = tmp_path / "again.toml"
    again.write_text(ended.stdout)
    assert tomllib.loads(hubbub("config", "--config", str(again)).stdout) == settings


def test_version() -> None:
    assert hubbub("version").stdout.startswith("hubbub 0.")
