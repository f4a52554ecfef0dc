/** What a room is called, and what its kind looks like: pure. */

/** @import { Room } from "./protocol.js" */
import { displayName } from "./people.js";

/** @param {Room} info */
export function roomName(info) {
  if (info.peer) return displayName(info.peer);
  return info.name ?? "Unnamed";
}

/**
 * With the sign people know channels by.
 *
 * @param {Room} info
 */
export function roomTitle(info) {
  return info.kind === "channel" ? `#${roomName(info)}` : roomName(info);
}
