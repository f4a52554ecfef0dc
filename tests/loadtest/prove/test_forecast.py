"""What a run takes, as arithmetic: how many processes, what runs out, and which commands would help."""

from __future__ import annotations

import msgspec
import pytest

from loadtest.prove.forecast import WORKERS_THAT_GATHER, Check, Forecast, Wish, forecast
from loadtest.prove.machine import Machine
from server.parts import GATHERING_WORKERS
from server.settings import PREFIX, Settings, merge


def refused(expected: Forecast) -> dict[str, Check]:
    return {check.what: check for check in expected.refusals}


def changed(machine: Machine, **values: object) -> Machine:
    return msgspec.structs.replace(machine, **values)


@pytest.mark.parametrize(
    ("connections", "workers", "players"),
    [(1, 1, 1), (2_000, 1, 1), (2_001, 2, 2), (18_000, 2, 2), (36_001, 3, 2), (100_000, 6, 6), (1_000_000, 56, 53)],
)
def test_so_many_processes_that_each_has_room(machine: Machine, connections: int, workers: int, players: int) -> None:
    expected = forecast(machine, Wish(connections=connections))
    assert (expected.workers, expected.players) == (workers, players)


@pytest.mark.parametrize(
    ("connections", "workers"), [(100_000, 6), (360_000, 20), (400_000, 5), (1_000_000, 12), (2_000_000, 20)]
)
def test_where_sockets_are_kept_a_worker_takes_more_than_it_may_open(
    machine: Machine, connections: int, workers: int
) -> None:
    expected = forecast(changed(machine, keeps_sockets=True), Wish(connections=connections))
    assert expected.workers == workers
    assert not [check for check in expected.refusals if "open files of a worker" in check.what]
    settings = merge({}, "", expected.settings, {}).settings
    assert settings.max_connections * expected.workers >= 1.1 * connections


def test_as_many_workers_gather_as_the_server_says() -> None:
    """The load may not import that, so it stands there twice."""
    assert WORKERS_THAT_GATHER == GATHERING_WORKERS


def test_this_machine_takes_a_hundred_thousand(machine: Machine) -> None:
    assert forecast(machine, Wish(connections=100_000)).refusals == ()


def test_a_low_limit_of_files_means_more_processes(machine: Machine) -> None:
    assert forecast(changed(machine, files_of_process=5_000), Wish(connections=18_000)).workers == 5


def test_one_worker_for_more_than_it_may_open_is_refused_with_the_command_that_raises_it(machine: Machine) -> None:
    check = refused(forecast(machine, Wish(connections=30_000, workers=1)))["open files of a worker"]
    assert (check.needed, check.allowed) == (31_000, 20_000)
    assert any("prlimit --pid $$ --nofile=31000:31000" in command for command in check.remedy)


def test_what_root_may_not_raise_it_to_is_raised_first(machine: Machine) -> None:
    check = refused(forecast(changed(machine, files_ceiling=20_000), Wish(connections=30_000, workers=1)))[
        "open files of a worker"
    ]
    assert check.remedy[0] == "sudo sysctl -w fs.nr_open=31000"


def test_a_million_has_to_wait_for_pages_of_tcp_and_the_command_is_enough(machine: Machine) -> None:
    expected = forecast(machine, Wish(connections=1_000_000))
    assert expected.refusals == (), "it takes longer, and that is all"
    (check,) = (check for check in expected.checks if not check.holds)
    assert "tcp_mem" in check.what
    (command,) = check.remedy
    raised = tuple(int(number) for number in command.partition('"')[2].rstrip('"').split())
    assert raised == tuple(sorted(raised))
    assert len(raised) == 3
    again = forecast(changed(machine, tcp_memory=raised, available=32 * 2**30), Wish(connections=1_000_000))
    assert all(check.holds for check in again.checks)


def test_too_little_memory_says_how_many_would_fit(machine: Machine) -> None:
    small = changed(machine, available=1_500_000_000)
    command = refused(forecast(small, Wish(connections=100_000)))["memory"].remedy[0]
    fits = int(command.split()[3])
    assert forecast(small, Wish(connections=fits, workers=6, players=6)).refusals == ()
    assert fits > 10_000


def test_memory_that_is_given_back_or_waited_for_makes_it_slower_and_refuses_nobody(machine: Machine) -> None:
    wish = Wish(connections=1_000_000)
    parts = forecast(machine, wish).memory
    least = sum(part.of(1_000_000) for part in parts if not part.yields)
    assert {part.what for part in parts if part.yields} == {"kernel: names, given back", "kernel: buffers, for moments"}
    enough = forecast(changed(machine, available=least + 10**9), wish)
    assert "memory" not in refused(enough)
    (short,) = (check for check in enough.checks if not check.holds and "yields" in check.what)
    assert short.needed > enough.bytes_expected > least
    assert short.slower
    assert "memory" in refused(forecast(changed(machine, available=least), wish)), "the rest of the machine lives, too"


def test_two_million_fit_where_sockets_are_kept_and_not_where_they_are_not(machine: Machine) -> None:
    whole = changed(machine, available=24_700_000_000, processes_most=100_000, files_most=None)
    assert "memory" in refused(forecast(whole, Wish(connections=2_000_000)))
    assert forecast(changed(whole, keeps_sockets=True), Wish(connections=2_000_000)).refusals == ()
    assert "memory" in refused(forecast(changed(whole, keeps_sockets=True), Wish(connections=2_277_846)))


def test_a_limit_of_the_cgroup_counts_like_memory(machine: Machine) -> None:
    assert "memory" in refused(forecast(changed(machine, memory_limit=10**9), Wish(connections=100_000)))


def test_files_of_the_whole_machine_run_out_for_whom_that_limit_holds(machine: Machine) -> None:
    large = changed(machine, available=64 * 2**30, processes_most=100_000)
    check = refused(forecast(large, Wish(connections=1_300_000)))["open files, all together"]
    assert any("fs.file-max=" in command for command in check.remedy)
    assert forecast(changed(large, files_most=None), Wish(connections=1_300_000)).refusals == ()


def test_followed_connections_count_twice_for_those_that_come_back(machine: Machine) -> None:
    followed = changed(machine, tracked=(65_536, 100))
    check = refused(forecast(followed, Wish(connections=40_000)))["connections that netfilter follows"]
    assert check.needed == 80_100
    assert check.remedy == ("sudo sysctl -w net.netfilter.nf_conntrack_max=81000",)
    assert forecast(followed, Wish(connections=30_000)).refusals == ()


def test_another_machine_has_one_address_of_ours_to_see(machine: Machine) -> None:
    expected = forecast(machine, Wish(connections=30_000, serves=False))
    assert "ports to come from" in refused(expected)
    assert expected.settings == {}
    assert expected.workers == 0


def test_few_processes_are_refused_before_they_are_missing(machine: Machine) -> None:
    assert "processes and threads" in refused(forecast(changed(machine, processes_most=180), Wish(connections=200)))


def test_the_settings_are_the_servers_own(machine: Machine) -> None:
    expected = forecast(machine, Wish(connections=100_000, heartbeat=45))
    assert {name.removeprefix(PREFIX).lower() for name in expected.settings} <= set(Settings.__struct_fields__)
    settings = merge({}, "", expected.settings, {}).settings
    assert settings.heartbeat_ms == 45_000
    assert settings.max_connections * expected.workers >= 100_000
    assert settings.max_connections <= machine.files_of_process


def test_more_people_take_more_memory_and_time(machine: Machine) -> None:
    few, many = (forecast(machine, Wish(connections=number)) for number in (1_000, 10_000))
    assert few.bytes_expected < many.bytes_expected
    assert few.seconds_expected < many.seconds_expected
