/**
 * Where messages are written. Enter sends, Shift-Enter breaks the line, and neither does while an input method is
 * composing. Every keystroke is kept as a draft, so a reload costs nothing.
 */

/** @import { Draft } from "../storage.js" */
import { TEXT_CODE_POINTS } from "../protocol.js";
import { codePoints, isBlank } from "../text.js";
import { fill, h, icon, iconButton } from "./element.js";

/** From here on the writer is told how much room is left. */
const COUNT_FROM = TEXT_CODE_POINTS - 200;
/** Safari ends a composition before the Enter that ended it; only this old key code still tells. */
const COMPOSING_KEY_CODE = 229;

/**
 * @typedef {object} ComposerHost
 * @property {(text: string, replyTo: number | undefined) => void} send
 * @property {() => void} typing
 * @property {(draft: Draft) => void} keep
 * @property {(seq: number) => { author: string, text: string }} quote
 * @property {() => void} toMessages
 */

export class Composer {
  /** @type {number | undefined} */
  #replyTo;

  /**
   * @param {ComposerHost} host
   * @param {string} label
   * @param {Draft} draft
   */
  constructor(host, label, draft) {
    this.host = host;
    this.#replyTo = draft.reply_to;
    this.input = h("textarea", {
      id: "composer-input",
      rows: 1,
      placeholder: label,
      "aria-label": label,
      autocomplete: "off",
      dir: "auto",
      enterkeyhint: "send",
      "aria-describedby": "composer-count",
    });
    this.input.value = draft.text;
    this.reply = h("div", { class: "reply-bar", hidden: true });
    this.count = h("p", { id: "composer-count", class: "count", role: "status" });
    this.button = h(
      "button",
      { type: "submit", class: "send", "aria-label": "Send", title: "Send (Enter)" },
      icon("send"),
    );
    this.element = h(
      "form",
      { class: "composer", onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      this.reply,
      h("div", { class: "composer-row" }, this.input, this.button),
      this.count,
    );
    this.input.addEventListener("input", () => this.#changed(true));
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.resized = new ResizeObserver(() => this.#fit());
    this.resized.observe(this.element);
    this.#changed(false);
  }

  close() {
    this.resized.disconnect();
  }

  focus() {
    this.input.focus({ preventScroll: true });
  }

  /** @param {number | undefined} seq */
  replyTo(seq) {
    this.#replyTo = seq;
    this.#changed(false);
    this.focus();
  }

  /** What a reply answers may be learnt later than the draft. */
  update() {
    this.reply.hidden = this.#replyTo === undefined;
    if (this.#replyTo === undefined) return;
    const { author, text } = this.host.quote(this.#replyTo);
    const label = author === "" ? "Replying" : `Replying to ${author}`;
    if (this.reply.dataset["shown"] === label + text) return;
    this.reply.dataset["shown"] = label + text;
    fill(
      this.reply,
      h("p", { class: "reply-to" }, h("strong", { dir: "auto" }, label), h("span", { dir: "auto" }, text)),
      iconButton("Do not reply", "close", { onclick: () => this.replyTo(undefined) }),
    );
  }

  /** @param {boolean} typed */
  #changed(typed) {
    const text = this.input.value;
    const length = text.length < COUNT_FROM ? text.length : codePoints(text);
    const left = TEXT_CODE_POINTS - length;
    this.count.textContent = length < COUNT_FROM ? "" : leftInWords(left);
    this.count.classList.toggle("over", left < 0);
    this.button.disabled = isBlank(text) || left < 0;
    this.host.keep({ text, reply_to: this.#replyTo });
    if (typed && !isBlank(text)) this.host.typing();
    this.update();
    this.#fit();
  }

  /** Grows with the text; the style sheet says how far. */
  #fit() {
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight + this.input.offsetHeight - this.input.clientHeight}px`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing || event.keyCode === COMPOSING_KEY_CODE) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.element.requestSubmit();
    } else if (event.key === "Escape" && this.#replyTo !== undefined) {
      this.replyTo(undefined);
    } else if (event.key === "ArrowUp" && this.input.value === "") {
      event.preventDefault();
      this.host.toMessages();
    }
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.input.value;
    if (isBlank(text) || codePoints(text) > TEXT_CODE_POINTS) return;
    const replyTo = this.#replyTo;
    this.#replyTo = undefined;
    this.input.value = "";
    this.#changed(false);
    this.focus();
    this.host.send(text, replyTo);
  }
}

/** @param {number} left */
function leftInWords(left) {
  return left < 0 ? `${-left} characters too many` : `${left} characters left`;
}
