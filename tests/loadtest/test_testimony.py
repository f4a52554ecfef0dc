"""What a client that chats writes down: entries in their turn as a place, everything else as it came."""

from __future__ import annotations

import pytest

from clients.facts import Stored
from clients.findings import Kind
from loadtest import testimony
from loadtest.accounts import Accounts
from server.protocol.codec import encode_command
from server.protocol.errors import ErrorCode
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Cursor, Hello
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok, Resumed
from tests.harness.played import Numbered, message, welcome

PEOPLE = Numbered(rooms=1)


class Client:
    """Person 0, in room `r_0` whose log held five entries when they came."""

    def __init__(self) -> None:
        self.all = testimony.Witnesses()
        self._testimony = testimony.Testimony(self.all, 0, PEOPLE.user(0))
        self.connect()

    def connect(self, *resumed: str) -> None:
        resume = {room: Cursor("l_0", 5) for room in resumed} or None
        self._testimony.sent(encode_command(Hello(token="t", resume=resume)), 0.0)
        self._testimony.heard(welcome(5), 0.0)

    def post(self, number: int, text: str = "hello") -> tuple[str, str]:
        nonce, marked = self.all.next_post(0, text)
        self._testimony.sent(encode_command(Post(id=number, room="r_0", nonce=nonce, text=marked)), 1.0)
        return nonce, marked

    def hear(self, *events: AnyEvent) -> None:
        for event in events:
            self._testimony.heard(event, 2.0)

    def lose(self) -> None:
        self._testimony.lost(3.0)

    def judged(self, *stored: tuple[int, str, str]) -> list[Kind]:
        """Against a log that holds these behind its first five: `seq`, nonce, text, all by this person."""
        log = [Stored("r_0", seq) for seq in range(1, 6)]
        log += [Stored("r_0", seq, PEOPLE.user(0), nonce, text) for seq, nonce, text in stored]
        accounts = Accounts([self.all.ledger.export(self._testimony.readers())], PEOPLE)
        return [finding.kind for finding in accounts.judge("r_0", log)]


def test_a_post_that_is_answered_seen_and_stored_is_no_finding() -> None:
    client = Client()
    nonce, text = client.post(1)
    client.hear(Ok(id=1, room="r_0", seq=6), message(6, text, nonce, author="u_0"))
    assert client.judged((6, nonce, text)) == []
    assert (client.all.ledger.posted, client.all.ledger.acknowledged, client.all.ledger.contradictions) == (1, 1, 0)


def test_an_answer_for_what_was_not_stored_is_found() -> None:
    client = Client()
    client.post(1)
    client.hear(Ok(id=1, room="r_0", seq=6))
    assert client.judged() == [Kind.LOST]


@pytest.mark.parametrize(
    ("order", "kind"), [((7,), Kind.SILENT_GAP), ((6, 6), Kind.DELIVERED_TWICE), ((7, 6), Kind.DISORDER)]
)
def test_entries_out_of_turn_are_found_although_a_conversation_would_mend_them(
    order: tuple[int, ...], kind: Kind
) -> None:
    client = Client()
    posts = {}
    for seq in (6, 7):
        posts[seq] = client.post(seq)
        client.hear(Ok(id=seq, room="r_0", seq=seq))
    client.hear(*(message(seq, posts[seq][1], posts[seq][0], author="u_0") for seq in order))
    client.lose()  # who is gone is not owed the rest
    assert kind in client.judged(*((seq, nonce, text) for seq, (nonce, text) in posts.items()))


def test_a_gap_that_was_told_is_no_finding() -> None:
    client = Client()
    client.lose()
    client.connect("r_0")
    client.hear(Resumed(room="r_0", recovered=False, last_seq=6, reason="too_much"))
    nonce, text = client.post(1)
    client.hear(Ok(id=1, room="r_0", seq=7), message(7, text, nonce, author="u_0"))
    assert Kind.SILENT_GAP not in client.judged((7, nonce, text))
    assert client.all.ledger.gaps == 1


def test_what_was_refused_for_good_and_stored_is_found_and_for_now_is_not() -> None:
    for code, expected in ((ErrorCode.FORBIDDEN, [Kind.REFUSED_YET_STORED]), (ErrorCode.UNAVAILABLE, [])):
        client = Client()
        nonce, text = client.post(1)
        client.hear(Error(id=1, code=code, message="no"))
        client.lose()
        assert client.judged((6, nonce, text)) == expected
