/**
 * The log of one room as far as this page holds it: what was taken, what is still missing.
 *
 * Two rules hold. What is loaded is one unbroken range of the log, from `start` to `seen`: history widens it
 * downwards, entries upwards. And every entry is taken once and in order: one that was taken before is dropped,
 * one that comes too early is held until the gap before it is closed.
 *
 * History pages carry messages only, so notes ("Ada joined") stand where they were seen live or replayed.
 */

import { changed } from "./changes.js";

/** @import { DeletedEntry, EditedEntry, Entry, JoinedEntry, LeftEntry, Message, RoomEntry } from "./protocol.js" */

/** @typedef {{ kind: "message", seq: number, message: Message }} MessageItem */
/** @typedef {{ kind: "note", seq: number, entry: JoinedEntry | LeftEntry | RoomEntry }} NoteItem */
/** @typedef {MessageItem | NoteItem} Item */

/** How many items stay loaded in a room that nobody looks at. */
const KEPT = 200;

export class Timeline {
  /**
   * @param {string} log the id of the log; a cursor means nothing in another one
   * @param {number} lastSeq the log's head: everything after it will arrive as entries
   */
  constructor(log, lastSeq) {
    this.log = log;
    this.seen = lastSeq;
    this.start = lastSeq + 1;
    /** @type {Item[]} ascending by seq */
    this.items = [];
    /** @type {Map<number, Entry>} */
    this.held = new Map();
    this.complete = lastSeq === 0;
  }

  /** Whether entries are missing that somebody has to ask the log for. */
  get gapped() {
    return this.held.size > 0;
  }

  /** Whether anything is loaded, so that a gap would show. */
  get loaded() {
    return this.start <= this.seen || this.complete;
  }

  /**
   * Takes one entry, and with it the held ones it makes room for.
   *
   * @param {Entry} entry
   * @returns {Entry[]} what is now part of the range, in order: nothing if it was known or came too early
   */
  take(entry) {
    if (entry.seq <= this.seen) return [];
    this.held.set(entry.seq, entry);
    const taken = [];
    for (let next = this.held.get(this.seen + 1); next; next = this.held.get(this.seen + 1)) {
      this.held.delete(next.seq);
      this.seen = next.seq;
      const item = itemOf(next);
      if (item) this.items.push(item);
      if (next.op === "edited" || next.op === "deleted") this.#change(next);
      taken.push(next);
    }
    return taken;
  }

  /** Of a message that is not loaded, history will tell what has become. @param {EditedEntry | DeletedEntry} entry */
  #change(entry) {
    const position = this.#position(entry.target);
    const item = this.items[position];
    if (item?.kind !== "message" || item.seq !== entry.target) return;
    this.items[position] = asItem(changed(item.message, entry));
  }

  /**
   * Widens the range downwards by one page of history.
   *
   * @param {Message[]} messages ascending by seq
   * @param {boolean} more whether older ones exist
   */
  prepend(messages, more) {
    const older = messages.filter((message) => message.seq < this.start);
    this.items.unshift(...older.map((message) => asItem(message)));
    this.complete = !more;
    const oldest = older[0];
    if (!more) this.start = 1;
    else if (oldest) this.start = oldest.seq;
  }

  /** Forgets old items, so that a page that is open for weeks stays small. */
  trim() {
    const surplus = this.items.length - KEPT;
    if (surplus <= 0) return;
    this.items.splice(0, surplus);
    this.complete = false;
    this.start = this.items[0]?.seq ?? this.seen + 1;
  }

  /**
   * @param {number} seq
   * @returns {Message | undefined}
   */
  message(seq) {
    const item = this.items[this.#position(seq)];
    return item?.kind === "message" && item.seq === seq ? item.message : undefined;
  }

  /**
   * Where an item with this seq is or would be, by halving.
   *
   * @param {number} seq
   */
  #position(seq) {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.items[middle]?.seq ?? Infinity) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @returns {Message[]} */
  messages() {
    return this.items.flatMap((item) => (item.kind === "message" ? [item.message] : []));
  }
}

/**
 * @param {Message} message
 * @returns {MessageItem}
 */
function asItem(message) {
  return { kind: "message", seq: message.seq, message };
}

/**
 * Entries of a kind this page does not know take up their seq and show nothing.
 *
 * @param {Entry} entry
 * @returns {Item | undefined}
 */
function itemOf(entry) {
  switch (entry.op) {
    case "message":
      return asItem(entry);
    case "joined":
    case "left":
    case "room":
      return { kind: "note", seq: entry.seq, entry };
    default:
      return undefined;
  }
}
