/**
 * Who is who, who is here, who is typing.
 *
 * People are known by what the server last said of them; who is typing fades by the clock it is asked with.
 */

/** @import { Presence, User } from "./protocol.js" */
import { TYPING_FADES } from "./protocol.js";

export class People {
  constructor() {
    /** @type {Map<string, User>} */
    this.known = new Map();
    this.current = false;
    /** @type {Map<string, Map<string, number>>} room -> user -> until when */
    this.typing = new Map();
  }

  /** @param {User} user */
  meet(user) {
    this.known.set(user.user, { ...this.known.get(user.user), ...user });
  }

  /** @param {Presence} presence */
  changed({ user, status, last_seen }) {
    const before = this.known.get(user) ?? { user, name: null };
    this.known.set(user, { ...before, status, ...(last_seen === undefined ? {} : { last_seen }) });
  }

  /** After a lost connection nobody here knows who is online. */
  lost() {
    this.current = false;
    for (const user of this.known.values()) delete user.status;
    this.typing.clear();
  }

  /**
   * @param {string} user
   * @returns {boolean | undefined} nothing while this page cannot know
   */
  isOnline(user) {
    if (!this.current) return undefined;
    const status = this.known.get(user)?.status;
    return status !== undefined && status !== "offline";
  }

  /** @param {string} user */
  nameOf(user) {
    const known = this.known.get(user);
    return known ? displayName(known) : "Someone";
  }

  /**
   * @param {string} room
   * @param {string} user
   * @param {number} now
   */
  types(room, user, now) {
    const inRoom = this.typing.get(room) ?? new Map();
    this.typing.set(room, inRoom.set(user, now + TYPING_FADES));
  }

  /**
   * @param {string} room
   * @param {string} user
   */
  stopped(room, user) {
    this.typing.get(room)?.delete(user);
  }

  /**
   * @param {string} room
   * @param {number} now
   * @returns {string[]} user ids
   */
  typingIn(room, now) {
    return [...(this.typing.get(room) ?? [])].filter(([, until]) => until > now).map(([user]) => user);
  }
}

/** @param {User} user */
export function displayName(user) {
  return user.display_name ?? user.name ?? "Deleted account";
}
