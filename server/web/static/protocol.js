/**
 * The wire contract as the page sees it: the shapes of docs/protocol.md, its numbers, its close codes.
 *
 * Only types and tables stand here; what to do about a frame is decided in conversation.js. Frames of ops that
 * nobody here knows are ignored by the reader, so that a newer server can talk to an older page.
 */

/** @typedef {"online" | "away" | "busy" | "offline"} Status */
/** @typedef {"channel" | "group" | "dm"} RoomKind */

/**
 * @typedef {object} User
 * @property {string} user
 * @property {string | null} name
 * @property {string} [display_name]
 * @property {Status} [status]
 * @property {string} [last_seen]
 */

/**
 * @typedef {object} Room
 * @property {string} room
 * @property {string} log
 * @property {RoomKind} kind
 * @property {string} [name]
 * @property {string} [topic]
 * @property {number} members
 * @property {number} last_seq
 * @property {number} read_seq
 * @property {string} role
 * @property {number} unread
 * @property {number} mentions
 * @property {User} [peer]
 */

/**
 * @typedef {object} Member
 * @property {User} user
 * @property {string} role
 * @property {string} joined_at
 * @property {number} [read_seq]
 */

/**
 * @typedef {object} Message
 * @property {number} seq
 * @property {string} room
 * @property {User} from
 * @property {string} text
 * @property {string} at
 * @property {string} [nonce]
 * @property {number} [reply_to]
 * @property {boolean} [deleted] then it has no text, until changes.js gives it one to show
 */

/** @typedef {{ code: string, message: string, retry_after?: number }} Refusal */

/** @typedef {{ op: "message" } & Message} MessageEntry */
/** @typedef {{ op: "edited", room: string, seq: number, target: number, text?: string, by: string }} EditedEntry */
/** @typedef {{ op: "deleted", room: string, seq: number, target: number, by: string }} DeletedEntry */
/** @typedef {{ op: "joined", room: string, seq: number, user: User, at: string, by?: string }} JoinedEntry */
/** @typedef {{ op: "left", room: string, seq: number, user: string, at: string, by?: string, reason?: string }} LeftEntry */
/** @typedef {{ name?: string, topic?: string }} RoomInfo */
/** @typedef {{ op: "room", room: string, seq: number, info: RoomInfo, at: string, by: string, user?: string, role?: string, muted_until?: string, quiet_until?: string }} RoomEntry */
/** @typedef {MessageEntry | EditedEntry | DeletedEntry | JoinedEntry | LeftEntry | RoomEntry} Entry */

/**
 * The answer to a command that was done; which fields it carries depends on the command.
 *
 * @typedef {object} Ok
 * @property {"ok"} op
 * @property {number} [id]
 * @property {string} [room]
 * @property {number} [seq]
 * @property {string} [at]
 * @property {boolean} [duplicate]
 * @property {Room} [info]
 * @property {Message[]} [messages]
 * @property {Entry[]} [entries]
 * @property {number} [from]
 * @property {number} [to]
 * @property {boolean} [more]
 * @property {Member[]} [members]
 * @property {string} [next]
 * @property {Room[]} [rooms]
 */

/** @typedef {{ op: "error", id?: number } & Refusal} ErrorReply */

/**
 * @typedef {object} Welcome
 * @property {"welcome"} op
 * @property {User} me
 * @property {string} session
 * @property {number} heartbeat
 * @property {Room[]} rooms
 */

/**
 * @typedef {object} Resumed
 * @property {"resumed"} op
 * @property {string} room
 * @property {boolean} recovered
 * @property {number} last_seq
 */

/** @typedef {{ op: "receipt", room: string, user: string, received?: number, read?: number }} Receipt */
/** @typedef {{ op: "typing", room: string, user: string }} Typing */
/** @typedef {{ op: "presence", user: string, status: Status, last_seen?: string }} Presence */
/** @typedef {{ op: "room_stats", room: string, members: number, online?: number }} RoomStats */
/** @typedef {{ op: "heartbeat", every: number }} Heartbeat */
/** @typedef {{ op: "reconnect", after: number, window: number }} Reconnect */
/** @typedef {{ op: "pong", id?: number }} Pong */

/**
 * @typedef {Ok | ErrorReply | Pong | Welcome | Resumed | Entry | Receipt | Typing | Presence | RoomStats
 *   | Heartbeat | Reconnect} ServerFrame
 */

/** @typedef {{ op: string, id?: number } & Record<string, unknown>} ClientFrame */

export const SUBPROTOCOL = "hubbub.v1.json";
export const TEXT_CODE_POINTS = 4_000;
export const RESUME_ROOMS = 500;
/** A hello may have 4 KiB before its token was seen to be good; what does not fit is caught up from the log. */
export const HELLO_BYTES = 4_000;
export const REPLAY_PER_ROOM = 1_000;
export const HISTORY_LIMIT = 200;
export const LOG_LIMIT = 500;
export const MEMBERS_LIMIT = 200;
/** Every command is answered within 10 s; past this, the connection is what failed. */
export const REPLY_DEADLINE = 12_000;
/** At most one `typing` in 3 s is passed on, and it fades after 5 s. */
export const TYPING_EVERY = 3_000;
export const TYPING_FADES = 5_000;

const TOKEN_REVOKED = 4500;
const BAD_TOKEN = 4501;
const FLOODING = 4503;
const FLOODING_PAUSE = 60_000;

/**
 * What a close code asks of the page.
 *
 * @param {number} code
 * @returns {{ then: "reconnect", after: number } | { then: "sign-out" } | { then: "stop" }}
 */
export function afterClose(code) {
  if (code === TOKEN_REVOKED || code === BAD_TOKEN) return { then: "sign-out" };
  if (code === FLOODING) return { then: "reconnect", after: FLOODING_PAUSE };
  if (code === 1000 || (code >= 4500 && code <= 4999)) return { then: "stop" };
  return { then: "reconnect", after: 0 };
}
