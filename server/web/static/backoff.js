/**
 * When to come back. After a failure: exponential, capped, with full jitter. When asked to: within the window.
 *
 * A crowd that lost the same server must not come back in step, hence the jitter (M. Brooker, "Exponential Backoff
 * And Jitter", 2015); the floor keeps a lucky draw from hammering. Pure: chance is an argument.
 */

const FIRST = 500;
const LONGEST = 15_000;
const FLOOR = 150;

/**
 * @param {number} tries how many tries failed in a row, from 0
 * @param {number} chance uniformly drawn from [0, 1)
 * @returns {number} milliseconds
 */
export function backoff(tries, chance) {
  return FLOOR + chance * Math.min(LONGEST, FIRST * 2 ** Math.min(tries, 16));
}

/**
 * When to do what `reconnect` asks for, so that a crowd that was asked together is spread.
 *
 * @param {{ after: number, window: number }} asked in milliseconds
 * @param {number} chance uniformly drawn from [0, 1)
 * @returns {number} milliseconds from now
 */
export function momentToLeave({ after, window }, chance) {
  return after + chance * window;
}
