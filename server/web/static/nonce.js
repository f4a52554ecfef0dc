/** The chance in retries that are safe to repeat. */

/** @returns {string} 128 random bits; `crypto.randomUUID` does not exist on pages served without TLS */
export function freshNonce() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
