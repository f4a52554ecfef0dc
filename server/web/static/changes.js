/**
 * What becomes of a message after it was posted: edits and deletions, as far as this page shows them.
 *
 * A deleted message is a tombstone without a text. The page shows a note in its place, so that nothing else has to
 * ask whether there is a text.
 */

/** @import { DeletedEntry, EditedEntry, Message } from "./protocol.js" */

const GONE = "(This message was deleted)";

/**
 * A message as it is shown.
 *
 * @template {Message} M
 * @param {M} message as the server told it
 * @returns {M}
 */
export function present(message) {
  return message.deleted ? { ...message, text: GONE } : message;
}

/**
 * @param {Message} message
 * @param {EditedEntry | DeletedEntry} entry about this message
 * @returns {Message}
 */
export function changed(message, entry) {
  if (entry.op === "deleted") return present({ ...message, deleted: true });
  if (message.deleted || entry.text === undefined) return message;
  return { ...message, text: entry.text };
}
