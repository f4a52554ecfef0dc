/**
 * What a room asks the server for by itself: missing entries, older pages, quoted messages, who is there.
 *
 * At most one question of a kind is open a room, and a refused one may be asked again.
 */

/** @import { Commands } from "./commands.js" */
/** @import { RoomState } from "./room.js" */
import { HISTORY_LIMIT, LOG_LIMIT, MEMBERS_LIMIT } from "./protocol.js";

/** @typedef {"history" | "log" | "members"} Question */

export class Questions {
  /** @param {Commands} commands */
  constructor(commands) {
    this.commands = commands;
  }

  /** The entries between what is here and where the log is known to be. @param {RoomState} state */
  log(state) {
    if (state.behind) this.#ask(state, "log", { after: state.timeline.seen, limit: LOG_LIMIT });
  }

  /**
   * The page of history before what is loaded.
   *
   * @param {RoomState} state
   * @param {number} limit
   */
  history(state, limit) {
    const { complete, start } = state.timeline;
    if (!complete) this.#ask(state, "history", { before: start, limit: Math.min(Math.round(limit), HISTORY_LIMIT) });
  }

  /** @param {RoomState} state */
  members(state) {
    if (this.#ask(state, "members", { limit: MEMBERS_LIMIT })) state.membersStale = false;
  }

  /**
   * One message from before what is loaded, to show what a reply answers.
   *
   * @param {RoomState} state
   * @param {number} seq
   */
  quote(state, seq) {
    if (state.quotes.has(seq)) return;
    const said = this.commands.say("history", { room: state.id, before: seq + 1, limit: 1 }, { quote: seq });
    if (said !== undefined) state.quotes.set(seq, undefined);
  }

  /**
   * @param {RoomState} state
   * @param {Question} question
   * @param {number | undefined} quote
   */
  refused(state, question, quote) {
    if (quote === undefined) state.asking[question] = false;
    else state.quotes.delete(quote);
  }

  /**
   * @param {RoomState} state
   * @param {Question} question
   * @param {Record<string, unknown>} fields
   * @returns {boolean} whether it was asked
   */
  #ask(state, question, fields) {
    if (state.asking[question]) return false;
    state.asking[question] = this.commands.say(question, { room: state.id, ...fields }) !== undefined;
    return state.asking[question];
  }
}

/**
 * @param {string} op
 * @returns {op is Question}
 */
export function isQuestion(op) {
  return op === "history" || op === "log" || op === "members";
}
