/**
 * Commands on their way: which were said, which still wait for an answer, and since when.
 *
 * A command is said only while somebody listens; there is no queue of commands for later. What has to survive a
 * lost connection is state elsewhere (posts in the outbox, read marks in rooms), and is said again from there. Only
 * what a person asks for while a connection is being made waits for its welcome: whoever has just signed in, and is
 * quick, or whose connection is being made anew, would be told that there is none.
 */

/** @import { ClientFrame } from "./protocol.js" */
import { REPLY_DEADLINE } from "./protocol.js";

/**
 * @typedef {object} Pending
 * @property {string} op
 * @property {string | undefined} room
 * @property {string | undefined} nonce of a post
 * @property {number | undefined} quote the seq of a single message that was asked for
 * @property {number | undefined} sent when it left, by the shell's clock
 */

export class Commands {
  constructor() {
    this.listening = false;
    this.expecting = false;
    /** @type {{ id: number, op: string, fields: Record<string, unknown> }[]} what waits for the welcome */
    this.early = [];
    /** @type {Map<number, Pending>} */
    this.pending = new Map();
    /** @type {ClientFrame[]} */
    this.frames = [];
    this.lastId = 0;
  }

  /**
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @param {{ nonce?: string, quote?: number }} [about]
   * @returns {number | undefined} the command's id; nothing while nobody listens
   */
  say(op, fields, { nonce, quote } = {}) {
    if (!this.listening) return undefined;
    const id = this.freshId();
    this.#say(id, op, fields, nonce, quote);
    return id;
  }

  /**
   * The same, but where a connection is being made it is said when that is welcomed.
   *
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @returns {number | undefined} the command's id; nothing while there is no connection on its way either
   */
  ask(op, fields) {
    if (this.listening || !this.expecting) return this.say(op, fields);
    const id = this.freshId();
    this.early.push({ id, op, fields });
    return id;
  }

  /** A connection is being made. */
  expect() {
    this.expecting = true;
  }

  /** Somebody listens from now on. */
  heard() {
    this.listening = true;
    this.expecting = false;
    for (const { id, op, fields } of this.early.splice(0)) this.#say(id, op, fields, undefined, undefined);
  }

  /**
   * @param {number} id
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @param {string | undefined} nonce
   * @param {number | undefined} quote
   */
  #say(id, op, fields, nonce, quote) {
    const room = typeof fields["room"] === "string" ? fields["room"] : undefined;
    this.frames.push({ op, id, ...fields });
    this.pending.set(id, { op, room, nonce, quote, sent: undefined });
  }

  /** Says something that has no reply of its own, to whoever is there. @param {ClientFrame} frame */
  mention(frame) {
    this.frames.push(frame);
  }

  freshId() {
    this.lastId += 1;
    return this.lastId;
  }

  /**
   * @param {number | undefined} id
   * @returns {Pending | undefined} the command this answers
   */
  answered(id) {
    if (id === undefined) return undefined;
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }

  /** @returns {number[]} the commands that nobody will answer any more */
  lost() {
    const ids = [...this.pending.keys(), ...this.early.splice(0).map(({ id }) => id)];
    this.listening = false;
    this.expecting = false;
    this.pending.clear();
    this.frames = [];
    return ids;
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

  /** Whether a command went without an answer for longer than the protocol allows. @param {number} now */
  overdue(now) {
    return [...this.pending.values()].some(({ sent }) => sent !== undefined && now - sent > REPLY_DEADLINE);
  }
}
