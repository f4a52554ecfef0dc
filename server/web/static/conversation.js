/**
 * The conversation: frames in, state and events out; verbs in, frames out.
 *
 * No DOM, no socket, no clock, no randomness: times and nonces are arguments. The shell (client.js) hands every
 * frame to `receive`, sends what `takeFrames` gives, and acts on what `takeEvents` gives. Whatever the connection
 * does, each entry of a log is taken once and in order (timeline.js), and each post goes out until its message
 * has come back (outbox.js).
 */

/** @import { ClientFrame, Entry, ErrorReply, Message, Ok, Resumed, Room, ServerFrame, User, Welcome } from "./protocol.js" */
/** @import { Post } from "./outbox.js" */
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import * as protocol from "./protocol.js";
import { RoomState } from "./room.js";

/**
 * @typedef {{ type: "welcome", heartbeat: number }
 *   | { type: "rooms" }
 *   | { type: "timeline", room: string }
 *   | { type: "arrived", room: string, message: Message }
 *   | { type: "people" }
 *   | { type: "unsent" }
 *   | { type: "removed", room: string, name: string, by: string | undefined }
 *   | { type: "reply", id: number, frame: Ok | ErrorReply }
 *   | { type: "pause", room: string, after: number }
 *   | { type: "heartbeat", every: number }
 *   | { type: "reconnect", after: number, window: number }} ConversationEvent
 */

/** @typedef {{ op: string, sent: number | undefined, room: string | undefined, nonce: string | undefined, quote: number | undefined }} Pending */

const PAUSE = 1_000;
const FIRST_PAGE = 50;
const PASSING_ERRORS = new Set(["unavailable", "rate_limited", "not_ready"]);

export class Conversation {
  constructor() {
    /** @type {"closed" | "opening" | "ready"} */
    this.state = "closed";
    /** @type {User | undefined} */
    this.me = undefined;
    /** @type {Map<string, RoomState>} */
    this.rooms = new Map();
    this.people = new People();
    this.outbox = new Outbox();
    /** @type {string | undefined} the room somebody looks at */
    this.watched = undefined;
    /** @type {Map<number, Pending>} */
    this.pending = new Map();
    /** @type {Map<string, Entry[]>} entries of rooms that nobody introduced yet */
    this.strays = new Map();
    /** @type {Set<string>} */
    this.resuming = new Set();
    /** @type {Set<string>} rooms whose next post has to wait a little */
    this.paused = new Set();
    /** @type {Map<string, number>} room -> when `typing` was last sent */
    this.typed = new Map();
    /** @type {ClientFrame[]} */
    this.frames = [];
    /** @type {ConversationEvent[]} */
    this.events = [];
    this.lastId = 0;
  }

  // --- the shell's side ---------------------------------------------------------------------------------------

  /** @param {string} token */
  opened(token) {
    this.state = "opening";
    this.frames = [this.#hello(token)];
  }

  /** The socket is gone: questions fail, posts on their way go again, entries are asked for by `resume`. */
  lost() {
    if (this.state === "closed") return;
    this.state = "closed";
    this.frames = [];
    this.resuming.clear();
    this.paused.clear();
    this.outbox.lost();
    this.people.lost();
    for (const room of this.rooms.values()) {
      room.asking = { history: false, log: false, members: false };
      this.events.push({ type: "timeline", room: room.id });
    }
    for (const id of this.pending.keys()) this.#refuse(id);
    this.pending.clear();
    this.events.push({ type: "people" });
  }

  /**
   * @param {number} now milliseconds, of any steady clock
   * @returns {ClientFrame[]}
   */
  takeFrames(now) {
    for (const { id } of this.frames) {
      const pending = id === undefined ? undefined : this.pending.get(id);
      if (pending) pending.sent = now;
    }
    return this.frames.splice(0);
  }

  takeEvents() {
    return this.events.splice(0);
  }

  /** Whether a command went without an answer for longer than the protocol allows. */
  overdue(/** @type {number} */ now) {
    return [...this.pending.values()].some(({ sent }) => sent !== undefined && now - sent > protocol.REPLY_DEADLINE);
  }

  /**
   * @param {ServerFrame} frame
   * @param {number} now
   */
  receive(frame, now) {
    switch (frame.op) {
      case "welcome":
        return this.#welcome(frame);
      case "resumed":
        return this.#resumed(frame);
      case "ok":
      case "error":
        return this.#answered(frame);
      case "message":
      case "joined":
      case "left":
      case "room":
        return this.#entry(frame);
      case "typing":
        this.people.types(frame.room, frame.user, now);
        return this.#emit({ type: "people" });
      case "presence":
        this.people.changed(frame);
        return this.#emit({ type: "people" });
      case "receipt":
        this.rooms.get(frame.room)?.mark(frame);
        return this.#emit({ type: "timeline", room: frame.room });
      case "room_stats":
        return this.#stats(frame.room, frame.members);
      case "heartbeat":
        return this.#emit({ type: "heartbeat", every: frame.every });
      case "reconnect":
        return this.#emit({ type: "reconnect", after: frame.after, window: frame.window });
      case "pong":
        return undefined;
      default:
        return this.#unknown(frame);
    }
  }

  // --- verbs --------------------------------------------------------------------------------------------------

  /**
   * Asks the server for something; the answer comes as a `reply` event with the id returned.
   *
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @returns {number}
   */
  request(op, fields = {}) {
    const room = typeof fields["room"] === "string" ? fields["room"] : undefined;
    const id = this.#command(op, fields, { room });
    if (id !== undefined) return id;
    this.lastId += 1;
    this.#refuse(this.lastId);
    return this.lastId;
  }

  /**
   * @param {string} room
   * @param {string} text
   * @param {{ nonce: string, at: number, reply_to?: number | undefined }} post
   */
  post(room, text, { nonce, at, reply_to }) {
    this.outbox.add({
      room,
      nonce,
      text: wellFormed(text),
      at,
      reply_to,
      state: "waiting",
      seq: undefined,
      problem: undefined,
    });
    this.#outboxChanged(room);
  }

  /** Posts that an earlier page of this tab had not got rid of. */
  restore(/** @type {Pick<Post, "room" | "nonce" | "text" | "at" | "reply_to">[]} */ posts) {
    for (const { room, nonce, text, at, reply_to } of posts) {
      if (!this.outbox.find(room, nonce)) this.post(room, text, { nonce, at, reply_to });
    }
  }

  /**
   * A refused post, once more. A nonce that is taken for another text needs a new one.
   *
   * @param {string} room
   * @param {string} nonce
   * @param {string} freshNonce
   */
  retry(room, nonce, freshNonce) {
    const post = this.outbox.find(room, nonce);
    if (post?.state !== "failed") return;
    Object.assign(post, { state: "waiting", problem: undefined, nonce: freshNonce });
    this.#outboxChanged(room);
  }

  /**
   * @param {string} room
   * @param {string} nonce
   */
  discard(room, nonce) {
    if (this.outbox.find(room, nonce)?.state !== "failed") return;
    this.outbox.remove(room, nonce);
    this.#outboxChanged(room);
  }

  /** The pause of a `pause` event is over. */
  again(/** @type {string} */ room) {
    this.paused.delete(room);
    this.#flush(room);
    this.#catchUp(room);
  }

  /** Somebody looks at this room now (or at none). */
  watch(/** @type {string | undefined} */ room) {
    if (this.watched !== room && this.watched) this.rooms.get(this.watched)?.timeline.trim();
    this.watched = room;
    const state = room === undefined ? undefined : this.rooms.get(room);
    if (!state) return;
    if (!state.members) this.#askMembers(state);
    const { start, seen, complete } = state.timeline;
    if (!complete && seen - start < FIRST_PAGE) {
      this.older(state.id, Math.max(FIRST_PAGE, state.info.unread + FIRST_PAGE / 2));
    }
  }

  /** Asks for the page of history before what is loaded. */
  older(/** @type {string} */ room, limit = FIRST_PAGE) {
    const state = this.rooms.get(room);
    if (!state || state.timeline.complete || state.asking.history) return;
    const fields = { room, before: state.timeline.start, limit: Math.min(Math.round(limit), protocol.HISTORY_LIMIT) };
    state.asking.history = this.#command("history", fields, { room }) !== undefined;
  }

  /** Asks for one message from before what is loaded, to show what a reply answers. */
  quote(/** @type {string} */ room, /** @type {number} */ seq) {
    const state = this.rooms.get(room);
    if (!state || state.quotes.has(seq)) return;
    const asked = this.#command("history", { room, before: seq + 1, limit: 1 }, { room, quote: seq });
    if (asked !== undefined) state.quotes.set(seq, undefined);
  }

  /** Everything up to `seq` was seen by a human eye. */
  read(/** @type {string} */ room, /** @type {number} */ seq) {
    if (!this.rooms.get(room)?.read(seq)) return;
    this.#command("read", { room, seq }, { room });
    this.#emit({ type: "rooms" });
  }

  /** Tells the authors what has arrived here; cumulative, so the shell may call it as seldom as it likes. */
  acknowledge() {
    for (const state of this.rooms.values()) {
      const { seen } = state.timeline;
      if (seen <= state.acknowledged || this.#command("received", { room: state.id, seq: seen }) === undefined) continue;
      state.acknowledged = seen;
    }
  }

  /**
   * @param {string} room
   * @param {number} now
   */
  typing(room, now) {
    const last = this.typed.get(room);
    if (this.state !== "ready" || (last !== undefined && now - last < protocol.TYPING_EVERY)) return;
    this.typed.set(room, now);
    this.frames.push({ op: "typing", room });
  }

  // --- opening ------------------------------------------------------------------------------------------------

  /**
   * @param {string} token
   * @returns {ClientFrame}
   */
  #hello(token) {
    /** @type {Record<string, { log: string, seq: number }>} */
    const resume = {};
    let bytes = JSON.stringify({ op: "hello", token, resume }).length;
    const watchedFirst = [...this.rooms.values()].sort((a, b) => +(b.id === this.watched) - +(a.id === this.watched));
    for (const { id, timeline } of watchedFirst) {
      const cursor = { log: timeline.log, seq: timeline.seen };
      bytes += JSON.stringify({ [id]: cursor }).length;
      if (bytes > protocol.HELLO_BYTES || this.resuming.size >= protocol.RESUME_ROOMS) break;
      if (!timeline.loaded) continue;
      resume[id] = cursor;
      this.resuming.add(id);
    }
    return { op: "hello", token, resume };
  }

  /** @param {Welcome} frame */
  #welcome(frame) {
    this.state = "ready";
    this.me = frame.me;
    this.people.meet(frame.me);
    const present = new Set(frame.rooms.map((info) => info.room));
    for (const info of frame.rooms) this.#welcomeRoom(info);
    for (const id of this.rooms.keys()) if (!present.has(id)) this.#remove(id, undefined);
    this.#emit({ type: "welcome", heartbeat: frame.heartbeat });
    this.#emit({ type: "rooms" });
    for (const room of this.outbox.queues.keys()) this.#flush(room);
    this.watch(this.watched);
  }

  /** @param {Room} info */
  #welcomeRoom(info) {
    const state = this.rooms.get(info.room);
    if (!state) return this.#introduce(info);
    const readHere = state.info.read_seq;
    const sameLog = state.info.log === info.log;
    state.refresh(sameLog ? info : { ...info, read_seq: info.read_seq });
    state.members = undefined;
    if (info.peer) this.people.meet(info.peer);
    if (sameLog && readHere > info.read_seq) {
      this.#command("read", { room: info.room, seq: readHere }, { room: info.room });
      state.recount();
    }
    if (this.resuming.has(info.room)) return undefined;
    const missing = info.last_seq - state.timeline.seen;
    if (!sameLog || missing < 0 || missing > protocol.REPLAY_PER_ROOM || !state.timeline.loaded) {
      return this.#restart(state, info.log, info.last_seq);
    }
    state.target = info.last_seq;
    return this.#catchUp(info.room);
  }

  /** @param {Resumed} frame */
  #resumed(frame) {
    const state = this.rooms.get(frame.room);
    this.resuming.delete(frame.room);
    if (!state) return;
    if (frame.recovered) {
      state.target = Math.max(state.target, frame.last_seq);
      this.#catchUp(frame.room);
      state.recount();
      this.#emit({ type: "rooms" });
    } else {
      this.#restart(state, state.info.log, frame.last_seq);
      if (this.watched === frame.room) this.watch(frame.room);
    }
  }

  /**
   * @param {RoomState} state
   * @param {string} log
   * @param {number} lastSeq
   */
  #restart(state, log, lastSeq) {
    state.restart(log, lastSeq);
    this.outbox.forgetAccepted(state.id);
    this.#emit({ type: "timeline", room: state.id });
  }

  // --- rooms --------------------------------------------------------------------------------------------------

  /** @param {Room} info */
  #introduce(info) {
    if (!this.me) return;
    const state = new RoomState(info, this.me.user);
    this.rooms.set(info.room, state);
    if (info.peer) this.people.meet(info.peer);
    const strays = this.strays.get(info.room) ?? [];
    this.strays.delete(info.room);
    for (const entry of strays) this.#entry(entry);
    this.#emit({ type: "rooms" });
    if (this.watched === info.room) this.watch(info.room);
  }

  /**
   * @param {string} room
   * @param {string | undefined} by
   */
  #remove(room, by) {
    const state = this.rooms.get(room);
    if (!state) return;
    this.rooms.delete(room);
    this.outbox.queues.delete(room);
    this.#emit({ type: "removed", room, name: state.info.name ?? "", by });
    this.#emit({ type: "unsent" });
    this.#emit({ type: "rooms" });
  }

  /**
   * @param {string} room
   * @param {number} members
   */
  #stats(room, members) {
    const state = this.rooms.get(room);
    if (!state) return;
    state.info.members = members;
    this.#emit({ type: "rooms" });
  }

  // --- entries ------------------------------------------------------------------------------------------------

  /** @param {Entry} entry */
  #entry(entry) {
    if (entry.op === "left" && entry.user === this.me?.user) return this.#remove(entry.room, entry.by);
    const state = this.rooms.get(entry.room);
    if (!state) return this.#stray(entry);
    const taken = state.take(entry);
    for (const each of taken) this.#taken(each);
    if (taken.length > 0) {
      this.#emit({ type: "timeline", room: state.id });
      this.#emit({ type: "rooms" });
      if (state.id !== this.watched) state.timeline.trim();
    }
    if (state.timeline.gapped) this.#catchUp(state.id);
    return undefined;
  }

  /** @param {Entry} entry */
  #taken(entry) {
    if (entry.op === "joined") {
      this.people.meet(entry.user);
      this.#emit({ type: "people" });
    } else if (entry.op === "left") {
      this.#emit({ type: "people" });
    } else if (entry.op === "message") {
      this.people.meet(entry.from);
      this.people.stopped(entry.room, entry.from.user);
      if (entry.from.user === this.me?.user) this.#settle(entry);
      else this.#emit({ type: "arrived", room: entry.room, message: entry });
    }
  }

  /** A room that nobody introduced: somebody invited this user, or another device of theirs joined it. */
  #stray(/** @type {Entry} */ entry) {
    const known = this.strays.get(entry.room) ?? [];
    this.strays.set(entry.room, [...known, entry]);
    if (known.length === 0) this.#command("rooms", {});
  }

  /** Entries of a kind that nobody here knows still take up their place in the log. */
  #unknown(/** @type {unknown} */ frame) {
    const { room, seq } = /** @type {Partial<Entry>} */ (frame);
    if (room !== undefined && seq !== undefined) this.#entry(/** @type {Entry} */ (frame));
  }

  /** A message of this user's own has come back: it is in the log, so it leaves the outbox. */
  #settle(/** @type {Message} */ message) {
    const bySeq = this.outbox.of(message.room).find((post) => post.seq === message.seq);
    const post = this.outbox.find(message.room, message.nonce) ?? bySeq;
    if (!post) return;
    this.outbox.remove(message.room, post.nonce);
    this.#outboxChanged(message.room);
  }

  /** @param {string} room */
  #catchUp(room) {
    const state = this.rooms.get(room);
    if (!state?.behind || state.asking.log || this.resuming.has(room) || this.paused.has(room)) return;
    const fields = { room, after: state.timeline.seen, limit: protocol.LOG_LIMIT };
    state.asking.log = this.#command("log", fields, { room }) !== undefined;
  }

  // --- answers ------------------------------------------------------------------------------------------------

  /** @param {Ok | ErrorReply} frame */
  #answered(frame) {
    const pending = frame.id === undefined ? undefined : this.pending.get(frame.id);
    if (!pending || frame.id === undefined) return;
    this.pending.delete(frame.id);
    if (frame.op === "ok") this.#granted(pending, frame);
    else this.#refused(pending, frame);
    this.#emit({ type: "reply", id: frame.id, frame });
  }

  /**
   * @param {Pending} pending
   * @param {Ok} ok
   */
  #granted(pending, ok) {
    const state = pending.room === undefined ? undefined : this.rooms.get(pending.room);
    if (pending.op === "post") this.#accepted(pending, ok);
    else if (pending.op === "rooms") for (const info of ok.rooms ?? []) this.#refresh(info);
    else if (pending.op === "create_room" || pending.op === "join") ok.info && this.#refresh(ok.info);
    else if (pending.op === "leave" && pending.room) this.#remove(pending.room, this.me?.user);
    else if (!state) return;
    else if (pending.op === "history") this.#history(state, pending, ok);
    else if (pending.op === "log") this.#log(state, ok);
    else if (pending.op === "members") this.#members(state, ok);
  }

  /** @param {Room} info */
  #refresh(info) {
    const state = this.rooms.get(info.room);
    if (!state) this.#introduce(info);
    else if (state.info.log === info.log) state.info.members = info.members;
  }

  /**
   * @param {RoomState} state
   * @param {Pending} pending
   * @param {Ok} ok
   */
  #history(state, pending, ok) {
    const messages = ok.messages ?? [];
    for (const message of messages) this.people.meet(message.from);
    if (pending.quote === undefined) {
      state.asking.history = false;
      state.timeline.prepend(messages, ok.more ?? false);
      for (const message of messages) if (message.from.user === this.me?.user) this.#settle(message);
      state.recount();
    } else {
      state.quotes.set(pending.quote, messages.find((message) => message.seq === pending.quote));
    }
    this.#emit({ type: "timeline", room: state.id });
  }

  /**
   * @param {RoomState} state
   * @param {Ok} ok
   */
  #log(state, ok) {
    const before = state.timeline.seen;
    state.asking.log = false;
    for (const entry of ok.entries ?? []) this.#entry(entry);
    if (!state.behind) state.recount();
    else if (state.timeline.seen > before || ok.more) this.#catchUp(state.id);
    else this.#restart(state, state.info.log, Math.max(state.target, ...state.timeline.held.keys()));
    this.#emit({ type: "rooms" });
  }

  /** @param {RoomState} state */
  #askMembers(state) {
    if (state.asking.members) return;
    const fields = { room: state.id, limit: protocol.MEMBERS_LIMIT };
    state.asking.members = this.#command("members", fields, { room: state.id }) !== undefined;
  }

  /**
   * @param {RoomState} state
   * @param {Ok} ok
   */
  #members(state, ok) {
    const members = ok.members ?? [];
    for (const { user } of members) this.people.meet(user);
    state.asking.members = false;
    state.moreMembers = ok.next !== undefined;
    state.setMembers(members);
    this.#emit({ type: "people" });
    this.#emit({ type: "timeline", room: state.id });
  }

  /**
   * @param {Pending} pending
   * @param {Ok} ok
   */
  #accepted(pending, ok) {
    const { room = "", nonce } = pending;
    const post = this.outbox.find(room, nonce);
    if (!post) return this.#flush(room);
    post.state = "accepted";
    post.seq = ok.seq;
    const seen = this.rooms.get(room)?.timeline.seen ?? 0;
    if (ok.seq !== undefined && ok.seq <= seen) this.outbox.remove(room, post.nonce);
    return this.#outboxChanged(room);
  }

  /**
   * @param {Pending} pending
   * @param {ErrorReply} error
   */
  #refused(pending, error) {
    const state = pending.room === undefined ? undefined : this.rooms.get(pending.room);
    const passing = PASSING_ERRORS.has(error.code);
    if (pending.op === "post") this.#postRefused(pending, error, passing);
    if (pending.op === "history" && state && pending.quote === undefined) state.asking.history = false;
    if (pending.op === "members" && state) state.asking.members = false;
    if (pending.op === "log" && state) {
      state.asking.log = false;
      if (passing) this.#pause(state.id, error);
    }
    if (pending.op === "rooms") this.strays.clear();
  }

  /**
   * @param {Pending} pending
   * @param {ErrorReply} error
   * @param {boolean} passing
   */
  #postRefused(pending, error, passing) {
    const { room = "", nonce } = pending;
    const post = this.outbox.find(room, nonce);
    if (!post) return;
    post.state = passing ? "waiting" : "failed";
    post.problem = error.message;
    if (passing) this.#pause(room, error);
    this.#outboxChanged(room);
  }

  /**
   * @param {string} room
   * @param {ErrorReply} error
   */
  #pause(room, error) {
    if (this.paused.has(room)) return;
    this.paused.add(room);
    this.#emit({ type: "pause", room, after: error.retry_after ?? PAUSE });
  }

  // --- sending ------------------------------------------------------------------------------------------------

  /** @param {string} room */
  #outboxChanged(room) {
    this.#flush(room);
    this.#emit({ type: "unsent" });
    this.#emit({ type: "timeline", room });
  }

  /** @param {string} room */
  #flush(room) {
    const post = this.outbox.next(room);
    if (!post || this.paused.has(room)) return;
    const { nonce, text, reply_to } = post;
    const fields = { room, nonce, text, ...(reply_to === undefined ? {} : { reply_to }) };
    if (this.#command("post", fields, { room, nonce }) !== undefined) post.state = "sending";
  }

  /**
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @param {Partial<Pending>} about
   * @returns {number | undefined} the command's id; nothing while there is nobody to ask
   */
  #command(op, fields, about = {}) {
    if (this.state !== "ready") return undefined;
    this.lastId += 1;
    this.frames.push({ op, id: this.lastId, ...fields });
    this.pending.set(this.lastId, { op, sent: undefined, room: about.room, nonce: about.nonce, quote: about.quote });
    return this.lastId;
  }

  /** @param {number} id */
  #refuse(id) {
    const frame = /** @type {ErrorReply} */ ({ op: "error", id, code: "offline", message: "not connected" });
    this.#emit({ type: "reply", id, frame });
  }

  /** @param {ConversationEvent} event */
  #emit(event) {
    this.events.push(event);
  }
}

/**
 * A text the wire can carry: lone surrogates would break the frame, and NUL is never taken.
 *
 * @param {string} text
 */
export function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\ufffd").replaceAll("\0", "");
}
