/**
 * How long to wait before the next try: exponential, capped, with full jitter.
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
