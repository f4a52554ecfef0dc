/**
 * The front door: one form that signs in or signs up.
 *
 * What the server says is wrong is shown in its words beside the form, and announced.
 */

/** @import { Account } from "../api.js" */
import { ApiError, login, register } from "../api.js";
import { fill, h } from "./element.js";

const WORDS = {
  "sign-in": { title: "Sign in", button: "Sign in", other: "New here?", switch: "Create an account" },
  "sign-up": { title: "Create your account", button: "Sign up", other: "Have an account?", switch: "Sign in instead" },
};

/** @typedef {keyof typeof WORDS} Mode */

/**
 * @param {HTMLElement} root
 * @param {string | undefined} notice why somebody finds themselves here
 * @param {(account: Account) => void} entered
 */
export function showEntry(root, notice, entered) {
  /** @type {Mode} */
  let mode = "sign-in";
  const title = h("h1", { id: "entry-title" });
  const name = h("input", {
    id: "name",
    name: "username",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
    maxlength: 32,
    pattern: "[a-z0-9_.\\-]+",
    "aria-describedby": "name-hint",
  });
  const displayName = h("input", { id: "display-name", name: "name", autocomplete: "name", maxlength: 64 });
  const displayField = field("Shown as (optional)", displayName);
  const password = h("input", {
    id: "password",
    name: "password",
    type: "password",
    required: true,
    maxlength: 1024,
    "aria-describedby": "password-hint",
  });
  const nameHint = h("p", { id: "name-hint", class: "hint" }, "Lower-case letters, digits and _ . -");
  const passwordHint = h("p", { id: "password-hint", class: "hint" }, "At least 8 characters");
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { class: "primary", type: "submit" });
  const otherWords = h("span");
  const other = h("button", {
    class: "link",
    type: "button",
    onclick: () => show(mode === "sign-in" ? "sign-up" : "sign-in"),
  });

  const form = h(
    "form",
    { class: "card", novalidate: true, "aria-labelledby": "entry-title", onsubmit },
    title,
    notice !== undefined && h("p", { class: "notice", role: "status" }, notice),
    field("Name", name, nameHint),
    displayField,
    field("Password", password, passwordHint),
    problem,
    submit,
    h("p", { class: "switch" }, otherWords, " ", other),
  );
  const brand = h(
    "p",
    { class: "brand" },
    h("img", { src: "/static/icon.svg", alt: "", width: 40, height: 40 }),
    "Hubbub",
  );
  fill(root, h("main", { class: "entry" }, brand, form));
  show(mode);
  name.focus();

  /** @param {Mode} next */
  function show(next) {
    mode = next;
    const words = WORDS[mode];
    title.textContent = words.title;
    submit.textContent = words.button;
    otherWords.textContent = words.other;
    other.textContent = words.switch;
    displayField.hidden = nameHint.hidden = passwordHint.hidden = mode === "sign-in";
    password.autocomplete = mode === "sign-in" ? "current-password" : "new-password";
    problem.textContent = "";
    for (const input of [name, password]) input.removeAttribute("aria-invalid");
    document.title = `${words.button} · Hubbub`;
  }

  /** @param {SubmitEvent} event */
  async function onsubmit(event) {
    event.preventDefault();
    const wrong = firstWrong();
    if (wrong) return complain(wrong.message, wrong.input);
    submit.disabled = true;
    try {
      entered(await enter());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      complain(inWords(error), error.code === "name_taken" ? name : password);
    } finally {
      submit.disabled = false;
    }
  }

  function enter() {
    const credentials = { name: name.value, password: password.value };
    if (mode === "sign-in") return login(credentials);
    const shown = displayName.value.trim();
    return register(shown === "" ? credentials : { ...credentials, display_name: shown });
  }

  function firstWrong() {
    name.value = name.value.trim().toLowerCase();
    if (name.value === "") return { message: "Please enter your name.", input: name };
    if (name.validity.patternMismatch) return { message: "A name has only a-z, 0-9 and _ . -", input: name };
    if (password.value === "") return { message: "Please enter your password.", input: password };
    if (mode === "sign-up" && password.value.length < 8) {
      return { message: "The password needs at least 8 characters.", input: password };
    }
    return undefined;
  }

  /**
   * @param {string} message
   * @param {HTMLInputElement} input
   */
  function complain(message, input) {
    problem.textContent = message;
    for (const each of [name, password]) each.setAttribute("aria-invalid", String(each === input));
    input.focus();
  }
}

/** @param {ApiError} error */
function inWords(error) {
  switch (error.code) {
    case "bad_credentials":
      return "Name and password do not match.";
    case "name_taken":
      return "This name is taken. Please choose another one.";
    case "registration_closed":
      return "This server takes no new accounts. Ask whoever runs it.";
    case "rate_limited":
      return "Too many tries. Please wait a moment.";
    default:
      return error.message;
  }
}

/**
 * @param {string} label
 * @param {HTMLInputElement} input
 * @param {...Node} rest
 */
function field(label, input, ...rest) {
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, ...rest);
}
