/**
 * Getting what was written here onto the server's disk: each post until its message has come back, in order, each
 * time with the same nonce.
 */

/** @import { Commands } from "./commands.js" */
/** @import { ConversationEvent } from "./conversation_events.js" */
/** @import { Post } from "./outbox.js" */
/** @import { ErrorReply, Message } from "./protocol.js" */
import { Outbox } from "./outbox.js";

/** @typedef {Pick<Post, "room" | "nonce" | "text" | "at" | "reply_to">} Draft */

/** Milliseconds, where a passing error does not say how long it lasts. */
const PAUSE = 1_000;
const PASSING_ERRORS = new Set(["unavailable", "rate_limited", "not_ready"]);

export class Posting {
  /**
   * @param {Commands} commands
   * @param {(event: ConversationEvent) => void} emit
   */
  constructor(commands, emit) {
    this.commands = commands;
    this.emit = emit;
    this.outbox = new Outbox();
    /** @type {Set<string>} rooms in which the next try has to wait a little */
    this.paused = new Set();
  }

  /** @param {Draft} draft */
  add({ room, nonce, text, at, reply_to }) {
    if (this.outbox.find(room, nonce)) return;
    const sendable = wellFormed(text);
    this.outbox.add({
      room,
      nonce,
      text: sendable,
      at,
      reply_to,
      state: "waiting",
      seq: undefined,
      problem: undefined,
    });
    this.#changed(room);
  }

  /**
   * A refused post, once more, under a nonce that was not refused.
   *
   * @param {string} room
   * @param {string} nonce
   * @param {string} freshNonce
   */
  retry(room, nonce, freshNonce) {
    const post = this.outbox.find(room, nonce);
    if (post?.state !== "failed") return;
    Object.assign(post, { state: "waiting", problem: undefined, nonce: freshNonce });
    this.#changed(room);
  }

  /**
   * @param {string} room
   * @param {string} nonce
   */
  discard(room, nonce) {
    if (this.outbox.find(room, nonce)?.state === "failed") this.#remove(room, nonce);
  }

  /** A room is gone, and with it everything that was to go there. @param {string} room */
  abandon(room) {
    this.outbox.queues.delete(room);
    this.emit({ type: "unsent" });
  }

  lost() {
    this.paused.clear();
    this.outbox.lost();
  }

  /** Sends the next post of a room, if none is on its way. @param {string} room */
  flush(room) {
    const post = this.outbox.next(room);
    if (!post || this.paused.has(room)) return;
    const { nonce, text, reply_to } = post;
    const fields = { room, nonce, text, ...(reply_to === undefined ? {} : { reply_to }) };
    if (this.commands.say("post", fields, { nonce }) !== undefined) post.state = "sending";
  }

  /**
   * @param {string} room
   * @param {string | undefined} nonce
   * @param {number} seq
   * @param {number} seen up to where the log is here
   */
  accepted(room, nonce, seq, seen) {
    const post = this.outbox.find(room, nonce);
    if (!post) return this.flush(room);
    if (seq <= seen) return this.#remove(room, post.nonce);
    post.state = "accepted";
    post.seq = seq;
    return this.#changed(room);
  }

  /**
   * @param {string} room
   * @param {string | undefined} nonce
   * @param {ErrorReply} error
   */
  refused(room, nonce, error) {
    const post = this.outbox.find(room, nonce);
    if (!post) return;
    post.state = isPassing(error) ? "waiting" : "failed";
    post.problem = error.message;
    if (isPassing(error)) this.pause(room, error);
    this.#changed(room);
  }

  /** A message of this user's own is in the log here, so it leaves the outbox. @param {Message} message */
  settle(message) {
    const bySeq = this.outbox.of(message.room).find((post) => post.seq === message.seq);
    const post = this.outbox.find(message.room, message.nonce) ?? bySeq;
    if (post) this.#remove(message.room, post.nonce);
  }

  /**
   * @param {string} room
   * @param {ErrorReply} error
   */
  pause(room, error) {
    if (this.paused.has(room)) return;
    this.paused.add(room);
    this.emit({ type: "pause", room, after: error.retry_after ?? PAUSE });
  }

  /**
   * @param {string} room
   * @param {string} nonce
   */
  #remove(room, nonce) {
    this.outbox.remove(room, nonce);
    this.#changed(room);
  }

  /** @param {string} room */
  #changed(room) {
    this.flush(room);
    this.emit({ type: "unsent" });
    this.emit({ type: "timeline", room });
  }
}

/** @param {ErrorReply} error */
export function isPassing(error) {
  return PASSING_ERRORS.has(error.code);
}

/**
 * A text the wire can carry: lone surrogates would break the frame, and NUL is never taken.
 *
 * @param {string} text
 */
function wellFormed(text) {
  return text.replace(/\p{Surrogate}/gu, "\ufffd").replaceAll("\0", "");
}
