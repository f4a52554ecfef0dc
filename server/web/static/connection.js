/**
 * One websocket that is always there, or on its way back.
 *
 * It carries frames and knows nothing of what they mean. A closed socket is opened again with jittered backoff
 * unless the close code forbids it; a silent one is asked with a ping and given up when nothing comes back. Each
 * socket's callbacks check that it is still the current one, so a late event of an old socket changes nothing.
 */

/** @import { ClientFrame, ServerFrame } from "./protocol.js" */
import { backoff } from "./backoff.js";
import { afterClose, SUBPROTOCOL } from "./protocol.js";

/**
 * `waiting` has the time of the next try; `stopped` the reason, in the server's words.
 *
 * @typedef {{ name: "connecting" } | { name: "open" } | { name: "waiting", until: number }
 *   | { name: "stopped", reason: string }} ConnectionState
 */

/**
 * @typedef {object} Listener
 * @property {() => void} opened
 * @property {(frame: ServerFrame) => void} received
 * @property {() => void} lost
 * @property {(state: ConnectionState) => void} changed
 * @property {() => void} signedOut
 */

const HEARTBEAT = 30_000;
/** Answered by the nearest byte; a socket that stays silent this long after a probe is dead. */
const PROBE_DEADLINE = 5_000;
const CONNECT_DEADLINE = 15_000;

export class Connection {
  /** @type {WebSocket | undefined} */
  #socket;
  #tries = 0;
  /** @type {number | undefined} */
  #timer;
  #heartbeat = HEARTBEAT;
  #heard = 0;
  /** @type {number | undefined} */
  #deadline;

  /**
   * @param {string} url
   * @param {Listener} listener
   */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
    /** @type {ConnectionState} */
    this.state = { name: "connecting" };
    this.probe = this.probe.bind(this);
    this.retryNow = this.retryNow.bind(this);
  }

  start() {
    addEventListener("online", this.retryNow);
    addEventListener("offline", this.probe);
    document.addEventListener("visibilitychange", this.probe);
    this.#connect();
  }

  /** Ends for good: no further event is reported. */
  stop() {
    removeEventListener("online", this.retryNow);
    removeEventListener("offline", this.probe);
    document.removeEventListener("visibilitychange", this.probe);
    this.#forget();
  }

  /** @param {ClientFrame} frame */
  send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** The conversation is under way again, so the next failure is a first one. */
  settled(/** @type {number} */ heartbeat) {
    this.#tries = 0;
    this.#heartbeat = heartbeat;
    this.#watchSilence();
  }

  /** Gives up this socket and opens another one. */
  drop() {
    if (this.#socket) this.#closed(this.#socket, { then: "reconnect", after: 0 }, "");
  }

  /** Gives up a socket that works for another one: at once, as nothing has failed. */
  move() {
    if (this.state.name !== "open") return;
    this.#forget();
    this.listener.lost();
    this.#connect();
  }

  retryNow() {
    if (this.state.name === "waiting" || this.state.name === "stopped") this.#connect();
    else this.probe();
  }

  /** Makes sure that somebody is still there: after sleep or a change of network a dead socket looks alive. */
  probe() {
    if (this.state.name === "waiting" && document.visibilityState === "visible") this.#connect();
    if (this.state.name !== "open" || this.#deadline !== undefined) return;
    this.send({ op: "ping" });
    this.#deadline = setTimeout(() => this.drop(), PROBE_DEADLINE);
  }

  #connect() {
    this.#forget();
    const socket = new WebSocket(this.url, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#deadline = setTimeout(() => this.drop(), CONNECT_DEADLINE);
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.#heardSomething();
      this.#watchSilence();
      this.listener.opened();
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heardSomething();
      this.listener.received(JSON.parse(data));
      if (this.state.name !== "open") this.#become({ name: "open" });
    };
    socket.onclose = ({ code, reason }) => this.#closed(socket, afterClose(code), reason);
    this.#become({ name: "connecting" });
  }

  /**
   * @param {WebSocket} socket
   * @param {ReturnType<typeof afterClose>} verdict
   * @param {string} reason
   */
  #closed(socket, verdict, reason) {
    if (socket !== this.#socket) return;
    this.#forget();
    this.listener.lost();
    if (verdict.then === "sign-out") {
      this.listener.signedOut();
    } else if (verdict.then === "stop") {
      this.#become({ name: "stopped", reason });
    } else {
      const delay = verdict.after + backoff(this.#tries, Math.random());
      this.#tries += 1;
      this.#timer = setTimeout(() => this.#connect(), delay);
      this.#become({ name: "waiting", until: Date.now() + delay });
    }
  }

  #forget() {
    const socket = this.#socket;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    socket?.close();
  }

  #heardSomething() {
    this.#heard = Date.now();
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** A page cannot see the server's pings, so after one silent interval it asks by itself. */
  #watchSilence() {
    clearTimeout(this.#timer);
    const silent = Date.now() - this.#heard;
    if (silent >= this.#heartbeat) this.probe();
    const next = silent >= this.#heartbeat ? this.#heartbeat : this.#heartbeat - silent;
    this.#timer = setTimeout(() => this.#watchSilence(), next);
  }

  /** @param {ConnectionState} state */
  #become(state) {
    this.state = state;
    this.listener.changed(state);
  }
}
