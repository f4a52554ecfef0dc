/** One line of news that needs no answer and goes away by itself. */

import { fill, h, iconButton } from "./element.js";

const STAYS = 8_000;

export class Toast {
  /** @type {number | undefined} */
  #timer;

  constructor() {
    this.element = h("div", { class: "toast-slot", role: "status" });
  }

  /** @param {string} words */
  show(words) {
    clearTimeout(this.#timer);
    const close = iconButton("Dismiss", "close", { onclick: () => this.clear() });
    fill(this.element, h("div", { class: "toast" }, h("span", { dir: "auto" }, words), close));
    this.#timer = setTimeout(() => this.clear(), STAYS);
  }

  clear() {
    clearTimeout(this.#timer);
    fill(this.element);
  }
}
