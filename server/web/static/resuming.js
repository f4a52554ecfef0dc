/**
 * Coming back to where one was: which rooms the hello names, and which of the others can be caught up. Pure.
 */

/** @import { Room } from "./protocol.js" */
/** @import { RoomState } from "./room.js" */
import { HELLO_BYTES, REPLAY_PER_ROOM, RESUME_ROOMS } from "./protocol.js";

/** @typedef {{ log: string, seq: number }} Cursor */

/**
 * As many rooms as the hello has room for, the one somebody looks at first. The others are caught up from their
 * logs after the welcome.
 *
 * @param {Iterable<RoomState>} rooms
 * @param {string | undefined} watched
 * @param {string} token
 * @returns {Record<string, Cursor>}
 */
export function cursorsThatFit(rooms, watched, token) {
  /** @type {Record<string, Cursor>} */
  const resume = {};
  let bytes = JSON.stringify({ op: "hello", token, resume }).length;
  const loaded = [...rooms].filter(({ timeline }) => timeline.loaded);
  loaded.sort((a, b) => Number(b.id === watched) - Number(a.id === watched));
  for (const { id, timeline } of loaded.slice(0, RESUME_ROOMS)) {
    const cursor = { log: timeline.log, seq: timeline.seen };
    bytes += JSON.stringify({ [id]: cursor }).length;
    if (bytes > HELLO_BYTES) break;
    resume[id] = cursor;
  }
  return resume;
}

/**
 * Whether what is loaded of a room can be joined up with where its log is now, at a price worth paying.
 *
 * @param {RoomState} state
 * @param {Room} info
 */
export function canCatchUp({ timeline }, info) {
  const missing = info.last_seq - timeline.seen;
  return timeline.log === info.log && timeline.loaded && missing >= 0 && missing <= REPLAY_PER_ROOM;
}
