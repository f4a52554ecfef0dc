"""What is taken out of the server's own metrics, and that nobody waits for an answer that does not come."""

from __future__ import annotations

import socket

from loadtest.prove.admin import Admin, told

METRICS = """# HELP hubbub_websockets Open websockets by state.
hubbub_worker_up{worker="0"} 1.0
hubbub_worker_up{worker="1"} 1.0
hubbub_websockets{state="opening"} 3.0
hubbub_websockets{state="ready"} 180.0
process_open_fds{worker="0"} 118.0
process_open_fds{worker="1"} 112.0
hubbub_messages_total 40
hubbub_deliveries_total 4e3
hubbub_actor_crashes_total{kind="rooms"} 1.0
hubbub_actor_crashes_total{kind="sessions"} 2.0
hubbub_closes_total{by="server",code="4003"} 5.0
hubbub_closes_total{by="client",code="1000"} 7.0
"""


def test_workers_are_summed_where_they_are_meant_together() -> None:
    seen = told(METRICS, 1.5)
    assert (seen.ready, seen.opening, seen.workers, seen.messages, seen.deliveries) == (180, 3, 2, 40, 4_000)
    assert seen.files == {"0": 118, "1": 112}
    assert seen.crashes == 3
    assert seen.closes == {"4003": 5}


def test_an_answer_that_comes_in_pieces_is_put_together() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        admin = Admin(f"http://127.0.0.1:{door.getsockname()[1]}", now=lambda: 4.0)
        admin.step()
        server, _ = door.accept()
        with server:
            assert server.recv(1000).startswith(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:")
            server.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + METRICS[:100].encode())
            admin.step()
            assert admin.told == []
            server.sendall(METRICS[100:].encode())
        for _ in range(1_000):
            admin.step()
            if admin.told:
                break
        assert [one.ready for one in admin.told] == [180]
        admin.close()


def test_nobody_there_is_no_trouble() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    admin = Admin(f"http://127.0.0.1:{port}", now=lambda: 0.0)
    assert admin.ask_now(0.1) is None
