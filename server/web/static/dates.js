/**
 * Local times and days, in the reader's own zone and habits. Pure: the present is an argument.
 *
 * Clock times follow the browser's language (12 or 24 hours); words follow the page, which is in English.
 */

const WORDS = navigator.language.startsWith("en") ? navigator.language : "en-GB";
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(WORDS, { dateStyle: "full", timeStyle: "medium" });
const THIS_YEAR = new Intl.DateTimeFormat(WORDS, { weekday: "long", day: "numeric", month: "long" });
const OTHER_YEAR = new Intl.DateTimeFormat(WORDS, { day: "numeric", month: "long", year: "numeric" });
const RELATIVE = new Intl.RelativeTimeFormat(WORDS, { numeric: "auto" });

/** @param {Date} at */
export function timeOf(at) {
  return TIME.format(at);
}

/** @param {Date} at */
export function fullTimeOf(at) {
  return FULL.format(at);
}

/**
 * A key that is the same for all times of one local day.
 *
 * @param {Date} at
 */
export function dayKey(at) {
  return `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`;
}

/**
 * @param {Date} at
 * @param {Date} now
 */
export function dayName(at, now) {
  const days = Math.round((startOfDay(at) - startOfDay(now)) / 86_400_000);
  if (days === 0 || days === -1) return capitalised(RELATIVE.format(days, "day"));
  return (at.getFullYear() === now.getFullYear() ? THIS_YEAR : OTHER_YEAR).format(at);
}

/**
 * How long ago somebody was here, coarsely.
 *
 * @param {Date} at
 * @param {Date} now
 */
export function ago(at, now) {
  const minutes = Math.round((at.getTime() - now.getTime()) / 60_000);
  if (minutes >= 0) return RELATIVE.format(0, "minute");
  if (minutes > -60) return RELATIVE.format(minutes, "minute");
  if (minutes > -1_440) return RELATIVE.format(Math.round(minutes / 60), "hour");
  return RELATIVE.format(Math.round(minutes / 1_440), "day");
}

/** @param {Date} at */
function startOfDay(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

/** @param {string} word */
function capitalised(word) {
  return word.charAt(0).toLocaleUpperCase() + word.slice(1);
}
