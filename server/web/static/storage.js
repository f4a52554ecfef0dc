/**
 * What outlives a reload: who is signed in, drafts, unsent posts.
 *
 * The account and drafts belong to the browser; unsent posts to the tab, so that two tabs never send each other's.
 * A browser that refuses storage costs the reload, never the chat: every write may fail silently.
 */

/** @import { Account } from "./api.js" */
/** @import { Post } from "./outbox.js" */

const ACCOUNT = "hubbub.account";
const DRAFT = "hubbub.draft.";
const UNSENT = "hubbub.unsent.";

/** @typedef {{ text: string, reply_to?: number | undefined }} Draft */

/** @returns {Account | undefined} */
export function loadAccount() {
  return read(localStorage, ACCOUNT);
}

/** @param {Account} account */
export function saveAccount(account) {
  write(localStorage, ACCOUNT, account);
}

/** Signing out leaves nothing of the account behind on a shared machine. */
export function forgetAccount() {
  for (const storage of [localStorage, sessionStorage]) {
    for (const key of Object.keys(storage)) if (key.startsWith("hubbub.")) storage.removeItem(key);
  }
}

/** @param {(account: Account | undefined) => void} listener told when another tab signs in or out */
export function onAccountChange(listener) {
  addEventListener("storage", ({ key, storageArea }) => {
    if (storageArea === localStorage && (key === ACCOUNT || key === null)) listener(loadAccount());
  });
}

/**
 * @param {string} room
 * @returns {Draft}
 */
export function loadDraft(room) {
  return read(localStorage, DRAFT + room) ?? { text: "" };
}

/**
 * @param {string} room
 * @param {Draft} draft
 */
export function saveDraft(room, draft) {
  if (draft.text === "" && draft.reply_to === undefined) remove(localStorage, DRAFT + room);
  else write(localStorage, DRAFT + room, draft);
}

export class UnsentStore {
  /** @param {string} user */
  constructor(user) {
    this.key = UNSENT + user;
  }

  /** @returns {Post[]} */
  load() {
    return read(sessionStorage, this.key) ?? [];
  }

  /** @param {readonly Post[]} posts */
  save(posts) {
    if (posts.length === 0) remove(sessionStorage, this.key);
    else write(sessionStorage, this.key, posts);
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 */
function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 * @param {unknown} value
 */
function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // The quota is used up or storage is off: the page works on without it.
  }
}

/**
 * @param {Storage} storage
 * @param {string} key
 */
function remove(storage, key) {
  try {
    storage.removeItem(key);
  } catch {
    // As for write.
  }
}
