/**
 * One row of the list of messages as an element. What it shows is decided in rows.js.
 */

/** @import { IconName } from "./element.js" */
/** @import { DayRow, EdgeRow, MarkerRow, MessageRow, Row } from "../rows.js" */
import { fullTimeOf, timeOf } from "../dates.js";
import { linkify } from "../text.js";
import { avatar } from "./avatar.js";
import { h, icon, iconButton } from "./element.js";

/**
 * @typedef {object} RowActions
 * @property {(seq: number) => void} reply
 * @property {(seq: number) => void} showQuoted
 * @property {(nonce: string) => void} retry
 * @property {(nonce: string) => void} discard
 */

/** @type {Record<string, { icon: IconName, label: string }>} */
const STATES = {
  waiting: { icon: "clock", label: "Waiting to be sent" },
  sending: { icon: "clock", label: "Sending" },
  accepted: { icon: "check", label: "Sent" },
  sent: { icon: "check", label: "Sent" },
  received: { icon: "checks", label: "Delivered" },
  read: { icon: "checks", label: "Read" },
  failed: { icon: "alert", label: "Not sent" },
};

/**
 * @param {Row} row
 * @param {RowActions} actions
 * @returns {HTMLLIElement}
 */
export function renderRow(row, actions) {
  switch (row.kind) {
    case "edge":
      return edge(row);
    case "day":
      return day(row);
    case "marker":
      return marker(row);
    case "note":
      return h("li", { class: "note", tabindex: -1 }, h("span", { dir: "auto" }, row.text));
    case "message":
      return message(row, actions);
  }
}

/** @param {EdgeRow} row */
function edge({ complete }) {
  return h(
    "li",
    { class: "edge", tabindex: -1 },
    complete ? "This is where the conversation begins." : "Loading earlier messages…",
  );
}

/** @param {DayRow} row */
function day({ label }) {
  return h("li", { class: "day" }, h("span", {}, label));
}

/** @param {MarkerRow} _row */
function marker(_row) {
  return h("li", { class: "marker" }, h("span", {}, "New messages"));
}

/**
 * @param {MessageRow} row
 * @param {RowActions} actions
 */
function message(row, actions) {
  const { own, first, quote, seq, state } = row;
  const classes = ["message", own ? "own" : "other", first && "first", state === "failed" && "failed"];
  const bubble = h(
    "div",
    { class: "bubble" },
    h("p", { class: first && !own ? "author" : "sr-only" }, h("bdi", {}, own ? "You" : row.author)),
    quote && quoteButton(quote, actions),
    h("span", { class: "text", dir: "auto" }, ...linkify(row.text).map(piece)),
    h("span", { class: "meta" }, time(row.at), stateSign(row)),
  );
  return h(
    "li",
    { class: classes.filter(Boolean).join(" "), tabindex: -1, "data-seq": seq },
    !own && (first ? avatar(row.authorId, row.author) : h("span", { class: "avatar-gap" })),
    h("div", { class: "body" }, bubble, state === "failed" && failure(row, actions)),
    seq !== undefined &&
      iconButton("Reply", "reply", { class: "icon-button act", tabindex: -1, onclick: () => actions.reply(seq) }),
  );
}

/**
 * @param {{ text: string, href?: string }} piece
 * @returns {Node | string}
 */
function piece({ text, href }) {
  if (href === undefined) return text;
  return h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", tabindex: -1 }, text);
}

/** @param {number} milliseconds */
function time(milliseconds) {
  const at = new Date(milliseconds);
  return h("time", { datetime: at.toISOString(), title: fullTimeOf(at) }, timeOf(at));
}

/** @param {MessageRow} row */
function stateSign({ state, readers }) {
  const sign = state && STATES[state];
  if (!sign) return undefined;
  const label = readers.length > 0 ? `${sign.label} by ${readers.join(", ")}` : sign.label;
  const words = h("span", { class: state === "waiting" ? "" : "sr-only" }, label);
  return h("span", { class: `state ${state}`, title: label }, words, icon(sign.icon));
}

/**
 * @param {NonNullable<MessageRow["quote"]>} quote
 * @param {RowActions} actions
 */
function quoteButton({ seq, author, text }, actions) {
  return h(
    "button",
    { type: "button", class: "quote", tabindex: -1, onclick: () => actions.showQuoted(seq) },
    h("span", { class: "sr-only" }, "In reply to "),
    author !== "" && h("bdi", { class: "quote-author" }, author),
    h("span", { class: "quote-text", dir: "auto" }, text),
  );
}

/**
 * @param {MessageRow} row
 * @param {RowActions} actions
 */
function failure({ nonce = "", problem }, actions) {
  return h(
    "p",
    { class: "failure" },
    h("span", {}, `Not sent: ${problem ?? "refused"}`),
    h("button", { type: "button", class: "link", onclick: () => actions.retry(nonce) }, "Try again"),
    h("button", { type: "button", class: "link", onclick: () => actions.discard(nonce) }, "Delete"),
  );
}
