"""Who asks, through proxies and past them: what is believed, and of whom."""

from __future__ import annotations

import pytest

from server.gateway.peer import NOBODY, Peer, Proxies

PROXIES = Proxies(["10.0.0.0/8", "192.0.2.7", "fd00::/16"])
STRANGER = "203.0.113.9"


def behind(host: str, *fields: str, proto: str | None = None, proxies: Proxies = PROXIES) -> Peer:
    """Who asks over a plain socket of `host`, with these `X-Forwarded-For` headers."""
    headers = [(b"x-forwarded-for", field.encode("latin-1")) for field in fields]
    if proto is not None:
        headers.append((b"x-forwarded-proto", proto.encode()))
    return proxies.peer_of(Peer(host), headers)


@pytest.mark.parametrize("host", [STRANGER, "2001:db8::1", "11.0.0.1", "192.0.2.8", ""])
def test_who_is_no_proxy_is_not_believed(host: str) -> None:
    assert behind(host, "198.51.100.1", proto="https") == Peer(host, secure=False)


def test_without_proxies_nobody_is() -> None:
    assert behind("127.0.0.1", "198.51.100.1", proto="https", proxies=NOBODY) == Peer("127.0.0.1")


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        (["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        (["6.6.6.6", "198.51.100.1, 192.0.2.7"], "198.51.100.1"),
        (["10.6.6.6, 198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        (["198.51.100.1:4711"], "198.51.100.1"),
        ([" 198.51.100.1 "], "198.51.100.1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["[2001:DB8::1]:443, fd00::5"], "2001:db8::1"),
        (["[2001:db8::1]"], "2001:db8::1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
        (["fe80::1%eth0"], "fe80::1"),
    ],
    ids=str,
)
def test_the_rightmost_address_that_is_no_proxys(fields: list[str], client: str) -> None:
    assert behind("10.0.0.1", *fields).host == client


@pytest.mark.parametrize(
    ("fields", "last_known"),
    [
        ([], "10.0.0.1"),
        ([""], "10.0.0.1"),
        (["unknown"], "10.0.0.1"),
        (["198.51.100.1, unknown"], "10.0.0.1"),
        (["198.51.100.1, _hidden, 10.2.2.2"], "10.2.2.2"),
        (["198.51.100.1,,10.2.2.2"], "10.2.2.2"),
        (["198.51.100.256"], "10.0.0.1"),
        (["1.2.3.4.5"], "10.0.0.1"),
        (["[", "]"], "10.0.0.1"),
        (["[2001:db8::1"], "2001:db8::1"),
        (["é\x00, 10.2.2.2"], "10.2.2.2"),
        (["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        (["," * 10_000], "10.0.0.1"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_where_the_list_breaks_off_it_is_the_last_proxy(fields: list[str], last_known: str) -> None:
    assert behind("10.0.0.1", *fields).host == last_known


@pytest.mark.parametrize("host", ["::ffff:10.0.0.1", "fd00::99", "10.0.0.1"])
def test_a_proxy_is_known_however_its_address_is_written(host: str) -> None:
    assert PROXIES.trusts(host)
    assert behind(host, "198.51.100.1").host == "198.51.100.1"


@pytest.mark.parametrize(
    ("proto", "secure"),
    [("https", True), ("HTTPS", True), ("wss", True), ("http", False), ("https, http", False), ("http, https", True)],
)
def test_how_a_proxy_was_asked(proto: str, secure: bool) -> None:
    assert behind("10.0.0.1", "198.51.100.1", proto=proto) == Peer("198.51.100.1", secure=secure)


@pytest.mark.parametrize("proto", ["", "gopher", "https http"])
def test_what_says_nothing_leaves_it_as_the_socket_is(proto: str) -> None:
    assert not behind("10.0.0.1", proto=proto).secure
    assert PROXIES.peer_of(Peer("10.0.0.1", secure=True), [(b"x-forwarded-proto", proto.encode())]).secure


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "proxy.example", ""])
def test_what_is_no_network_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=r"10|proxy|''"):
        Proxies([network])
