/**
 * How the connection is, while it is not well. Nothing is shown while it is, and nothing for the blink of an eye
 * that a normal reconnect takes.
 */

/** @import { ConnectionState } from "../connection.js" */
import { fill, h } from "./element.js";

const PATIENCE = 700;

export class Banner {
  /** @type {number | undefined} */
  #timer;
  #shown = "";

  /** @param {() => void} retry */
  constructor(retry) {
    this.retry = retry;
    this.element = h("div", { class: "banner", role: "status", hidden: true });
  }

  /** @param {ConnectionState} state */
  show(state) {
    if (state.name === "open") return this.#clear();
    if (state.name === "stopped")
      return this.#say("stopped", `Disconnected: ${state.reason || "the server ended the connection"}.`);
    this.#timer ??= setTimeout(() => this.#say("offline", offlineInWords()), PATIENCE);
    return undefined;
  }

  close() {
    clearTimeout(this.#timer);
  }

  #clear() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#shown = "";
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  /**
   * @param {string} kind
   * @param {string} words
   */
  #say(kind, words) {
    if (this.#shown === words) return;
    this.#shown = words;
    this.element.hidden = false;
    this.element.className = `banner ${kind}`;
    const button = h("button", { type: "button", class: "link", onclick: this.retry }, "Try now");
    fill(this.element, h("span", { class: "pulse", "aria-hidden": "true" }), h("span", {}, words), button);
  }
}

function offlineInWords() {
  const where = navigator.onLine ? "No connection to the server." : "You are offline.";
  return `${where} Trying again by itself; what you write is sent then.`;
}
