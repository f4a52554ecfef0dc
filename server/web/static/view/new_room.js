/** Starting something: a channel, a group, a talk with one person, or joining a channel that is there. */

/** @import { Ok } from "../protocol.js" */
import { CommandRefused } from "../client.js";
import { freshNonce } from "../nonce.js";
import { openForm } from "./dialogs.js";
import { h } from "./element.js";

/** @typedef {(op: string, fields: Record<string, unknown>) => Promise<Ok>} Ask */
/** @typedef {"join" | "channel" | "group" | "dm"} Purpose */

/** @type {Record<Purpose, { label: string, hint: string, button: string }>} */
const PURPOSES = {
  dm: { label: "Direct message", hint: "with one person", button: "Start writing" },
  group: { label: "Group", hint: "by invitation", button: "Create group" },
  channel: { label: "New channel", hint: "anyone may join", button: "Create channel" },
  join: { label: "Join a channel", hint: "by its name", button: "Join" },
};

/**
 * @param {Ask} ask
 * @param {(room: string) => void} opened
 */
export function openNewRoom(ask, opened) {
  /** @type {Purpose} */
  let purpose = "dm";
  let lastWanted = "";
  let nonce = freshNonce();
  const name = h("input", {
    id: "room-name",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    maxlength: 64,
  });
  const people = h("input", {
    id: "room-people",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-describedby": "people-hint",
  });
  const nameLabel = h("label", { for: "room-name" });
  const peopleLabel = h("label", { for: "room-people" });
  const peopleHint = h("p", { id: "people-hint", class: "hint" });
  const nameField = h("div", { class: "field" }, nameLabel, name);
  const peopleField = h("div", { class: "field" }, peopleLabel, people, peopleHint);
  const submit = h("button", { type: "submit", class: "primary" });
  const choices = h(
    "fieldset",
    { class: "choices" },
    h("legend", { class: "sr-only" }, "What to start"),
    ...Object.keys(PURPOSES).map((key) => choice(/** @type {Purpose} */ (key))),
  );
  name.addEventListener("input", () => {
    if (purpose === "channel" || purpose === "join") name.value = channelName(name.value);
  });
  show();
  openForm({ title: "New conversation", content: [choices, nameField, peopleField], submit, act });

  /** @param {Purpose} key */
  function choice(key) {
    const { label, hint } = PURPOSES[key];
    const onchange = () => {
      purpose = key;
      show();
    };
    const input = h("input", { type: "radio", name: "purpose", value: key, checked: key === purpose, onchange });
    return h(
      "label",
      { class: "choice" },
      input,
      h("span", { class: "words" }, h("span", { class: "name" }, label), h("span", { class: "hint" }, hint)),
    );
  }

  function show() {
    submit.textContent = PURPOSES[purpose].button;
    nameField.hidden = purpose === "dm";
    peopleField.hidden = purpose === "join";
    nameLabel.textContent = purpose === "group" ? "Name of the group" : "Name of the channel";
    peopleLabel.textContent = purpose === "dm" ? "Name of the person" : "People to add (optional)";
    peopleHint.textContent =
      purpose === "dm" ? "The name they sign in with." : "Sign-in names, separated by spaces or commas.";
  }

  async function act() {
    const fields = wanted();
    const ok =
      purpose === "join" ? await ask("join", fields) : await ask("create_room", { ...fields, nonce: nonceFor(fields) });
    if (ok.room !== undefined) opened(ok.room);
  }

  function wanted() {
    const members = peopleNames(people.value);
    const called = name.value.trim();
    if (purpose === "dm") {
      if (members.length !== 1) throw new Error("Please enter the name of one person.");
      return { kind: "dm", members };
    }
    if (called === "") throw new Error("Please enter a name.");
    return purpose === "join" ? { name: channelName(called) } : { kind: purpose, name: called, members };
  }

  /** The same wish repeated keeps its nonce, so that a lost answer never makes two rooms. */
  function nonceFor(/** @type {unknown} */ fields) {
    const now = JSON.stringify(fields);
    if (now !== lastWanted) nonce = freshNonce();
    lastWanted = now;
    return nonce;
  }
}

/**
 * @param {Ask} ask
 * @param {string} room
 * @param {string} roomTitle
 */
export function openInvite(ask, room, roomTitle) {
  const people = h("input", {
    id: "invite-people",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-describedby": "invite-hint",
  });
  const submit = h("button", { type: "submit", class: "primary" }, "Add");
  const hint = h("p", { id: "invite-hint", class: "hint" }, "Sign-in names, separated by spaces or commas.");
  const field = h("div", { class: "field" }, h("label", { for: "invite-people" }, "Who should join?"), people, hint);
  openForm({ title: `Add people to ${roomTitle}`, content: [field], submit, act });

  async function act() {
    const names = peopleNames(people.value);
    if (names.length === 0) throw new Error("Please enter a name.");
    const refused = [];
    for (const name of names) {
      const reason = await ask("invite", { room, user: name }).then(() => undefined, reasonOf);
      if (reason !== undefined) refused.push({ name, reason });
    }
    people.value = refused.map(({ name }) => name).join(", ");
    if (refused.length > 0) throw new Error(refused.map(({ name, reason }) => `${name}: ${reason}`).join("; "));
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof CommandRefused) return error.message;
  throw error;
}

/** @param {string} typed */
function peopleNames(typed) {
  return [
    ...new Set(
      typed
        .toLowerCase()
        .split(/[\s,;]+/u)
        .map((name) => name.replace(/^@/u, "")),
    ),
  ].filter(Boolean);
}

/** @param {string} typed */
function channelName(typed) {
  return typed.toLowerCase().replace(/^#/u, "").replace(/\s+/gu, "-");
}
