"""The parent as a process: what it starts, what it replaces, and what it ends with itself."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from server.parent.processes import cores
from tests.parent.conftest import StubServer, ask, children_of, lives, name_of, until


def test_each_worker_has_a_place_of_its_own(server: StubServer) -> None:
    everybody = server.everybody()
    assert {who["role"] for who in everybody.values()} == {"owner", "gateway"}
    assert everybody[0]["role"] == "owner"
    assert len({who["node"] for who in everybody.values()}) == 2
    assert {who["parent"] for who in everybody.values()} == {server.process.pid}


def test_the_parent_has_one_thread_and_no_connection(server: StubServer) -> None:
    process = Path(f"/proc/{server.process.pid}")
    assert len(list((process / "task").iterdir())) == 1
    assert len(sockets_of(server.process.pid)) == 2 * 3, "two listeners and two corridors, and nothing else"


def test_of_many_workers_those_that_own_no_rooms_give_way_to_those_that_do(tmp_path: Path) -> None:
    many = 3 * cores()
    with StubServer(tmp_path, workers=many, options=("--engine", "valkey://127.0.0.1:1")) as server:
        everybody = server.everybody(many)
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        nice = {
            role: {
                os.getpriority(os.PRIO_PROCESS, who["pid"]) - ours for who in everybody.values() if who["role"] == role
            }
            for role in ("owner", "gateway")
        }
        assert nice == {"owner": {0}, "gateway": {min(5, 19 - ours)}}
        ours_shares = Path("/proc/self/autogroup")
        if ours_shares.exists() and ours_shares.read_text().strip():
            sessions = {
                who["role"]: Path(f"/proc/{who['pid']}/autogroup").read_text().split()[-1] for who in everybody.values()
            }
            assert sessions == {"owner": "0", "gateway": "5"}, "sessions share the processors, and are as nice"


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(server: StubServer) -> None:
    before = server.everybody()
    ask(server.address, b"die\n")
    until(lambda: {who["pid"] for who in server.everybody().values()} != {who["pid"] for who in before.values()})
    after = server.everybody()
    replaced = [index for index in before if before[index]["pid"] != after[index]["pid"]]
    assert len(replaced) == 1
    assert before[replaced[0]]["node"] != after[replaced[0]]["node"]


def test_who_waits_at_a_dead_workers_door_is_let_in_by_its_successor(tmp_path: Path) -> None:
    with StubServer(tmp_path, workers=1, options=("--engine", "valkey://127.0.0.1:1")) as server:
        ask(server.address, b"die\n")
        assert server.who()["index"] == 0


def test_the_engine_is_a_private_socket_and_is_started_again(server: StubServer) -> None:
    def engine() -> list[int]:
        return [pid for pid in children_of(server.process.pid) if "valkey" in name_of(pid)]

    (first,) = engine()
    run = server.data / "run"
    assert run.stat().st_mode & 0o777 == 0o700
    assert (run / "engine.sock").stat().st_mode & 0o077 == 0
    assert server.who()["engine"].startswith("unix:///")
    kill(first)
    until(lambda: engine() not in ([], [first]))
    until(lambda: answers_ping(run / "engine.sock"))


def test_with_an_engine_named_there_is_no_other(tmp_path: Path) -> None:
    with StubServer(tmp_path, options=("--engine", "valkey://127.0.0.1:1")) as server:
        assert {name_of(pid) for pid in children_of(server.process.pid)} == {name_of(server.process.pid)}
        assert server.who()["engine"] == "valkey://127.0.0.1:1"


def test_a_stop_lets_everybody_leave_and_takes_the_engine_along(server: StubServer) -> None:
    children = children_of(server.process.pid)
    assert len(children) == 3
    assert server.stop() == 0
    assert not any(map(lives, children))


def test_gateways_leave_before_the_owner(server: StubServer) -> None:
    owner = server.everybody()[0]["pid"]
    with socket_to(server, 1):
        server.process.send_signal(signal.SIGTERM)
        server.says("stopping")
        assert lives(owner), "somebody may still have something to write"
    server.process.wait(10)
    assert server.process.returncode == 0
    assert not lives(owner)


def test_when_all_are_leaving_nobody_is_left_waiting_at_a_door(tmp_path: Path) -> None:
    """Each socket is open until the last who has it closes it: the parent, or another worker, may not."""
    with StubServer(tmp_path, options=("--drain", "600")) as server:
        with socket_to(server, 0):
            server.process.send_signal(signal.SIGTERM)
            server.says("a worker has left")
            until(lambda: is_refused(server))
            assert server.process.poll() is None, "somebody is still inside"
        assert server.process.wait(10) == 0


def test_a_second_signal_ends_everything_at_once(server: StubServer) -> None:
    children = children_of(server.process.pid)
    with socket_to(server, 1):
        server.process.send_signal(signal.SIGTERM)
        server.says("stopping")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == -signal.SIGTERM
        until(lambda: not any(map(lives, children)))


def test_children_die_with_a_parent_that_is_killed(server: StubServer) -> None:
    children = children_of(server.process.pid)
    server.kill()
    until(lambda: not any(map(lives, children)))
    with StubServer(server.data.parent) as again:
        assert again.everybody()


def test_whoever_does_not_leave_is_killed(tmp_path: Path) -> None:
    with StubServer(tmp_path, options=("--drain", "0")) as server, socket_to(server, 1):
        assert server.stop(20) == 0
        assert "takes too long to leave" in server.log.read_text()


def test_a_second_parent_on_the_same_data_names_the_first(server: StubServer) -> None:
    with pytest.raises(AssertionError, match=f"in use by pid {server.process.pid}"):
        StubServer(server.data.parent).start()


def test_the_lock_is_held_until_the_last_worker_has_ended(server: StubServer) -> None:
    """By the workers themselves, so that no second server has the data even if the first one's parent is killed."""
    locked = str((server.data / "lock").resolve())
    for pid in [server.process.pid, *(who["pid"] for who in server.everybody().values())]:
        assert locked in descriptors_of(pid)


def test_an_operators_mistake_is_not_tried_again(tmp_path: Path) -> None:
    server = StubServer(tmp_path)
    server.write(
        "import os, sys\nmain(version='1', begin=lambda place: print('one line', file=sys.stderr) or os._exit(5))"
    )
    with pytest.raises(AssertionError) as caught:
        server.start()
    assert str(caught.value).count("one line") == 1


def test_a_database_that_cannot_be_migrated_keeps_workers_away(tmp_path: Path) -> None:
    server = StubServer(tmp_path)
    server.write("import sys\nmain(version='1', prepare=lambda _: print('too new', file=sys.stderr) or 5)")
    with pytest.raises(AssertionError, match="too new"):
        server.start()
    assert "a worker" not in server.log.read_text()


def test_a_hangup_reads_the_settings_anew_and_tells_the_workers(server: StubServer) -> None:
    server.settings.write_text("drain = 7.5")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: {who["drain"] for who in server.everybody().values()} == {7.5})
    server.settings.write_text("drain = 'long'")
    server.process.send_signal(signal.SIGHUP)
    server.says("the settings stay as they were")
    assert server.who()["drain"] == 7.5


def test_an_upgrade_replaces_the_parents_program_and_all_workers(server: StubServer) -> None:
    before, pid = server.everybody(), server.process.pid
    server.write("main(version='2')")
    server.upgrade()
    server.says("every worker runs the new program")
    after = server.everybody()
    assert {who["version"] for who in after.values()} == {"2"}
    assert {who["parent"] for who in after.values()} == {pid}
    with pytest.raises(AssertionError, match=f"in use by pid {pid}"):
        StubServer(server.data.parent).start()
    assert not any(lives(who["pid"]) for who in before.values())
    assert server.stop() == 0


def test_signals_that_come_while_one_program_follows_another_are_heard_by_the_next(server: StubServer) -> None:
    server.write("main(version='2')")
    server.upgrade()
    until(lambda: server.process.send_signal(signal.SIGHUP) or "every worker runs" in server.log.read_text())
    heard = server.log.read_text().count("the settings were read anew")
    server.settings.write_text("drain = 7.5")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: server.log.read_text().count("the settings were read anew") > heard)
    assert {who["version"] for who in server.everybody().values()} == {"2"}


def test_an_upgrade_keeps_the_engine(server: StubServer) -> None:
    def engine() -> list[int]:
        return [pid for pid in children_of(server.process.pid) if "valkey" in name_of(pid)]

    before = engine()
    server.upgrade()
    server.says("every worker runs the new program")
    assert engine() == before
    kill(before[0])
    until(lambda: engine() not in ([], before))
    assert not sockets_of(engine()[0]) & sockets_of(server.process.pid), "it has nothing that is the parent's"


def test_nobody_is_refused_while_workers_are_rolled(server: StubServer) -> None:
    done, refused = Event(), []

    def knock() -> None:
        while not done.is_set():
            try:
                assert server.who()
            except (OSError, AssertionError) as error:
                refused.append(error)

    knocking = Thread(target=knock)
    knocking.start()
    try:
        server.write("main(version='2')")
        server.upgrade()
        server.says("every worker runs the new program")
    finally:
        done.set()
        knocking.join()
    assert refused == []


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("this is no Python", "the new program does not work; the old one goes on"),
        ("main(version='2', prepare=lambda _: 5)", "the new program does not work; the old one goes on"),
        ("import os\nmain(version='2', begin=lambda _: os._exit(7))", "those workers that run the old one stay"),
    ],
)
def test_a_new_program_that_does_not_work_disturbs_nobody(server: StubServer, program: str, words: str) -> None:
    before = server.everybody()
    server.write(program)
    server.upgrade()
    server.says(words)
    assert server.everybody() == before
    server.write("main(version='3')")
    server.upgrade()
    server.says("every worker runs the new program")
    assert {who["version"] for who in server.everybody().values()} == {"3"}


def test_many_upgrades_leave_nothing_behind(server: StubServer) -> None:
    def descriptors() -> int:
        return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

    def rolled(times: int) -> bool:
        return server.log.read_text().count("every worker runs the new program") == times

    before = descriptors()
    for times in range(1, 4):
        server.upgrade()
        until(lambda times=times: rolled(times))
    until(lambda: descriptors() == before)
    assert len(children_of(server.process.pid)) == 3


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def answers_ping(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock, suppress(OSError):
        sock.connect(str(path))
        sock.sendall(b"PING\r\n")
        return sock.recv(10) == b"+PONG\r\n"
    return False


def socket_to(server: StubServer, index: int) -> socket.socket:
    """A connection to this worker, which keeps it from leaving."""
    for _ in range(200):
        sock = socket.create_connection(server.address, timeout=10)
        sock.sendall(b"who\n")
        if f'"index": {index}'.encode() in sock.recv(1_000):
            return sock
        sock.close()
    raise AssertionError(f"the kernel never chose worker {index}")


def is_refused(server: StubServer) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(server.address) != 0


def sockets_of(pid: int) -> set[str]:
    return {name for name in descriptors_of(pid) if name.startswith("socket:")}


def descriptors_of(pid: int) -> list[str]:
    """What a process has open. It opens and closes meanwhile: what is gone when it is looked at was none it keeps."""
    names = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            names.append(str(descriptor.readlink()))
    return names
