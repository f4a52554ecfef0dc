/**
 * The few calls that are not part of a conversation: signing up, in and out.
 *
 * A failed call is an ApiError with the server's code and words, or with the code `offline` when no answer came.
 */

/** @import { User } from "./protocol.js" */

/** @typedef {{ user: User, token: string }} Account */

const DEADLINE = 20_000;

/**
 * @param {{ name: string, password: string, display_name?: string }} wanted
 * @returns {Promise<Account>}
 */
export function register(wanted) {
  return call("/v1/register", { body: { ...wanted, device: deviceName() } });
}

/**
 * @param {{ name: string, password: string }} credentials
 * @returns {Promise<Account>}
 */
export function login(credentials) {
  return call("/v1/login", { body: { ...credentials, device: deviceName() } });
}

/** @param {string} token */
export function logout(token) {
  return call("/v1/logout", { token });
}

export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @param {string} path
 * @param {{ body?: unknown, token?: string }} request
 */
async function call(path, { body, token }) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
  const signal = AbortSignal.timeout(DEADLINE);
  const request = { method: "POST", headers, signal, body: body === undefined ? null : JSON.stringify(body) };
  const response = await fetch(path, request).catch(() => {
    throw new ApiError("offline", "The server does not answer. Please try again in a moment.");
  });
  if (response.status === 204) return undefined;
  const answer = await response.json().catch(() => undefined);
  if (response.ok && answer) return answer;
  const { code, message } = answer?.error ?? {};
  throw new ApiError(code ?? "unavailable", message ?? `The server answered with status ${response.status}.`);
}

/** What the list of a user's devices calls this one. */
function deviceName() {
  const browser = /Firefox|Edg|Chrome|Safari/.exec(navigator.userAgent)?.[0] ?? "Browser";
  return browser === "Edg" ? "Edge" : browser;
}
