"""What an operator can set: every setting with its meaning, unit and default, and where each value came from.

A value is taken from the strongest source that names it: default < TOML file < environment (`HUBBUB_PORT` sets
`port`) < command line. Every source is checked by the same rule, the type in `Settings`, so that a wrong value is
one line that names the setting and its source, wherever it came from.

An unknown key in the file is an error: nobody but a person who meant something put it there. An unknown `HUBBUB_…`
variable is only reported, because orchestrators set such variables for purposes of their own.
Numbers that both ends of the wire must agree on are no settings: they stand in `server/protocol/limits.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from server.cluster.engine_url import WrongUrl, read_engine_url

PREFIX: Final = "HUBBUB_"
CONFIG_VARIABLE: Final = "HUBBUB_CONFIG"
# Read by programs of this project, but not settings of the server.
_OTHER_VARIABLES: Final = frozenset(
    {
        CONFIG_VARIABLE, "HUBBUB_PASSWORD", "HUBBUB_CA", "HUBBUB_CI", "HUBBUB_AXE", "HUBBUB_TEST_ENGINE",
        "HUBBUB_TEST_POSTGRES",
    }
)  # fmt: skip

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["text", "json"]
Word = Annotated[str, Meta(min_length=1)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Heartbeat = Annotated[int, Meta(ge=1_000, le=900_000)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Bytes = Annotated[int, Meta(ge=1_024, le=2**30)]
Seconds = Annotated[float, Meta(gt=0, le=3_600)]
ClusterSeconds = Annotated[float, Meta(ge=0.1, le=60)]
LeaseSeconds = Annotated[float, Meta(ge=1, le=60)]
Keepalive = Annotated[float, Meta(ge=1, le=3_600)]
Days = Annotated[int, Meta(ge=0, le=3_650)]
Workers = Annotated[int, Meta(ge=1, le=1_024)] | Literal["auto"]
"""As many as there are shards: of more, some would have no room to own."""
Processors = Annotated[float, Meta(gt=0, le=10_000)] | Literal["auto"]


class Network(str):
    """An IP address or network, as text that was looked at."""

    __slots__ = ()


class Engine(str):
    """The URL of an engine, as text that was looked at; or empty."""

    __slots__ = ()


class DatabaseUrl(str):
    """The URL of a PostgreSQL database, as text that was looked at; or empty."""

    __slots__ = ()


Duration = Annotated[float, Meta(ge=0, le=3_600)]


def _is(description: str) -> Meta:
    return Meta(description=description)


class Settings(Struct, frozen=True, kw_only=True):
    """Everything an operator can change. The words of a field are what `hubbub config` prints."""

    host: Annotated[Word, _is("address to listen on")] = "127.0.0.1"
    port: Annotated[Port, _is("TCP port to listen on; 0 takes any free one")] = 8_000
    admin: Annotated[bool, _is("answer operators: health, metrics, what the actors do")] = True
    admin_host: Annotated[Word, _is("address to answer operators on; without a password")] = "127.0.0.1"
    admin_port: Annotated[Port, _is("TCP port for them; 0 takes any free one")] = 8_001
    data: Annotated[Path, _is("directory of the database, its lock and its copies")] = Path("data")
    database: Annotated[DatabaseUrl, _is("URL of a PostgreSQL database; empty: SQLite in `data`")] = DatabaseUrl()
    workers: Annotated[Workers, _is("processes that serve; auto: one a core")] = 1
    engine: Annotated[Engine, _is("URL of a Valkey that nodes share; empty: workers bring their own")] = Engine()
    beat: Annotated[ClusterSeconds, _is("seconds between two signs of life of a node")] = 1.0
    dead_after: Annotated[ClusterSeconds, _is("seconds without one until others take a node for dead")] = 4.0
    lease: Annotated[LeaseSeconds, _is("seconds a node owns rooms after it was last heard by the database")] = 4.0
    gather: Annotated[bool, _is("serve those who share a room of a few by one worker, of up to twenty")] = True
    merge_memory: Annotated[bool, _is("have the kernel keep once what is alike in several workers (KSM)")] = False
    log_level: Annotated[LogLevel, _is("the least important records to log")] = "info"
    log_format: Annotated[LogFormat, _is("text for people, or one JSON object a line")] = "text"

    tls_cert: Annotated[str, _is("PEM file of a certificate; with one, TLS is spoken: https, wss")] = ""
    tls_key: Annotated[str, _is("PEM file of its key, if that is another, without a passphrase")] = ""
    hsts_days: Annotated[Days, _is("days for which a browser that came by https never comes by http again")] = 365
    trusted_proxies: Annotated[tuple[Network, ...], _is("proxies whose X-Forwarded-For counts: 10.0.0.0/8")] = ()

    registration_open: Annotated[bool, _is("strangers may sign up, unless an administrator closed it")] = True
    token_days: Annotated[Count, _is("days after its last use until a token ends")] = 90
    login_attempts: Annotated[Count, _is("logins a minute for a name and an address (IPv6: a /64); more: 429")] = 10
    hashing_queue: Annotated[Count, _is("passwords waiting to be hashed; more: 503")] = 64

    origins: Annotated[tuple[str, ...], _is("other web origins whose pages may connect: https://host")] = ()
    max_connections: Annotated[Count, _is("sockets open at once; more: 503")] = 15_000
    max_connections_per_address: Annotated[Count, _is("of one IPv4 address or IPv6 /64; more: 503")] = 10_000
    max_connections_per_user: Annotated[Count, _is("of all devices of a user; more: close 4004")] = 100
    connects_per_second: Annotated[Count, _is("new sockets a second, twice as many at once; more: 503")] = 5_000
    connects_per_second_per_address: Annotated[Count, _is("of one address; more: 503")] = 4_000
    max_handshakes: Annotated[Count, _is("sockets that are no websocket (yet); more: 503")] = 4_096
    header_bytes: Annotated[Bytes, _is("bytes of a request's head; more: 431")] = 16 * 1024
    body_bytes: Annotated[Bytes, _is("bytes of a request's body; more: 413")] = 64 * 1024
    frame_bytes: Annotated[Bytes, _is("bytes of a client's message; more: close 4502")] = 64 * 1024
    handshake_deadline: Annotated[Seconds, _is("seconds for the head of a request to arrive")] = 10.0
    idle_deadline: Annotated[Seconds, _is("seconds an HTTP connection is kept for another request")] = 5.0
    hello_deadline: Annotated[Seconds, _is("seconds from the upgrade to `hello`; later: close 4006")] = 10.0
    heartbeat_ms: Annotated[Heartbeat, _is("ms of silence until a ping; 2.5 times that: close 4003")] = 30_000
    heartbeat_longest_ms: Annotated[Heartbeat, _is("the same, however many connections there are")] = 900_000
    processors: Annotated[Processors, _is("cores that all workers share; auto: those of the machine")] = "auto"
    keepalive: Annotated[Keepalive, _is("seconds without a byte until the kernel asks; half more: lost")] = 120.0
    compression: Annotated[bool, _is("take permessage-deflate where a client offers it")] = False
    presence_grace: Annotated[Duration, _is("seconds for which somebody may be away without being told of")] = 15.0
    commands_per_second: Annotated[Count, _is("commands a second of a connection; more: `rate_limited`")] = 100
    bytes_per_second: Annotated[Bytes, _is("bytes a second of a connection; more: `rate_limited`")] = 128 * 1024
    commands_per_second_per_user: Annotated[Count, _is("of all connections and HTTP calls of a user")] = 200
    bytes_per_second_per_user: Annotated[Bytes, _is("of all connections and HTTP calls of a user")] = 256 * 1024
    burst: Annotated[Seconds, _is("seconds' worth of these at once; twice as much: close 4503")] = 10.0
    max_rooms_per_user: Annotated[Count, _is("rooms a user may be in; more: `limit_reached`")] = 500
    max_members_per_room: Annotated[Count, _is("members a room may have; more: `limit_reached`")] = 100_000
    passive_above: Annotated[Count, _is("members of a room of which who does not look hears `activity` only")] = 256
    activity: Annotated[Seconds, _is("seconds between two `activity` of a room, at the least")] = 5.0
    unanswered: Annotated[Count, _is("open commands of a connection; more: it is not read meanwhile")] = 32
    partial_bytes: Annotated[Bytes, _is("bytes of all unfinished messages; more: close 4004")] = 64 * 1024 * 1024
    send_buffer_bytes: Annotated[Bytes, _is("bytes the kernel keeps for a websocket that does not read")] = 16 * 1024
    outbound_bytes: Annotated[Bytes, _is("unsent bytes of a connection; more: fed from the log")] = 256 * 1024
    stall_deadline: Annotated[Seconds, _is("seconds a peer may take nothing of what waits; then: close 4002")] = 30.0
    command_deadline: Annotated[Seconds, _is("seconds for a command; later: `unavailable`")] = 10.0
    drain: Annotated[Duration, _is("seconds from SIGTERM until the last client has left or was closed")] = 4.0

    busy_timeout: Annotated[Seconds, _is("seconds to wait while another process writes to the database")] = 5.0
    writer_queue: Annotated[Count, _is("changes waiting for the database; more: `unavailable`")] = 20_000
    reader_queue: Annotated[Count, _is("questions waiting for the database; more: `unavailable`")] = 20_000


class WrongSetting(Exception):
    """One line: the setting, its source, and what is wrong with it."""


class Configuration(Struct, frozen=True):
    """The effective settings, and where each came from.

    `sources` maps every setting's name to a few words (`default`, `environment HUBBUB_PORT`);
    `unknown_variables` are `HUBBUB_…` variables that set nothing.
    """

    settings: Settings
    sources: dict[str, str]
    unknown_variables: tuple[str, ...]


class Described(Struct, frozen=True):
    """One setting, for people."""

    name: str
    meaning: str
    default: object


_SECRET: Final = (Engine, DatabaseUrl)
"""Types of settings that may hold a password, and are not quoted when they are wrong."""

_PASSWORD: Final = re.compile(r"((?<=://)[^:@/]*:(?=.*@)|[?&]password=).*?(?=@[^@]*$|&|$)")
_POSTGRES: Final = re.compile(r"postgres(ql)?(\+psycopg)?://")

_HINTS: Final[dict[str, Any]] = get_type_hints(Settings, include_extras=True)
_DEFAULTS: Final = Settings()


def load(
    command_line: Mapping[str, str | None], environment: Mapping[str, str], file: Path | None = None
) -> Configuration:
    """The settings of this process.

    Parameters
    ----------
    command_line
        Setting's name to what was given; None where an option was not used.
    environment
        Usually `os.environ`.
    file
        A TOML file; by default the one `HUBBUB_CONFIG` names, if any.

    Raises
    ------
    WrongSetting
        A value of the wrong type or out of its range, an unknown key in the file, a file that cannot be read.
    """
    if file is None and environment.get(CONFIG_VARIABLE):
        file = Path(environment[CONFIG_VARIABLE])
    return merge(_read(file) if file else {}, str(file), environment, command_line)


def merge(
    from_file: Mapping[str, object],
    file: str,
    environment: Mapping[str, str],
    command_line: Mapping[str, str | None],
) -> Configuration:
    """The rule of `load`, without touching a file."""
    values: dict[str, object] = {}
    sources = dict.fromkeys(_HINTS, "default")
    for name, value in from_file.items():
        if name not in _HINTS:
            raise WrongSetting(f"unknown setting `{name}` in {file}")
        values[name], sources[name] = _checked(name, value, f"file {file}", strict=True), f"file {file}"
    for name in _HINTS:
        variable = PREFIX + name.upper()
        if variable in environment:
            source = f"environment {variable}"
            values[name], sources[name] = _from_text(name, environment[variable], source), source
        given = command_line.get(name)
        if given is not None:
            source = f"command line --{name.replace('_', '-')}"
            values[name], sources[name] = _from_text(name, given, source), source
    return Configuration(Settings(**values), sources, _unknown(environment))  # type: ignore[arg-type]  # checked each


def described() -> tuple[Described, ...]:
    """All settings with their meaning and default, in the order in which they stand in `Settings`."""
    return tuple(Described(name, _meaning(name), getattr(_DEFAULTS, name)) for name in _HINTS)


def shown(value: object) -> str:
    """A setting's value as a TOML file would have it, but for passwords."""
    match value:
        case bool():
            return str(value).lower()
        case Engine() | DatabaseUrl():
            return msgspec.json.encode(without_password(value)).decode()
        case str() | Path():
            return msgspec.json.encode(str(value)).decode()
        case tuple():
            return msgspec.json.encode([str(part) for part in value]).decode()
        case _:
            return str(value)


def without_password(url: str) -> str:
    """`url` as it may be shown."""
    return _PASSWORD.sub(r"\1***", url)


def _read(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise WrongSetting(f"cannot read the settings file {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongSetting(f"the settings file {file} is not TOML: {error}") from None


def _from_text(name: str, text: str, source: str) -> object:
    """Lists are written with commas in the environment; numbers and booleans are read from their text."""
    listed = get_origin(get_args(_HINTS[name])[0]) is tuple
    value: object = [part.strip() for part in text.split(",") if part.strip()] if listed else text
    return _checked(name, value, source, strict=False)


def _checked(name: str, value: object, source: str, *, strict: bool) -> object:
    try:
        return msgspec.convert(value, _HINTS[name], strict=strict, dec_hook=_checked_text)
    except (msgspec.ValidationError, ValueError) as error:
        given = "" if get_args(_HINTS[name])[0] in _SECRET else f", not {value!r}"
        raise WrongSetting(f"wrong setting `{name}` ({source}): {_wanted(name, error)}{given}") from None


def _wanted(name: str, error: Exception) -> str:
    """What should have been given: the decoder's words without its own account of what it got."""
    kind = get_args(_HINTS[name])[0]
    if get_origin(kind) is Literal:
        return f"expected one of {', '.join(get_args(kind))}"
    if get_origin(kind) is Union and "=" not in str(error):  # not what is too small or too large
        words = [word for part in get_args(kind) if get_origin(part) is Literal for word in get_args(part)]
        return f"expected a number, or {', '.join(words)}"
    return re.split(r", got | - at ", str(error))[0].replace("E", "e", 1)


def _checked_text(wanted: type, value: object) -> object:
    """What is text for msgspec, and more for us. Raises ValueError."""
    if wanted is Network and isinstance(value, str):
        return _network(value)
    if wanted is Engine and isinstance(value, str):
        return _engine(value)
    if wanted is DatabaseUrl and isinstance(value, str):
        return _database(value)
    if wanted is Path and isinstance(value, str) and value and "\0" not in value:
        return Path(value).expanduser()
    raise ValueError(f"Expected `{wanted.__name__.lower()}`")


def _network(text: str) -> Network:
    try:
        return Network(ip_network(text))
    except ValueError:
        raise ValueError("Expected addresses or networks as 10.0.0.0/8") from None


def _engine(text: str) -> Engine:
    try:
        if text:
            read_engine_url(text)
    except WrongUrl as wrong:
        raise ValueError(str(wrong).replace("expected", "Expected", 1)) from None
    return Engine(text)


def _database(text: str) -> DatabaseUrl:
    """What else is wrong with it is said when it is used, without what was written."""
    if text and not _POSTGRES.match(text):
        raise ValueError("Expected a URL as postgresql+psycopg://user@host:5432/name")
    return DatabaseUrl(text)


def _meaning(name: str) -> str:
    meta = _HINTS[name].__metadata__[-1]
    return str(meta.description)


def _unknown(environment: Mapping[str, str]) -> tuple[str, ...]:
    known = {PREFIX + name.upper() for name in _HINTS} | _OTHER_VARIABLES
    return tuple(sorted(name for name in environment if name.startswith(PREFIX) and name not in known))
