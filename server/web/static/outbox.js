/**
 * What was written here and is not yet part of the log: one queue a room, in the order of writing.
 *
 * A post leaves the outbox only when its message has arrived as an entry, never because it was sent. At most one
 * post a room is on its way, so that a refused one can never be overtaken by those behind it. The nonce stays the
 * same over every retry, which makes each retry safe.
 */

/**
 * `waiting`: not on its way; `sending`: on its way; `accepted`: on the server's disk, its entry not yet here;
 * `failed`: refused, the writer decides.
 *
 * @typedef {"waiting" | "sending" | "accepted" | "failed"} PostState
 */

/**
 * @typedef {object} Post
 * @property {string} room
 * @property {string} nonce
 * @property {string} text
 * @property {number} at milliseconds of this machine's clock, for display only
 * @property {number | undefined} reply_to
 * @property {PostState} state
 * @property {number | undefined} seq known once accepted
 * @property {string | undefined} problem why it failed
 */

export class Outbox {
  constructor() {
    /** @type {Map<string, Post[]>} */
    this.queues = new Map();
  }

  /**
   * @param {string} room
   * @returns {readonly Post[]} in the order of writing
   */
  of(room) {
    return this.queues.get(room) ?? [];
  }

  /** @returns {Post[]} */
  all() {
    return [...this.queues.values()].flat();
  }

  /** @param {Post} post */
  add(post) {
    this.queues.set(post.room, [...this.of(post.room), post]);
  }

  /**
   * The post that should go out now: the first unsent one, unless one of its room is on its way.
   *
   * @param {string} room
   * @returns {Post | undefined}
   */
  next(room) {
    const queue = this.of(room);
    if (queue.some((post) => post.state === "sending")) return undefined;
    return queue.find((post) => post.state === "waiting");
  }

  /**
   * @param {string} room
   * @param {string | undefined} nonce
   * @returns {Post | undefined}
   */
  find(room, nonce) {
    return nonce === undefined ? undefined : this.of(room).find((post) => post.nonce === nonce);
  }

  /**
   * @param {string} room
   * @param {string} nonce
   * @returns {boolean} whether it was there
   */
  remove(room, nonce) {
    const queue = this.of(room);
    const rest = queue.filter((post) => post.nonce !== nonce);
    if (rest.length > 0) this.queues.set(room, rest);
    else this.queues.delete(room);
    return rest.length < queue.length;
  }

  /** After a lost connection nobody knows what became of the posts on their way: they go again. */
  lost() {
    for (const post of this.all()) if (post.state === "sending") post.state = "waiting";
  }

  /**
   * The log of a room starts afresh here, so entries of accepted posts may never arrive: history has them.
   *
   * @param {string} room
   */
  forgetAccepted(room) {
    for (const post of this.of(room)) if (post.state === "accepted") this.remove(room, post.nonce);
  }
}
