"""How long a search takes among a million messages. One JSON object a line.

    python tests/bench/search.py [--messages N] [--database postgresql://…] [DIRECTORY]

Two thousand rooms of very different sizes, in which words come as often as words do (the n-th most frequent one 1/n as
often as the first), and every tenth message is Chinese. Searched by people of 10, 200 and 500 rooms in all of these,
and in one room; once with everything in the index, and once with some thousands of messages behind it. Each search is
measured as the searcher does it: the question, the page of twenty hits, their texts, and the marks in them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import insert, update

from server.store import search_index
from server.store.connections import snapshot
from server.store.direct import NOBODY
from server.store.ids import encoded
from server.store.opening import Store, open_store
from server.store.search_messages import Search
from server.store.search_terms import terms_of
from server.store.searching import search
from server.store.sqlite import Pragmas
from server.store.tables import entries, members, rooms, users
from tests.bench import measure

AT: Final = 1_750_000_000_000
ROOMS: Final = 2_000
READERS: Final = {"u_FEW": 10, "u_MANY": 200, "u_MOST": 500}
TAIL: Final = 5_000
RARE: Final = "zyzzyva"
ROUNDS: Final = 40
AT_ONCE: Final = 10_000

_dice: Final = random.Random(1)
_WORDS: Final = [
    "".join(_dice.choice("bcdfghklmnprstvwz") + _dice.choice("aeiou") for _ in range(_dice.choice((1, 2, 2, 3, 3, 4))))
    for _ in range(30_000)
]
_SIGNS: Final = [chr(0x4E00 + n) for n in range(3_000)]
_OFTEN: Final = list(itertools.accumulate(1 / (n + 1) for n in range(len(_WORDS))))
_SIGN_OFTEN: Final = list(itertools.accumulate(1 / (n + 5) for n in range(len(_SIGNS))))
_ROOM_OFTEN: Final = list(itertools.accumulate(1 / (n + 3) for n in range(ROOMS)))
_NAMES: Final = [f"r_{encoded(AT << 80 | _dice.getrandbits(80))}" for _ in range(ROOMS)]

CASES: Final = {
    "rare": RARE,
    "in half a per cent": _WORDS[20],
    "common": _WORDS[0],
    "two common": f"{_WORDS[3]} {_WORDS[9]}",
    "phrase": f'"{_WORDS[3]} {_WORDS[9]}"',
    "beginning": f"{_WORDS[40][:4]}*",
    "nowhere": "qqqqq",
    "Chinese, common": f"{_SIGNS[0]}{_SIGNS[1]}",
    "Chinese, three signs": f"{_SIGNS[30]}{_SIGNS[31]}{_SIGNS[32]}",
    "Chinese, one sign": _SIGNS[0],
    "Chinese, rare sign": _SIGNS[2_900],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--database", default="")
    parser.add_argument("directory", nargs="?", type=Path, default=Path.cwd())
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="search-bench-", dir=given.directory))
    try:
        with open_store(directory, Pragmas(wal_pages=40_000), database=given.database) as store:
            for figure in figures(store, given.messages):
                print(json.dumps(figure, ensure_ascii=False), flush=True)
    finally:
        shutil.rmtree(directory)


def figures(store: Store, messages: int) -> Iterator[dict[str, object]]:
    heads = dict.fromkeys(_NAMES, 0)
    people(store)
    say(store, messages, heads)
    begun = time.perf_counter()
    take_in(store)
    yield {"figure": "indexing", "messages": messages, "us_per_message": (time.perf_counter() - begun) / messages * 1e6}
    yield from searches(store, tail=0)
    say(store, TAIL, heads)
    yield from searches(store, tail=TAIL)


def people(store: Store) -> None:
    person = {"password_hash": "", "administrator": False, "created_at": AT}
    room = {
        "log": "l",
        "kind": "group",
        "last_seq": 0,
        "members": 1,
        "creator": "u_FEW",
        "digest": b"",
        "created_at": AT,
    }
    with store.writing.begin() as connection:
        connection.execute(insert(users), [person | {"id": user, "name": user.lower()} for user in READERS])
        connection.execute(insert(rooms), [room | {"id": name, "nonce": name} for name in _NAMES])
        for user, count in READERS.items():
            member = {
                "user_id": user,
                "name": user.lower(),
                "role": "member",
                "joined_at": AT,
                "received": 0,
                "read": 0,
            }
            mine = _NAMES[-count:] if user == "u_FEW" else _NAMES[:: ROOMS // count]
            connection.execute(insert(members), [member | {"room_id": name} for name in mine])


def say(store: Store, messages: int, heads: dict[str, int]) -> None:
    """All kinds of things, a second apart."""
    begun = sum(heads.values())
    for first in range(0, messages, AT_ONCE):
        rows = []
        for number in range(first, min(first + AT_ONCE, messages)):
            [name] = _dice.choices(_NAMES, cum_weights=_ROOM_OFTEN)
            heads[name] += 1
            at = AT + (begun + number) * 1_000
            message = {"room_id": name, "seq": heads[name], "kind": "message", "at": at, "user_id": "u_MANY"}
            rows.append(message | {"text": text(number)})
        with store.writing.begin() as connection:
            connection.execute(insert(entries), rows)
            for name in {str(row["room_id"]) for row in rows}:
                connection.execute(update(rooms).where(rooms.c.id == name).values(last_seq=heads[name]))


def text(number: int) -> str:
    if number % 10 == 0:
        return "".join(_dice.choices(_SIGNS, cum_weights=_SIGN_OFTEN, k=_dice.randint(4, 30)))
    words = _dice.choices(_WORDS, cum_weights=_OFTEN, k=_dice.randint(2, 22))
    return " ".join([*words, RARE] if number % 100_000 == 77 else words)


def take_in(store: Store) -> None:
    """As the server does, but for the size of a transaction."""
    search_index.ENTRIES_AT_ONCE = AT_ONCE  # type: ignore[misc]
    left: Iterable[str] = _NAMES
    while left := tuple(left):
        with store.writing.begin() as connection:
            left = search_index.index_tails(connection, left).left


def searches(store: Store, tail: int) -> Iterator[dict[str, object]]:
    places = {user: (user, None) for user in READERS} | {
        "largest room": ("u_MOST", _NAMES[0]), "smallest room": ("u_FEW", _NAMES[-1]),
    }  # fmt: skip
    for (where, (reader, room)), (case, query) in itertools.product(places.items(), CASES.items()):
        question = Search(reply_to=NOBODY, reader=reader, terms=terms_of(query), limit=20, room=room)
        taken, hits = [], 0
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            with snapshot(store.searching) as connection:
                hits = len(search(connection, question).hits)
            taken.append((time.perf_counter() - begun) * 1e3)
        yield {
            "figure": "search", "where": where, "query": case, "behind": tail, "hits": hits,
            "median_ms": round(measure.percentile(taken, 0.5), 2), "p99_ms": round(measure.percentile(taken, 0.99), 2),
        }  # fmt: skip


if __name__ == "__main__":
    main()
