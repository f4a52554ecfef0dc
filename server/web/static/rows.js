/**
 * What stands in the list of messages, from top to bottom: a pure function of what is known.
 *
 * A row has a key that stays the same while its content changes; a message of one's own keeps the key it had as an
 * unsent post (its nonce), so that it does not flicker when it comes back.
 */

/** @import { Message } from "./protocol.js" */
/** @import { NoteItem } from "./timeline.js" */
/** @import { Post, PostState } from "./outbox.js" */
/** @import { People } from "./people.js" */
/** @import { RoomState } from "./room.js" */
import { dayKey, dayName } from "./dates.js";
import { displayName } from "./people.js";

/** @typedef {"sent" | "received" | "read"} Delivery */
/** @typedef {{ seq: number, author: string, text: string }} Quote */

/**
 * @typedef {object} MessageRow
 * @property {"message"} kind
 * @property {string} key
 * @property {number | undefined} seq absent for what is not in the log yet
 * @property {string | undefined} nonce present for what is not in the log yet
 * @property {string} author
 * @property {string} authorId
 * @property {string} text
 * @property {number} at milliseconds
 * @property {boolean} own
 * @property {boolean} first of a run of messages by one person
 * @property {Quote | undefined} quote
 * @property {PostState | Delivery | undefined} state of one's own
 * @property {string | undefined} problem
 * @property {string[]} readers names
 */

/** @typedef {{ kind: "day", key: string, label: string }} DayRow */
/** @typedef {{ kind: "marker", key: string }} MarkerRow */
/** @typedef {{ kind: "note", key: string, text: string }} NoteRow */
/** @typedef {{ kind: "edge", key: string, complete: boolean }} EdgeRow the upper end of what is loaded */
/** @typedef {MessageRow | DayRow | MarkerRow | NoteRow | EdgeRow} Row */

const RUN = 5 * 60_000;
const QUOTE_CHARACTERS = 160;
/** In larger rooms a list of who has read is noise. */
const NAMED_READERS = 12;

/**
 * @typedef {object} Scene
 * @property {RoomState} room
 * @property {readonly Post[]} posts
 * @property {People} people
 * @property {string} me
 * @property {string} myName
 * @property {number | undefined} markerAfter the last seq above the "new messages" line
 * @property {Date} now
 */

/**
 * @param {Scene} scene
 * @returns {Row[]}
 */
export function rowsOf(scene) {
  const { room, posts, markerAfter, me } = scene;
  /** @type {Row[]} */
  const rows = [{ kind: "edge", key: "edge", complete: room.timeline.complete }];
  let marked = markerAfter === undefined;
  let day = "";
  for (const item of room.timeline.items) {
    const at = new Date(item.kind === "message" ? item.message.at : item.entry.at);
    day = separateDays(rows, day, at, scene.now);
    if (item.kind === "note") {
      rows.push({ kind: "note", key: `s${item.seq}`, text: noteText(item, scene) });
      continue;
    }
    if (!marked && item.seq > (markerAfter ?? 0) && item.message.from.user !== me) {
      marked = true;
      rows.push({ kind: "marker", key: "marker" });
    }
    rows.push(messageRow(item.message, rows.at(-1), scene));
  }
  for (const post of posts) {
    day = separateDays(rows, day, new Date(post.at), scene.now);
    rows.push(postRow(post, rows.at(-1), scene));
  }
  return rows;
}

/**
 * @param {Row[]} rows
 * @param {string} day the day of the row before
 * @param {Date} at
 * @param {Date} now
 */
function separateDays(rows, day, at, now) {
  const today = dayKey(at);
  if (today !== day) rows.push({ kind: "day", key: `d${today}`, label: dayName(at, now) });
  return today;
}

/**
 * @param {Message} message
 * @param {Row | undefined} above
 * @param {Scene} scene
 * @returns {MessageRow}
 */
function messageRow(message, above, scene) {
  const own = message.from.user === scene.me;
  const at = Date.parse(message.at);
  const { marks } = scene.room;
  const readers = own && marks.size <= NAMED_READERS ? scene.room.readers(message.seq) : [];
  return {
    kind: "message",
    key: own && message.nonce !== undefined ? message.nonce : `s${message.seq}`,
    seq: message.seq,
    nonce: undefined,
    author: displayName(message.from),
    authorId: message.from.user,
    text: message.text,
    at,
    own,
    first: startsRun(above, message.from.user, at),
    quote: quoteOf(message.reply_to, scene),
    state: own ? deliveryOf(message.seq, scene.room) : undefined,
    problem: undefined,
    readers: readers.map((user) => scene.people.nameOf(user)),
  };
}

/**
 * @param {Post} post
 * @param {Row | undefined} above
 * @param {Scene} scene
 * @returns {MessageRow}
 */
function postRow(post, above, scene) {
  return {
    kind: "message",
    key: post.nonce,
    seq: undefined,
    nonce: post.nonce,
    author: scene.myName,
    authorId: scene.me,
    text: post.text,
    at: post.at,
    own: true,
    first: startsRun(above, scene.me, post.at),
    quote: quoteOf(post.reply_to, scene),
    state: post.state,
    problem: post.problem,
    readers: [],
  };
}

/**
 * @param {Row | undefined} above
 * @param {string} author
 * @param {number} at
 */
function startsRun(above, author, at) {
  return above?.kind !== "message" || above.authorId !== author || at - above.at > RUN;
}

/**
 * @param {number} seq
 * @param {RoomState} room
 * @returns {Delivery}
 */
function deliveryOf(seq, { farthest }) {
  if (farthest.read >= seq) return "read";
  return farthest.received >= seq ? "received" : "sent";
}

/**
 * @param {number | undefined} seq
 * @param {Scene} scene
 * @returns {Quote | undefined}
 */
function quoteOf(seq, { room }) {
  if (seq === undefined) return undefined;
  const message = room.timeline.message(seq) ?? room.quotes.get(seq);
  if (!message) return { seq, author: "", text: "An earlier message" };
  return { seq, author: displayName(message.from), text: excerpt(message.text) };
}

/** @param {string} text */
export function excerpt(text) {
  const line = [...text.replace(/\s+/gu, " ").trim()];
  return line.length > QUOTE_CHARACTERS ? `${line.slice(0, QUOTE_CHARACTERS).join("")}…` : line.join("");
}

/**
 * @param {NoteItem} item
 * @param {Scene} scene
 */
function noteText({ entry }, { people, me }) {
  const nameOf = (/** @type {string} */ user) => (user === me ? "You" : people.nameOf(user));
  switch (entry.op) {
    case "joined":
      return entry.by !== undefined && entry.by !== entry.user.user
        ? `${nameOf(entry.by)} added ${entry.user.user === me ? "you" : displayName(entry.user)}`
        : `${nameOf(entry.user.user)} joined`;
    case "left":
      return entry.by !== undefined && entry.by !== entry.user
        ? `${nameOf(entry.by)} removed ${nameOf(entry.user)}`
        : `${nameOf(entry.user)} left`;
    case "room":
      if (entry.user !== undefined && entry.role !== undefined) return `${nameOf(entry.user)}: ${entry.role} now`;
      if (entry.user !== undefined || entry.quiet_until !== undefined) return "Who may post here was changed";
      return entry.info.name === undefined ? "The room was changed" : `The room is now called ${entry.info.name}`;
  }
}
