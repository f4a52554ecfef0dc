/**
 * Tells screen readers what arrives. One polite live region for the whole page: a list of messages that announced
 * its own changes would read out every page of history.
 */

import { h } from "./element.js";

const TOGETHER = 500;
const MOST = 3;
const STAYS = 10_000;

export class Announcer {
  /** @type {string[]} */
  #waiting = [];
  /** @type {number | undefined} */
  #timer;

  constructor() {
    this.element = h("div", {
      class: "sr-only",
      id: "announcer",
      role: "log",
      "aria-live": "polite",
      "aria-label": "New messages",
    });
  }

  /** @param {string} words */
  say(words) {
    this.#waiting.push(words);
    this.#timer ??= setTimeout(() => this.#speak(), TOGETHER);
  }

  close() {
    clearTimeout(this.#timer);
  }

  #speak() {
    this.#timer = undefined;
    const words = this.#waiting.splice(0);
    const lines = words.length > MOST ? [`${words.length} new messages`] : words;
    for (const line of lines) {
      const spoken = h("p", {}, line);
      this.element.append(spoken);
      setTimeout(() => spoken.remove(), STAYS);
    }
  }
}
