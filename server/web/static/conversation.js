/**
 * The conversation: frames in, state and events out; verbs in, frames out.
 *
 * No DOM, no socket, no clock, no randomness: times and nonces are arguments. The shell (client.js) hands every
 * frame to `receive`, sends what `takeFrames` gives, and acts on what `takeEvents` gives. Whatever the connection
 * does, each entry of a log is taken once and in order (timeline.js), and each post goes out until its message
 * has come back (posting.js).
 */

/** @import { Pending } from "./commands.js" */
/** @import { ConversationEvent } from "./conversation_events.js" */
/** @import { Draft } from "./posting.js" */
/** @import { ClientFrame, Entry, ErrorReply, Ok, Resumed, Room, ServerFrame, User, Welcome } from "./protocol.js" */
import { present } from "./changes.js";
import { Commands } from "./commands.js";
import { People } from "./people.js";
import { isPassing, Posting } from "./posting.js";
import { TYPING_EVERY } from "./protocol.js";
import { isQuestion, Questions } from "./questions.js";
import { canCatchUp, cursorsThatFit } from "./resuming.js";
import { RoomState } from "./room.js";

const PAGE = 50;

export class Conversation {
  constructor() {
    /** @type {ConversationEvent[]} */
    this.events = [];
    this.commands = new Commands();
    this.posting = new Posting(this.commands, (event) => this.#emit(event));
    this.questions = new Questions(this.commands);
    this.people = new People();
    /** @type {User | undefined} */
    this.me = undefined;
    /** @type {Map<string, RoomState>} */
    this.rooms = new Map();
    /** @type {string | undefined} the room somebody looks at */
    this.watched = undefined;
    /** @type {Map<string, Entry[]>} entries of rooms that nobody introduced yet */
    this.strays = new Map();
    /** @type {Set<string>} rooms whose missing entries the server is sending by itself */
    this.resuming = new Set();
    /** @type {Map<string, number>} room -> when `typing` was last sent */
    this.typed = new Map();
  }

  get outbox() {
    return this.posting.outbox;
  }

  /** Whether entries of this room may be missing here that are not merely on their way. @param {string} room */
  isRecovering(room) {
    const behind = this.rooms.get(room)?.behind ?? false;
    return !this.commands.listening || this.resuming.has(room) || behind;
  }

  // --- the shell's side ---------------------------------------------------------------------------------------

  /** A connection is being made. */
  connecting() {
    this.commands.expect();
  }

  /** A socket is open. @param {string} token */
  opened(token) {
    const resume = cursorsThatFit(this.rooms.values(), this.watched, token);
    this.resuming = new Set(Object.keys(resume));
    this.commands.mention({ op: "hello", token, resume });
  }

  /** The socket is gone: questions fail, posts on their way go again, entries are asked for by `resume`. */
  lost() {
    this.resuming.clear();
    this.strays.clear();
    this.posting.lost();
    this.people.lost();
    for (const room of this.rooms.values()) {
      room.asking = { history: false, log: false, members: false };
      this.#emit({ type: "timeline", room: room.id });
    }
    for (const id of this.commands.lost()) this.#unheard(id);
    this.#emit({ type: "people" });
  }

  /**
   * @param {number} now milliseconds, of any steady clock
   * @returns {ClientFrame[]}
   */
  takeFrames(now) {
    return this.commands.takeFrames(now);
  }

  /** @returns {ConversationEvent[]} */
  takeEvents() {
    return this.events.splice(0);
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
      case "edited":
      case "deleted":
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
   * Asks the server for something, now or when the connection that is being made is welcomed; the answer comes as a
   * `reply` event with the id returned.
   *
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @returns {number}
   */
  request(op, fields = {}) {
    const asked = this.commands.ask(op, fields);
    if (asked !== undefined) return asked;
    const id = this.commands.freshId();
    this.#unheard(id);
    return id;
  }

  /** @param {Draft} draft */
  post(draft) {
    this.posting.add(draft);
  }

  /** The pause of a `pause` event is over. @param {string} room */
  again(room) {
    this.posting.paused.delete(room);
    this.posting.flush(room);
    this.#catchUp(room);
    if (this.strays.has(room)) this.commands.say("rooms", {});
    if (room === this.watched) this.watch(room);
  }

  /** Somebody looks at this room now (or at none). @param {string | undefined} room */
  watch(room) {
    if (this.watched !== room && this.watched) this.rooms.get(this.watched)?.timeline.trim();
    this.watched = room;
    const state = room === undefined ? undefined : this.rooms.get(room);
    if (!state) return;
    if (!state.members) this.questions.members(state);
    const { start, seen } = state.timeline;
    if (seen - start < PAGE) this.older(state.id, Math.max(PAGE, state.info.unread + PAGE / 2));
  }

  /** Asks for the page of history before what is loaded. @param {string} room */
  older(room, limit = PAGE) {
    const state = this.rooms.get(room);
    if (state) this.questions.history(state, limit);
  }

  /**
   * @param {string} room
   * @param {number} seq
   */
  quote(room, seq) {
    const state = this.rooms.get(room);
    if (state) this.questions.quote(state, seq);
  }

  /**
   * Everything up to `seq` was seen by a human eye.
   *
   * @param {string} room
   * @param {number} seq
   */
  read(room, seq) {
    if (!this.rooms.get(room)?.read(seq)) return;
    this.commands.say("read", { room, seq });
    this.#emit({ type: "rooms" });
  }

  /** Tells the authors what has arrived here; cumulative, so the shell may call it as seldom as it likes. */
  acknowledge() {
    for (const state of this.rooms.values()) {
      const { seen } = state.timeline;
      if (seen <= state.acknowledged) continue;
      if (this.commands.say("received", { room: state.id, seq: seen }) !== undefined) state.acknowledged = seen;
    }
  }

  /**
   * @param {string} room
   * @param {number} now
   */
  typing(room, now) {
    const last = this.typed.get(room);
    if (!this.commands.listening || (last !== undefined && now - last < TYPING_EVERY)) return;
    this.typed.set(room, now);
    this.commands.mention({ op: "typing", room });
  }

  // --- opening ------------------------------------------------------------------------------------------------

  /** @param {Welcome} frame */
  #welcome(frame) {
    this.commands.heard();
    this.me = frame.me;
    this.people.current = true;
    this.people.meet(frame.me);
    const present = new Set(frame.rooms.map((info) => info.room));
    for (const info of frame.rooms) this.#welcomeRoom(info);
    for (const id of this.rooms.keys()) if (!present.has(id)) this.#remove(id, undefined);
    this.#emit({ type: "welcome", heartbeat: frame.heartbeat });
    this.#emit({ type: "rooms" });
    for (const room of this.outbox.queues.keys()) this.posting.flush(room);
    this.watch(this.watched);
  }

  /** @param {Room} info */
  #welcomeRoom(info) {
    const state = this.rooms.get(info.room);
    if (!state) return this.#introduce(info);
    const sameLog = state.info.log === info.log;
    const readHere = sameLog ? state.info.read_seq : 0;
    state.refresh(info, readHere);
    if (info.peer) this.people.meet(info.peer);
    if (readHere > info.read_seq) this.commands.say("read", { room: info.room, seq: readHere });
    if (this.resuming.has(info.room)) return undefined;
    if (!canCatchUp(state, info)) return this.#restart(state, info.log, info.last_seq);
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
   * @param {string | undefined} by who removed this user, as far as it was said
   */
  #remove(room, by) {
    const state = this.rooms.get(room);
    if (!state) return;
    this.rooms.delete(room);
    this.posting.abandon(room);
    this.#emit({ type: "removed", room, name: state.info.name ?? "", by });
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

  /** @param {Entry} told */
  #entry(told) {
    const entry = told.op === "message" ? present(told) : told;
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
      this.#renewMembers(entry.room);
      this.#emit({ type: "people" });
    } else if (entry.op === "left") {
      this.#emit({ type: "people" });
    } else if (entry.op === "message") {
      this.people.meet(entry.from);
      this.people.stopped(entry.room, entry.from.user);
      if (entry.from.user === this.me?.user) this.posting.settle(entry);
      else this.#emit({ type: "arrived", room: entry.room, message: entry });
    }
  }

  /** Of a room that nobody introduced: this user was invited, or joined on another device. @param {Entry} entry */
  #stray(entry) {
    const known = this.strays.get(entry.room) ?? [];
    this.strays.set(entry.room, [...known, entry]);
    if (known.length === 0) this.commands.say("rooms", {});
  }

  /** Entries of a kind that nobody here knows still take up their place in the log. @param {unknown} frame */
  #unknown(frame) {
    const { room, seq } = /** @type {Partial<Entry>} */ (frame);
    if (room !== undefined && seq !== undefined) this.#entry(/** @type {Entry} */ (frame));
  }

  /** @param {string} room */
  #catchUp(room) {
    const state = this.rooms.get(room);
    if (state && !this.resuming.has(room) && !this.posting.paused.has(room)) this.questions.log(state);
  }

  /** An entry says who joined, but not whether they are online. @param {string} room */
  #renewMembers(room) {
    const state = this.rooms.get(room);
    if (!state || room !== this.watched) return;
    state.membersStale = true;
    this.questions.members(state);
  }

  // --- answers ------------------------------------------------------------------------------------------------

  /** @param {Ok | ErrorReply} frame */
  #answered(frame) {
    const pending = this.commands.answered(frame.id);
    if (!pending || frame.id === undefined) return;
    if (frame.op === "ok") this.#granted(pending, frame);
    else this.#refused(pending, frame);
    this.#emit({ type: "reply", id: frame.id, frame });
  }

  /**
   * @param {Pending} pending
   * @param {Ok} ok
   */
  #granted({ op, room = "", nonce, quote }, ok) {
    if (op === "rooms") for (const info of ok.rooms ?? []) this.#refresh(info);
    if ((op === "create_room" || op === "join") && ok.info) this.#refresh(ok.info);
    if (op === "leave") this.#remove(room, this.me?.user);
    const state = this.rooms.get(room);
    if (op === "post") this.posting.accepted(room, nonce, ok.seq ?? 0, state?.timeline.seen ?? 0);
    if (op === "history" && state) this.#history(state, quote, ok);
    if (op === "log" && state) this.#log(state, ok);
    if (op === "members" && state) this.#members(state, ok);
  }

  /**
   * @param {Pending} pending
   * @param {ErrorReply} error
   */
  #refused({ op, room = "", nonce, quote }, error) {
    if (op === "post") this.posting.refused(room, nonce, error);
    if (op === "rooms") for (const stray of this.strays.keys()) this.posting.pause(stray, error);
    const state = this.rooms.get(room);
    if (!state || !isQuestion(op)) return;
    this.questions.refused(state, op, quote);
    if (isPassing(error)) this.posting.pause(room, error);
  }

  /** @param {Room} info */
  #refresh(info) {
    const state = this.rooms.get(info.room);
    if (!state) this.#introduce(info);
    else if (state.info.log === info.log) state.info.members = info.members;
  }

  /**
   * @param {RoomState} state
   * @param {number | undefined} quote
   * @param {Ok} ok
   */
  #history(state, quote, { messages: told = [], more = false }) {
    const messages = told.map((message) => present(message));
    for (const message of messages) this.people.meet(message.from);
    if (quote === undefined) {
      state.asking.history = false;
      state.timeline.prepend(messages, more);
      for (const message of messages) if (message.from.user === this.me?.user) this.posting.settle(message);
      state.recount();
      this.#emit({ type: "rooms" });
    } else {
      state.quotes.set(
        quote,
        messages.find((message) => message.seq === quote),
      );
    }
    this.#emit({ type: "timeline", room: state.id });
  }

  /**
   * @param {RoomState} state
   * @param {Ok} ok
   */
  #log(state, { entries = [], more = false }) {
    const before = state.timeline.seen;
    for (const entry of entries) this.#entry(entry);
    state.asking.log = false;
    if (!state.behind) state.recount();
    else if (state.timeline.seen > before || more) this.#catchUp(state.id);
    else this.#restart(state, state.info.log, Math.max(state.target, ...state.timeline.held.keys()));
    this.#emit({ type: "rooms" });
  }

  /**
   * @param {RoomState} state
   * @param {Ok} ok
   */
  #members(state, { members = [], next }) {
    for (const { user } of members) this.people.meet(user);
    state.asking.members = false;
    state.moreMembers = next !== undefined;
    state.setMembers(members);
    if (state.membersStale) this.questions.members(state);
    this.#emit({ type: "people" });
    this.#emit({ type: "timeline", room: state.id });
  }

  /** Nobody will answer this command. @param {number} id */
  #unheard(id) {
    const message = "There is no connection right now. Please try again in a moment.";
    this.#emit({ type: "reply", id, frame: { op: "error", id, code: "offline", message } });
  }

  /** @param {ConversationEvent} event */
  #emit(event) {
    this.events.push(event);
  }
}
