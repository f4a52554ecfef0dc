/**
 * What the conversation tells its shell. `timeline`, `rooms` and `people` say that state changed; the others carry
 * what the state does not show.
 *
 * `pause`: call `again` after so many ms. `unsent`: the outbox changed. `arrived`: somebody else's message.
 */

/** @import { ErrorReply, Message, Ok } from "./protocol.js" */

/**
 * @typedef {{ type: "welcome", heartbeat: number }
 *   | { type: "rooms" }
 *   | { type: "timeline", room: string }
 *   | { type: "people" }
 *   | { type: "arrived", room: string, message: Message }
 *   | { type: "removed", room: string, name: string, by: string | undefined }
 *   | { type: "reply", id: number, frame: Ok | ErrorReply }
 *   | { type: "unsent" }
 *   | { type: "pause", room: string, after: number }
 *   | { type: "heartbeat", every: number }
 *   | { type: "reconnect", after: number, window: number }} ConversationEvent
 */

export {};
