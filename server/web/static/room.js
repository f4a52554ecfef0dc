/**
 * One room as its member sees it here: its summary, its timeline, how far everybody has read.
 *
 * The server counts `unread` up to the `last_seq` it gave with it; from there on this page counts by itself. Where
 * everything after the read mark is loaded, the count is taken afresh, so that it cannot drift.
 */

/** @import { Entry, Member, Message, Receipt, Room } from "./protocol.js" */
import { Timeline } from "./timeline.js";

/** @typedef {{ received: number, read: number }} Marks */

export class RoomState {
  /**
   * @param {Room} info
   * @param {string} me the id of the user whose view this is
   */
  constructor(info, me) {
    this.info = { ...info };
    this.me = me;
    this.timeline = new Timeline(info.log, info.last_seq);
    this.counted = info.last_seq;
    /** The head of the log as far as it was told of; entries up to here are owed to this page. */
    this.target = info.last_seq;
    this.acknowledged = info.last_seq;
    this.asking = { history: false, log: false, members: false };
    /** @type {Member[] | undefined} nothing until it was asked for */
    this.members = undefined;
    this.moreMembers = false;
    this.membersStale = false;
    /** @type {Map<string, Marks>} of the others, by user id */
    this.marks = new Map();
    /** How far anybody else came. */
    this.farthest = { received: 0, read: 0 };
    /** @type {Map<number, Message | undefined>} quoted messages from before what is loaded */
    this.quotes = new Map();
  }

  get id() {
    return this.info.room;
  }

  /** Whether the log has entries that are owed to this page and did not come by themselves. */
  get behind() {
    return this.timeline.gapped || this.timeline.seen < this.target;
  }

  /**
   * What a welcome says of a room that is known. Of two read marks the larger wins, as it does on the server.
   *
   * @param {Room} info
   * @param {number} readHere
   */
  refresh(info, readHere) {
    this.info = { ...info, read_seq: Math.max(readHere, info.read_seq) };
    this.members = undefined;
    this.counted = Math.max(this.counted, info.last_seq);
    if (readHere > info.read_seq) this.recount();
  }

  /**
   * Starts afresh at the head of a log: what was loaded is not known to join up with it.
   *
   * @param {string} log
   * @param {number} lastSeq
   */
  restart(log, lastSeq) {
    this.timeline = new Timeline(log, lastSeq);
    this.info.log = log;
    this.counted = lastSeq;
    this.target = lastSeq;
    this.acknowledged = Math.min(this.acknowledged, lastSeq);
    this.asking = { history: false, log: false, members: false };
  }

  /**
   * @param {Entry} entry
   * @returns {Entry[]} what became part of the timeline
   */
  take(entry) {
    const taken = this.timeline.take(entry);
    for (const each of taken) this.#count(each);
    return taken;
  }

  /** @param {Entry} entry */
  #count(entry) {
    const fresh = entry.seq > this.counted;
    this.counted = Math.max(this.counted, entry.seq);
    this.target = Math.max(this.target, entry.seq);
    this.info.last_seq = Math.max(this.info.last_seq, entry.seq);
    if (entry.op === "deleted") {
      this.recount();
    } else if (entry.op === "message") {
      if (fresh && this.#isUnread(entry)) this.info.unread += 1;
    } else if (entry.op === "joined") {
      if (fresh) this.info.members += 1;
      this.members = this.members && [...this.members.filter((m) => m.user.user !== entry.user.user), memberOf(entry)];
    } else if (entry.op === "left") {
      if (fresh) this.info.members -= 1;
      this.members = this.members?.filter((member) => member.user.user !== entry.user);
    } else if (entry.op === "room") {
      if (entry.info.name !== undefined) this.info.name = entry.info.name;
      if (entry.info.topic === undefined) delete this.info.topic;
      else this.info.topic = entry.info.topic;
    }
  }

  /** Takes the unread count afresh where all that is unread is loaded. */
  recount() {
    if (this.timeline.start > this.info.read_seq + 1 || this.behind) return;
    this.info.unread = this.timeline.messages().filter((message) => this.#isUnread(message)).length;
  }

  /**
   * @param {number} seq
   * @returns {boolean} whether the read mark moved
   */
  read(seq) {
    if (seq <= this.info.read_seq) return false;
    this.info.read_seq = seq;
    if (seq >= this.timeline.seen && !this.behind) this.info.unread = 0;
    this.recount();
    return true;
  }

  /** @param {Receipt} receipt */
  mark({ user, received = 0, read = 0 }) {
    if (user === this.me) return;
    const marks = farther(this.marks.get(user) ?? { received: 0, read: 0 }, {
      received: Math.max(received, read),
      read,
    });
    this.marks.set(user, marks);
    this.farthest = farther(this.farthest, marks);
  }

  /**
   * Who else has read one message.
   *
   * @param {number} seq
   * @returns {string[]} user ids
   */
  readers(seq) {
    return [...this.marks].filter(([, marks]) => marks.read >= seq).map(([user]) => user);
  }

  /** @param {Member[]} members */
  setMembers(members) {
    this.members = members;
    for (const { user, read_seq: read } of members) {
      if (read !== undefined) this.mark({ op: "receipt", room: this.id, user: user.user, read });
    }
  }

  /** @param {Message} message */
  #isUnread(message) {
    return message.seq > this.info.read_seq && message.from.user !== this.me && !message.deleted;
  }
}

/**
 * @param {Marks} one
 * @param {Marks} other
 * @returns {Marks}
 */
function farther(one, other) {
  return { received: Math.max(one.received, other.received), read: Math.max(one.read, other.read) };
}

/**
 * @param {Extract<Entry, { op: "joined" }>} entry
 * @returns {Member}
 */
function memberOf(entry) {
  return { user: entry.user, role: "member", joined_at: entry.at };
}
