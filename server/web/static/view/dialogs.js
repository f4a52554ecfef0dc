/**
 * Questions that interrupt: a native modal dialog each, so focus, Escape and the rest of the page behave.
 *
 * A dialog with a form stays open until what it asked for has happened, and shows in words why it has not.
 */

import { fill, h, iconButton } from "./element.js";

/** @import { Child } from "./element.js" */

/**
 * @param {string} title
 * @param {...Child} content
 */
function open(title, ...content) {
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    h(
      "header",
      {},
      h("h2", { id: "dialog-title" }, title),
      iconButton("Close", "close", { onclick: () => dialog.close() }),
    ),
    ...content,
  );
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Whoever is signed out has no questions open. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

/**
 * @typedef {object} FormDialog
 * @property {string} title
 * @property {Child[]} content
 * @property {HTMLButtonElement} submit
 * @property {() => Promise<void>} act rejects with what to show
 */

/** @param {FormDialog} form */
export function openForm({ title, content, submit, act }) {
  const problem = h("p", { class: "problem", role: "alert" });
  const cancel = h("button", { type: "button", class: "plain", onclick: () => dialog.close() }, "Cancel");
  const form = h("form", { novalidate: true, onsubmit }, ...content, problem, h("footer", {}, cancel, submit));
  const dialog = open(title, form);
  form.querySelector("input")?.focus();
  return dialog;

  /** @param {SubmitEvent} event */
  async function onsubmit(event) {
    event.preventDefault();
    problem.textContent = "";
    submit.disabled = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      submit.disabled = false;
    }
  }
}

/**
 * @param {string} title
 * @param {string} question
 * @param {string} yes
 * @param {() => Promise<void>} act
 */
export function openConfirm(title, question, yes, act) {
  const submit = h("button", { type: "submit", class: "primary danger" }, yes);
  openForm({ title, content: [h("p", {}, question)], submit, act });
  submit.focus();
}

/** @type {[string, string][]} */
const KEYS = [
  ["Enter", "send the message"],
  ["Shift + Enter", "break the line"],
  ["↑ in an empty message", "go to the messages"],
  ["↑ ↓ Home End", "move between messages, or between rooms"],
  ["Enter or R on a message", "reply to it"],
  ["Esc", "back to writing; leave a reply"],
  ["Alt + ↑ or ↓", "previous or next room"],
  ["Alt + Shift + ↑ or ↓", "previous or next room with something unread"],
];

export function openKeys() {
  const table = h("dl", { class: "keys" });
  fill(table, ...KEYS.flatMap(([keys, does]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, does)]));
  open("Keyboard", table);
}
