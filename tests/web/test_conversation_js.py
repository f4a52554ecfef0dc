"""conversation.js on its own, in a browser: no server, no socket, no clock; frames in, state and frames out.

The module is pure, so each test is a script that feeds it frames and returns what it saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.web.bare_page import bare_page

pytestmark = pytest.mark.browser

SETTING = """
const { Conversation } = await import("/static/conversation.js");
const ada = { user: "u_A", name: "ada" }, ben = { user: "u_B", name: "ben" };
const room = (last_seq, more = {}) => ({ room: "r_1", log: "l1", kind: "channel", name: "general", members: 2,
  last_seq, read_seq: 0, role: "member", unread: 0, mentions: 0, ...more });
const welcome = (...rooms) => ({ op: "welcome", me: ada, session: "s", heartbeat: 30000, rooms });
const message = (seq, more = {}) => ({ op: "message", room: "r_1", seq, from: ben, text: `m${seq}`,
  at: "2026-11-22T10:00:00.000Z", nonce: `n${seq}`, reactions: [], ...more });
const draft = (nonce, text = nonce) => ({ room: "r_1", nonce, text, at: 0, reply_to: undefined });
const chat = new Conversation();
const hear = (...frames) => frames.forEach((frame) => chat.receive(frame, 0));
const said = (op) => chat.takeFrames(0).filter((frame) => !op || frame.op === op);
const arrive = (...rooms) => { chat.opened("t"); said(); hear(welcome(...rooms)); return said(); };
const leave = () => chat.lost();
const seqs = () => chat.rooms.get("r_1").timeline.items.map((item) => item.seq);
const unread = () => chat.rooms.get("r_1").info.unread;
const states = () => chat.outbox.of("r_1").map((post) => [post.nonce, post.state]);
"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all tests of the file: the modules keep no state of their own."""
    with bare_page(browser) as page:
        yield page


def run(page: Page, script: str) -> Any:
    return page.evaluate("async () => {" + SETTING + script + "}")


# --- entries: once and in order ------------------------------------------------------------------------------


def test_an_entry_that_was_taken_is_dropped(page: Page) -> None:
    assert run(page, "arrive(room(2)); hear(message(3), message(3), message(2)); return seqs();") == [3]


def test_a_gap_is_asked_for_and_what_came_early_waits_behind_it(page: Page) -> None:
    script = """
    arrive(room(2)); hear(message(5));
    const before = seqs(), [ask] = said("log");
    hear({ op: "ok", id: ask.id, entries: [message(3), message(4)], more: false });
    return [before, ask.after, seqs()];
    """
    assert run(page, script) == [[], 2, [3, 4, 5]]


def test_a_gap_longer_than_one_answer_is_asked_for_again(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(4));
    hear({ op: "ok", id: said("log")[0].id, entries: [message(1), message(2)], more: true });
    const [again] = said("log");
    hear({ op: "ok", id: again.id, entries: [message(3)], more: false });
    return [again.after, seqs(), said("log").length];
    """
    assert run(page, script) == [2, [1, 2, 3, 4], 0]


def test_a_log_that_cannot_fill_the_gap_starts_the_room_afresh(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(4));
    hear({ op: "ok", id: said("log")[0].id, entries: [], more: false });
    hear(message(5));
    return [seqs(), said("log").length];
    """
    assert run(page, script) == [[5], 0]


def test_an_entry_of_an_unknown_kind_takes_up_its_place(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(1), { op: "pinned", room: "r_1", seq: 2, target: 1 }, message(3));
    return [seqs(), said("log").length];
    """
    assert run(page, script) == [[1, 3], 0]


def test_history_widens_the_range_downwards_without_doubles(page: Page) -> None:
    script = """
    arrive(room(9)); hear(message(10));
    chat.older("r_1");
    const [ask] = said("history");
    hear({ op: "ok", id: ask.id, messages: [message(8), message(9)], more: true });
    chat.older("r_1");
    const [next] = said("history");
    hear({ op: "ok", id: next.id, messages: [message(1), message(7)], more: false });
    chat.older("r_1");
    return [ask.before, next.before, seqs(), said("history").length];
    """
    assert run(page, script) == [10, 8, [1, 7, 8, 9, 10], 0]


def test_a_room_nobody_introduced_is_asked_about_and_nothing_of_it_is_lost(page: Page) -> None:
    script = """
    arrive(); hear(message(2), message(3));
    const asks = said("rooms");
    hear({ op: "ok", id: asks[0].id, rooms: [room(2, { unread: 1 })] });
    return [asks.length, seqs(), unread()];
    """
    assert run(page, script) == [1, [3], 2]


@pytest.mark.parametrize("op", ["history", "members"])
def test_what_a_room_asked_for_in_vain_is_asked_for_again(page: Page, op: str) -> None:
    script = """
    arrive(room(9)); chat.watch("r_1");
    const [ask] = said().filter((frame) => frame.op === "OP");
    hear({ op: "error", id: ask.id, code: "unavailable", message: "later", retry_after: 70 });
    const quiet = said("OP").length, pause = chat.takeEvents().find((event) => event.type === "pause");
    chat.again("r_1");
    return [quiet, pause.after, said("OP").length];
    """
    assert run(page, script.replace("OP", op)) == [0, 70, 1]


def test_a_room_nobody_introduced_is_asked_about_until_somebody_does(page: Page) -> None:
    script = """
    arrive(); hear(message(2));
    hear({ op: "error", id: said("rooms")[0].id, code: "unavailable", message: "later" });
    chat.again("r_1");
    hear({ op: "ok", id: said("rooms")[0].id, rooms: [room(1)] });
    return seqs();
    """
    assert run(page, script) == [2]


# --- coming back ---------------------------------------------------------------------------------------------


def test_it_resumes_where_it_was(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(1), message(2)); leave();
    chat.opened("t");
    const [hello] = said();
    hear(welcome(room(4)), message(3), message(4), message(2),
      { op: "resumed", room: "r_1", recovered: true, from: 3, to: 4, last_seq: 4 }, message(5));
    return [hello.resume, seqs(), said("log").length];
    """
    assert run(page, script) == [{"r_1": {"log": "l1", "seq": 2}}, [1, 2, 3, 4, 5], 0]


def test_a_resume_that_falls_short_is_completed_from_the_log(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(1)); leave();
    chat.opened("t"); said();
    hear(welcome(room(3)), message(2), { op: "resumed", room: "r_1", recovered: true, last_seq: 3 });
    const [ask] = said("log");
    hear({ op: "ok", id: ask.id, entries: [message(3)], more: false });
    return [ask.after, seqs()];
    """
    assert run(page, script) == [2, [1, 2, 3]]


def test_what_cannot_be_recovered_starts_afresh_and_history_is_read_anew(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(1)); chat.watch("r_1"); said(); leave();
    chat.opened("t"); said();
    hear(welcome(room(5000)), { op: "resumed", room: "r_1", recovered: false, reason: "too_far", last_seq: 5000 });
    const [ask] = said("history");
    hear(message(5001));
    return [ask.before, seqs()];
    """
    assert run(page, script) == [5001, [5001]]


def test_another_log_starts_afresh(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(1), message(2)); leave();
    chat.opened("t"); said();
    hear(welcome(room(1, { log: "l2" })), { op: "resumed", room: "r_1", recovered: false, last_seq: 1 }, message(2));
    return [seqs(), chat.rooms.get("r_1").timeline.log];
    """
    assert run(page, script) == [[2], "l2"]


def test_rooms_that_do_not_fit_in_the_hello_are_caught_up_from_the_log(page: Page) -> None:
    script = """
    const many = (last_seq) => Array.from({ length: 200 }, (_, n) => room(last_seq, { room: `r_${n}` }));
    arrive(...many(0));
    for (let n = 0; n < 200; n++) hear(message(1, { room: `r_${n}` }));
    leave(); chat.opened("t".repeat(43));
    const [hello] = said(), named = Object.keys(hello.resume).length;
    hear(welcome(...many(2)));
    return [JSON.stringify(hello).length <= 4096, named > 20, said("log").length === 200 - named];
    """
    assert run(page, script) == [True, True, True]


def test_a_room_that_is_no_longer_there_is_gone(page: Page) -> None:
    script = """
    arrive(room(0)); leave(); arrive();
    return chat.rooms.size;
    """
    assert run(page, script) == 0


# --- posting -------------------------------------------------------------------------------------------------


def test_one_post_of_a_room_is_on_its_way_at_a_time(page: Page) -> None:
    script = """
    arrive(room(0)); chat.post(draft("a")); chat.post(draft("b"));
    const first = said("post");
    hear({ op: "ok", id: first[0].id, room: "r_1", seq: 1, duplicate: false });
    return [first.map((f) => f.nonce), said("post").map((f) => f.nonce), states()];
    """
    assert run(page, script) == [["a"], ["b"], [["a", "accepted"], ["b", "sending"]]]


def test_a_post_stays_until_its_message_has_come_back(page: Page) -> None:
    script = """
    arrive(room(0)); chat.post(draft("a"));
    hear({ op: "ok", id: said("post")[0].id, room: "r_1", seq: 1, duplicate: false });
    const waiting = states();
    hear(message(1, { from: ada, nonce: "a" }));
    return [waiting, states(), seqs()];
    """
    assert run(page, script) == [[["a", "accepted"]], [], [1]]


def test_posts_go_again_after_a_lost_connection_in_order_with_their_nonces(page: Page) -> None:
    script = """
    arrive(room(0)); chat.post(draft("a")); chat.post(draft("b")); said(); leave(); chat.post(draft("c"));
    const again = arrive(room(0)).filter((f) => f.op === "post").map((f) => f.nonce);
    return [again, states()];
    """
    assert run(page, script) == [["a"], [["a", "sending"], ["b", "waiting"], ["c", "waiting"]]]


def test_a_post_whose_answer_was_lost_is_seen_once(page: Page) -> None:
    script = """
    arrive(room(0)); chat.post(draft("a")); said(); leave();
    chat.opened("t"); said(); hear(welcome(room(1)));
    const [again] = said("post");
    hear(message(1, { from: ada, nonce: "a" }), { op: "resumed", room: "r_1", recovered: true, last_seq: 1 },
      { op: "ok", id: again.id, room: "r_1", seq: 1, duplicate: true });
    return [states(), seqs()];
    """
    assert run(page, script) == [[], [1]]


@pytest.mark.parametrize("code", ["unavailable", "rate_limited"])
def test_a_passing_refusal_waits_and_tries_again(page: Page, code: str) -> None:
    script = """
    arrive(room(0)); chat.post(draft("a")); chat.post(draft("b"));
    hear({ op: "error", id: said("post")[0].id, code: "CODE", message: "later", retry_after: 70 });
    const quiet = said("post").length, pause = chat.takeEvents().find((event) => event.type === "pause");
    chat.again("r_1");
    return [quiet, pause.after, said("post").map((f) => f.nonce)];
    """
    assert run(page, script.replace("CODE", code)) == [0, 70, ["a"]]


def test_a_final_refusal_is_shown_and_the_next_post_goes_out(page: Page) -> None:
    script = """
    arrive(room(0)); chat.post(draft("a")); chat.post(draft("b"));
    hear({ op: "error", id: said("post")[0].id, code: "forbidden", message: "not here" });
    const next = said("post").map((f) => f.nonce), failed = states();
    chat.posting.retry("r_1", "a", "fresh");
    return [next, failed, states(), chat.outbox.of("r_1")[0].problem];
    """
    failed = [["a", "failed"], ["b", "sending"]]
    assert run(page, script) == [["b"], failed, [["fresh", "waiting"], ["b", "sending"]], None]


def test_lone_surrogates_and_nul_never_reach_the_wire(page: Page) -> None:
    script = """
    arrive(room(0)); chat.post(draft("a", "x\\ud800y\\u0000z\\ud83d\\ude80"));
    return said("post")[0].text;
    """
    assert run(page, script) == "x\ufffdyz\U0001f680"


# --- counting ------------------------------------------------------------------------------------------------


def test_others_messages_are_unread_until_they_are_read(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(1), message(2, { from: ada }), message(3));
    const before = unread();
    chat.read("r_1", 1);
    const between = unread();
    chat.read("r_1", 3);
    return [before, between, unread(), said("read").map((f) => f.seq)];
    """
    assert run(page, script) == [2, 1, 0, [1, 3]]


def test_what_the_server_counted_is_not_counted_again_when_it_is_replayed(page: Page) -> None:
    script = """
    arrive(room(1)); hear(message(2)); chat.read("r_1", 2); leave();
    chat.opened("t"); said();
    hear(welcome(room(4, { read_seq: 2, unread: 2 })), message(3), message(4));
    const replaying = unread();
    hear({ op: "resumed", room: "r_1", recovered: true, last_seq: 4 });
    return [replaying, unread()];
    """
    assert run(page, script) == [2, 2]


def test_a_read_mark_that_was_lost_with_the_connection_is_sent_again(page: Page) -> None:
    script = """
    arrive(room(0)); hear(message(1), message(2)); leave(); chat.read("r_1", 2);
    return [arrive(room(2, { unread: 2 })).filter((f) => f.op === "read").map((f) => f.seq), unread()];
    """
    assert run(page, script) == [[2], 0]


def test_typing_is_told_at_most_once_in_three_seconds_and_fades_after_five(page: Page) -> None:
    script = """
    arrive(room(0));
    for (const now of [0, 1000, 2999, 3000]) chat.typing("r_1", now);
    const told = said("typing").length;
    chat.receive({ op: "typing", room: "r_1", user: "u_B" }, 1000);
    return [told, chat.people.typingIn("r_1", 5999), chat.people.typingIn("r_1", 6000)];
    """
    assert run(page, script) == [2, ["u_B"], []]


def test_a_question_asked_into_the_void_is_answered_at_once(page: Page) -> None:
    script = """
    const id = chat.request("join", { name: "general" });
    const [event] = chat.takeEvents();
    arrive(room(0));
    const asked = chat.request("join", { name: "other" });
    leave();
    const lost = chat.takeEvents().find((e) => e.type === "reply");
    return [event.id === id, event.frame.code, lost.id === asked, lost.frame.code];
    """
    assert run(page, script) == [True, "offline", True, "offline"]


def test_what_is_asked_for_while_a_connection_is_being_made_waits_for_its_welcome(page: Page) -> None:
    script = """
    chat.connecting();
    const early = chat.request("join", { name: "general" }), before = said();
    const [frame] = arrive().filter(({ op }) => op === "join");
    hear({ op: "ok", id: early });
    leave(); chat.connecting();
    const never = chat.request("join", { name: "general" });
    leave();
    const answers = chat.takeEvents().filter(({ type }) => type === "reply").map(({ id, frame }) => [id, frame.op]);
    chat.connecting();
    return [before, frame.id === early, frame.name, answers[0][0] === early, answers[1][0] === never,
      answers.map(([, op]) => op), arrive()];
    """
    assert run(page, script) == [[], True, "general", True, True, ["ok", "error"], []]


# --- the pure rules around it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://example.org/a?b=c#d.", ["https://example.org/a?b=c#d"]),
        ("(https://en.wikipedia.org/wiki/Actor_(model))", ["https://en.wikipedia.org/wiki/Actor_(model)"]),
        ("http://a.example, https://b.example!", ["http://a.example", "https://b.example"]),
        ("javascript:alert(1) data:text/html,x file:///etc/passwd", []),
        ("https://", []),
        ('https://a.example/"onmouseover="x', ["https://a.example/"]),
    ],
)
def test_what_becomes_a_link(page: Page, text: str, links: list[str]) -> None:
    script = """async (text) => {
      const { linkify } = await import("/static/text.js");
      const pieces = linkify(text);
      return [pieces.map((p) => p.text).join(""), pieces.flatMap((p) => p.href ?? [])];
    }"""
    assert page.evaluate(script, text) == [text, links]


@pytest.mark.parametrize(
    ("code", "then"),
    [
        (1000, "stop"),
        (1001, "reconnect"),
        (1006, "reconnect"),
        (1012, "reconnect"),
        (4001, "reconnect"),
        (4500, "sign-out"),
        (4501, "sign-out"),
        (4502, "stop"),
        (4503, "reconnect"),
        (4999, "stop"),
    ],
)
def test_what_a_close_code_asks_for(page: Page, code: int, then: str) -> None:
    script = """async (code) => (await import("/static/protocol.js")).afterClose(code).then"""
    assert page.evaluate(script, code) == then


def test_backoff_grows_is_capped_and_jittered(page: Page) -> None:
    script = """async () => {
      const { backoff } = await import("/static/backoff.js");
      return [0, 1, 5, 50].map((tries) => [backoff(tries, 0), backoff(tries, 0.5)]);
    }"""
    assert page.evaluate(script) == [[150, 400], [150, 650], [150, 7650], [150, 7650]]


def test_a_crowd_that_is_asked_to_leave_spreads_itself_over_the_window(page: Page) -> None:
    script = """async () => {
      const { momentToLeave } = await import("/static/backoff.js");
      return [0, 0.5, 0.75].map((chance) => momentToLeave({ after: 500, window: 3000 }, chance));
    }"""
    assert page.evaluate(script) == [500, 2000, 2750]


# --- what stands in the list ---------------------------------------------------------------------------------

ROWS = """
const { rowsOf } = await import("/static/rows.js");
const at = (minute) => `2026-11-22T10:${String(minute).padStart(2, "0")}:00.000Z`;
const rows = (more = {}) => rowsOf({ room: chat.rooms.get("r_1"), posts: chat.outbox.of("r_1"), people: chat.people,
  me: "u_A", myName: "ada", markerAfter: undefined, now: new Date(at(30)), ...more });
"""


def test_messages_of_one_person_within_five_minutes_are_one_run(page: Page) -> None:
    script = """
    arrive(room(0));
    hear(message(1, { at: at(0) }), message(2, { at: at(5) }), message(3, { at: at(11) }),
      message(4, { at: at(12), from: ada, nonce: "x" }), message(5, { at: at(12) }));
    return rows().filter((row) => row.kind === "message").map((row) => row.first);
    """
    assert run(page, ROWS + script) == [True, False, True, True, True]


def test_the_marker_stands_before_the_first_message_of_others_and_begins_a_run(page: Page) -> None:
    script = """
    arrive(room(0));
    hear(message(1), message(2), message(3, { from: ada, nonce: "x" }), message(4), message(5));
    return rows({ markerAfter: 2 }).map((row) => row.seq ?? row.kind);
    """
    assert run(page, ROWS + script) == ["edge", "day", 1, 2, 3, "marker", 4, 5]


def test_an_own_message_keeps_the_key_it_had_while_it_was_unsent(page: Page) -> None:
    script = """
    arrive(room(0)); chat.post(draft("a"));
    const unsent = rows().at(-1);
    hear(message(1, { from: ada, nonce: "a" }));
    return [unsent.state, rows().at(-1).state, unsent.key === rows().at(-1).key];
    """
    assert run(page, ROWS + script) == ["sending", "sent", True]


def test_receipts_of_others_turn_sent_into_received_into_read(page: Page) -> None:
    script = """
    arrive(room(0)); chat.people.meet(ben); hear(message(1, { from: ada }), message(2, { from: ada }));
    const shown = () => rows().filter((row) => row.kind === "message").map((row) => [row.state, row.readers.join()]);
    hear({ op: "receipt", room: "r_1", user: "u_A", read: 2 });
    const before = shown();
    hear({ op: "receipt", room: "r_1", user: "u_B", received: 2 });
    hear({ op: "receipt", room: "r_1", user: "u_B", read: 1 });
    return [before, shown()];
    """
    assert run(page, ROWS + script) == [[["sent", ""], ["sent", ""]], [["read", "ben"], ["received", ""]]]


def test_what_was_edited_or_deleted_is_not_shown_any_more(page: Page) -> None:
    change = "const change = (op, seq, target, more) => ({ op, room: 'r_1', seq, target, by: 'u_B', at: '', ...more });"
    found = run(
        page,
        change
        + """
        arrive(room(0));
        hear(message(1), message(2), message(3), change("edited", 4, 1, { text: "new" }), change("deleted", 5, 2),
          change("edited", 6, 3), change("reaction", 7, 3, { emoji: "x", on: true }), change("deleted", 8, 99));
        const texts = () => chat.rooms.get("r_1").timeline.messages().map((shown) => shown.text);
        return [texts(), seqs(), unread(), chat.rooms.get("r_1").timeline.seen];
        """,
    )
    assert found == [["new", "(This message was deleted)", "m3"], [1, 2, 3], 2, 8]


def test_a_tombstone_is_shown_as_one_wherever_it_comes_from(page: Page) -> None:
    found = run(
        page,
        """
        arrive(room(4));
        const gone = (seq) => message(seq, { text: undefined, nonce: undefined, deleted: true, by: "u_B" });
        hear(gone(5));
        chat.watch("r_1");
        const [asked] = said("history");
        hear({ op: "ok", id: asked.id, messages: [message(3), gone(4)], more: false });
        return [chat.rooms.get("r_1").timeline.messages().map((shown) => shown.text), unread()];
        """,
    )
    assert found == [["m3", "(This message was deleted)", "(This message was deleted)"], 1]
