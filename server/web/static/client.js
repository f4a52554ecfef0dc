/**
 * Joins the conversation to the world: a socket, a clock, chance, and a place for what is unsent.
 *
 * Every frame and every verb ends in `#pump`: frames go out, events come in. Nothing is decided here that
 * conversation.js could decide.
 */

/** @import { ConnectionState } from "./connection.js" */
/** @import { ConversationEvent } from "./conversation_events.js" */
/** @import { ErrorReply, Ok } from "./protocol.js" */
/** @import { UnsentStore } from "./storage.js" */
import { momentToLeave } from "./backoff.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { freshNonce } from "./nonce.js";
import { isBlank } from "./text.js";

/**
 * @typedef {object} ClientListener
 * @property {(event: ConversationEvent) => void} happened
 * @property {(state: ConnectionState) => void} connection
 * @property {() => void} signedOut
 */

const ACKNOWLEDGE_AFTER = 1_000;
const OVERDUE_EVERY = 2_000;
const LOOK_AGAIN_AFTER = 50;

export class Client {
  conversation = new Conversation();
  /** @type {Map<number, (frame: Ok | ErrorReply) => void>} */
  #waiting = new Map();
  /** @type {number | undefined} */
  #acknowledging;
  /** @type {number | undefined} */
  #overdueCheck;
  /** @type {number | undefined} */
  #moving;
  /** @type {Set<number>} */
  #timers = new Set();

  /**
   * @param {string} url
   * @param {string} token
   * @param {UnsentStore} unsent
   * @param {ClientListener} listener
   */
  constructor(url, token, unsent, listener) {
    this.unsent = unsent;
    this.listener = listener;
    this.connection = new Connection(url, {
      opened: () => this.#pump((conversation) => conversation.opened(token)),
      received: (frame) => this.#pump((conversation) => conversation.receive(frame, performance.now())),
      lost: () => {
        clearTimeout(this.#moving);
        this.#pump((conversation) => conversation.lost());
      },
      changed: (state) => {
        if (state.name === "connecting") this.conversation.connecting();
        listener.connection(state);
      },
      signedOut: () => listener.signedOut(),
    });
    for (const post of unsent.load()) this.conversation.post(post);
  }

  start() {
    this.#overdueCheck = setInterval(() => {
      if (this.conversation.commands.overdue(performance.now())) this.connection.drop();
    }, OVERDUE_EVERY);
    this.connection.start();
  }

  stop() {
    clearInterval(this.#overdueCheck);
    clearTimeout(this.#acknowledging);
    clearTimeout(this.#moving);
    for (const timer of this.#timers) clearTimeout(timer);
    this.connection.stop();
  }

  /**
   * @param {string} op
   * @param {Record<string, unknown>} fields
   * @returns {Promise<Ok>} rejects with a CommandRefused
   */
  ask(op, fields) {
    return new Promise((resolve, reject) => {
      this.#pump((conversation) => {
        const id = conversation.request(op, fields);
        this.#waiting.set(id, (frame) => (frame.op === "ok" ? resolve(frame) : reject(new CommandRefused(frame))));
      });
    });
  }

  /**
   * @param {string} room
   * @param {string} text
   * @param {number} [replyTo]
   */
  post(room, text, replyTo) {
    if (isBlank(text)) return;
    const post = { room, nonce: freshNonce(), text, at: Date.now(), reply_to: replyTo };
    this.#pump((conversation) => conversation.post(post));
  }

  /**
   * @param {string} room
   * @param {string} nonce
   */
  retry(room, nonce) {
    this.#pump((conversation) => conversation.posting.retry(room, nonce, freshNonce()));
  }

  /**
   * @param {string} room
   * @param {string} nonce
   */
  discard(room, nonce) {
    this.#pump((conversation) => conversation.posting.discard(room, nonce));
  }

  /** @param {string | undefined} room */
  watch(room) {
    this.#pump((conversation) => conversation.watch(room));
  }

  /** @param {string} room */
  older(room) {
    this.#pump((conversation) => conversation.older(room));
  }

  /**
   * @param {string} room
   * @param {number} seq
   */
  quote(room, seq) {
    this.#pump((conversation) => conversation.quote(room, seq));
  }

  /**
   * @param {string} room
   * @param {number} seq
   */
  read(room, seq) {
    this.#pump((conversation) => conversation.read(room, seq));
  }

  /** @param {string} room */
  typing(room) {
    this.#pump((conversation) => conversation.typing(room, performance.now()));
  }

  /** @param {(conversation: Conversation) => void} act */
  #pump(act) {
    act(this.conversation);
    for (const frame of this.conversation.takeFrames(performance.now())) this.connection.send(frame);
    for (const event of this.conversation.takeEvents()) this.#happened(event);
  }

  /** @param {ConversationEvent} event */
  #happened(event) {
    if (event.type === "reply") {
      this.#waiting.get(event.id)?.(event.frame);
      this.#waiting.delete(event.id);
    } else if (event.type === "welcome") {
      this.connection.settled(event.heartbeat);
    } else if (event.type === "heartbeat") {
      this.connection.settled(event.every);
    } else if (event.type === "pause") {
      this.#later(event.after, () => this.#pump((conversation) => conversation.again(event.room)));
    } else if (event.type === "reconnect") {
      this.#moveIn(momentToLeave(event, Math.random()));
    } else if (event.type === "unsent") {
      this.unsent.save(this.conversation.outbox.all());
    } else if (event.type === "arrived") {
      this.#acknowledgeSoon();
    }
    this.listener.happened(event);
  }

  /**
   * Moves to another socket, but not while something was asked: whoever asked would hear that there is no connection.
   *
   * @param {number} delay
   */
  #moveIn(delay) {
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => {
      if (this.conversation.commands.pending.size > 0) this.#moveIn(LOOK_AGAIN_AFTER);
      else this.connection.move();
    }, delay);
  }

  #acknowledgeSoon() {
    if (this.#acknowledging !== undefined) return;
    this.#acknowledging = setTimeout(() => {
      this.#acknowledging = undefined;
      this.#pump((conversation) => conversation.acknowledge());
    }, ACKNOWLEDGE_AFTER);
  }

  /**
   * @param {number} delay
   * @param {() => void} act
   */
  #later(delay, act) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, delay);
    this.#timers.add(timer);
  }
}

/** The server (or the lack of one) said no. */
export class CommandRefused extends Error {
  /** @param {ErrorReply} frame */
  constructor(frame) {
    super(frame.message);
    this.code = frame.code;
  }
}
