/**
 * Pure rules about texts and names: what is blank, how long it is, where its links are.
 */

/** @typedef {{ text: string, href?: string }} Piece */

const URLS = /\bhttps?:\/\/[^\s<>"'`\u0000-\u001f\u007f]+/giu;
/** What ends a sentence or closes a bracket around a link is not part of it. */
const TRAILING = /[.,;:!?)\]}*_~\u2026\u201d\u2019\u00bb]+$/u;
const HUES = 8;

/** @param {string} text */
export function isBlank(text) {
  return text.trim() === "";
}

/** @param {string} text */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Cuts a text into plain pieces and links. Only http and https become links: a `javascript:` address stays text.
 *
 * @param {string} text
 * @returns {Piece[]}
 */
export function linkify(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let done = 0;
  for (const match of text.matchAll(URLS)) {
    const shown = withoutTrailing(match[0]);
    if (!URL.canParse(shown) || new URL(shown).hostname === "") continue;
    if (match.index > done) pieces.push({ text: text.slice(done, match.index) });
    pieces.push({ text: shown, href: shown });
    done = match.index + shown.length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done) });
  return pieces;
}

/**
 * A closing bracket belongs to the link where the link opened it, as in en.wikipedia.org/wiki/Actor_(programming).
 *
 * @param {string} url
 */
function withoutTrailing(url) {
  let shown = url;
  for (let tail = TRAILING.exec(shown); tail; tail = TRAILING.exec(shown)) {
    const last = shown.at(-1);
    const opened = last === ")" && shown.split("(").length >= shown.split(")").length;
    if (opened) break;
    shown = shown.slice(0, -1);
  }
  return shown;
}

/** @param {string} name */
export function initials(name) {
  const words = name.split(/[\s._-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = words.slice(0, 2).map((word) => [...word].find((c) => /[\p{L}\p{N}]/u.test(c)) ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}

/**
 * The same person has the same colour everywhere, without anybody storing it.
 *
 * @param {string} id
 * @returns {number} 0 to 7
 */
export function hueOf(id) {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % HUES;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}
