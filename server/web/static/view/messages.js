/**
 * The list of messages of one room, and the reader's place in it.
 *
 * Two rules hold. Whoever is at the end stays at the end; whoever is not keeps the line they read exactly where it
 * is, whatever arrives below or is loaded above. And a message counts as read when its end was on the screen of a
 * page that has the focus.
 */

/** @import { RoomState } from "../room.js" */
/** @import { Row, Scene } from "../rows.js" */
/** @import { RowActions } from "./message_row.js" */
import { rowsOf } from "../rows.js";
import { counted } from "../text.js";
import { fill, h, icon } from "./element.js";
import { KeyedList } from "./keyed.js";
import { TOUCH } from "./media.js";
import { renderRow } from "./message_row.js";

/** How near to the end (in pixels) counts as being there, and how near to the top loads what is before. */
const AT_END = 24;
const NEAR_TOP = 400;
const MARKER_MARGIN = 48;
/** A room that is open for weeks forgets its oldest messages while nobody reads them. */
const MOST_ITEMS = 600;
const LOUD_CONTROLS = ".failure button";

/**
 * @typedef {object} MessagesHost
 * @property {() => Omit<Scene, "markerAfter" | "now">} scene
 * @property {() => boolean} recovering whether messages may be missing here
 * @property {() => void} older
 * @property {() => void} trim
 * @property {(seq: number) => void} quote
 * @property {(seq: number) => void} read
 * @property {() => void} leaveList the reader wants to write
 * @property {RowActions} actions
 */

export class MessageList {
  #atEnd = true;
  #placed = false;
  /** The connection was lost, and what was missed meanwhile is not all shown yet. */
  #away = false;
  #unreadBefore = 0;
  /** @type {number | undefined} */
  #markerAfter;
  /** @type {Row[]} */
  #rows = [];
  /** @type {string | undefined} the key of the row that Tab reaches */
  #current;

  /**
   * @param {MessagesHost} host
   * @param {string} label
   */
  constructor(host, label) {
    this.host = host;
    const { room } = host.scene();
    this.#unreadBefore = room.info.unread;
    if (room.info.unread > 0) this.#markerAfter = room.info.read_seq;
    this.list = h("ol", { class: "rows", role: "list", "aria-label": label });
    this.shown = new KeyedList(this.list);
    this.scroller = h("div", { class: "scroller", onscroll: () => this.#scrolled() }, this.list);
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.toEnd() });
    this.element = h("div", { class: "messages" }, this.scroller, this.jump);
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("focusin", (event) => this.#focused(event));
    this.resized = new ResizeObserver(() => this.#settle());
    this.resized.observe(this.scroller);
  }

  close() {
    this.resized.disconnect();
  }

  update() {
    const scene = this.host.scene();
    const recovering = this.host.recovering();
    this.#away ||= recovering;
    this.#moveMarker(scene.room);
    const anchor = this.#placed && !this.#atEnd ? this.#anchor() : undefined;
    this.#rows = rowsOf({ ...scene, markerAfter: this.#markerAfter, now: new Date() });
    this.#render();
    this.#askForQuotes();
    if (anchor) this.scroller.scrollTop += this.#box(anchor.key).top - anchor.top;
    if (this.#placed) this.#settle();
    else this.#place(scene.room);
    this.#showJump(scene.room);
    this.#away = recovering;
    this.noticeReading();
    if (this.#atEnd && scene.room.timeline.items.length > MOST_ITEMS) this.host.trim();
  }

  /** The writer's own words are always in view, and they have seen what was new. */
  posted() {
    this.#markerAfter = undefined;
    this.#atEnd = true;
    this.update();
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#scrolled();
    if (!TOUCH.matches) this.host.leaveList();
  }

  /** Moves the keyboard into the list, to the newest message. */
  focusLast() {
    this.#focusRow([...this.#focusable()].at(-1));
  }

  /**
   * @param {number} seq
   * @returns {boolean} whether the message is loaded
   */
  show(seq) {
    const row = this.list.querySelector(`[data-seq="${seq}"]`);
    if (!(row instanceof HTMLElement)) return false;
    row.scrollIntoView({ block: "center" });
    this.#scrolled();
    this.#focusRow(row);
    row.classList.remove("flash");
    requestAnimationFrame(() => row.classList.add("flash"));
    return true;
  }

  /** Moves the read mark to the last message whose end is on the screen. */
  noticeReading() {
    if (!this.#placed || !this.#isFollowed()) return;
    const bottom = this.scroller.getBoundingClientRect().bottom + 1;
    const { room } = this.host.scene();
    let seen = this.#atEnd ? room.timeline.seen : 0;
    if (!this.#atEnd) {
      const lastSeen = this.#rows.findLast(
        (row) => row.kind === "message" && row.seq !== undefined && this.#box(row.key).bottom <= bottom,
      );
      if (lastSeen?.kind === "message") seen = lastSeen.seq ?? 0;
    }
    if (seen > room.info.read_seq) this.host.read(seen);
  }

  // --- the marker ---------------------------------------------------------------------------------------------

  /** What arrives while nobody looks at the end gets a line above it. @param {RoomState} room */
  #moveMarker(room) {
    const followed = this.#atEnd && this.#isFollowed();
    if (this.#unreadBefore === 0 && room.info.unread > 0 && !followed) this.#markerAfter = room.info.read_seq;
    this.#unreadBefore = room.info.unread;
  }

  /** @param {RoomState} room */
  #showJump(room) {
    const label = room.info.unread > 0 ? counted(room.info.unread, "new message") : "Newest messages";
    this.jump.hidden = this.#atEnd;
    if (this.jump.dataset["label"] === label) return;
    this.jump.dataset["label"] = label;
    this.jump.classList.toggle("news", room.info.unread > 0);
    fill(this.jump, label, icon("down"));
  }

  // --- the reader's place -------------------------------------------------------------------------------------

  #scrolled() {
    this.#atEnd = this.#isAtEnd();
    if (this.scroller.scrollTop < NEAR_TOP && this.#placed) this.host.older();
    this.#showJump(this.host.scene().room);
    this.noticeReading();
  }

  /** Puts the reader where they left off: at the first unread message, or at the end. @param {RoomState} room */
  #place(room) {
    const { complete, items } = room.timeline;
    if (room.asking.history || (!complete && items.length === 0)) return;
    this.#placed = true;
    this.#follow(true);
    this.#scrolled();
  }

  #settle() {
    if (!this.#placed) return;
    if (this.#atEnd) this.#follow(!this.#isFollowed());
    if (this.scroller.scrollTop < NEAR_TOP) this.host.older();
  }

  /** Goes to the end, but where nobody is looking not so far that the marker leaves the screen. @param {boolean} keepMarker */
  #follow(keepMarker) {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    const unread = this.host.scene().room.info.unread > 0;
    const marker = keepMarker && unread ? this.shown.element("marker") : undefined;
    if (!marker) return;
    const hidden = this.scroller.getBoundingClientRect().top + MARKER_MARGIN - marker.getBoundingClientRect().top;
    if (hidden > 0) this.scroller.scrollTop -= hidden;
    this.#atEnd = this.#isAtEnd();
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < AT_END;
  }

  /** Whether somebody sees what arrives as it arrives. */
  #isFollowed() {
    return !this.#away && document.visibilityState === "visible" && document.hasFocus();
  }

  /** The row the reader's eye rests on: the first one that is still on the screen. */
  #anchor() {
    const top = this.scroller.getBoundingClientRect().top;
    const row = this.#rows.find(({ kind, key }) => kind === "message" && this.#box(key).bottom > top);
    return row && { key: row.key, top: this.#box(row.key).top };
  }

  /** @param {string} key */
  #box(key) {
    return this.shown.element(key)?.getBoundingClientRect() ?? new DOMRect();
  }

  // --- rows ---------------------------------------------------------------------------------------------------

  #render() {
    const { actions } = this.host;
    const focused = this.shown.show(
      this.#rows.map((row) => ({ key: row.key, signature: JSON.stringify(row), make: () => renderRow(row, actions) })),
    );
    this.#rove(focused);
  }

  #askForQuotes() {
    for (const row of this.#rows)
      if (row.kind === "message" && row.quote?.author === "") this.host.quote(row.quote.seq);
  }

  // --- the keyboard -------------------------------------------------------------------------------------------

  #focusable() {
    return /** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll(":scope > [tabindex]"));
  }

  /** One row takes part in the Tab order; the arrow keys choose which. @param {string | undefined} focused */
  #rove(focused) {
    const last = this.#rows.findLast(({ kind }) => kind !== "day" && kind !== "marker");
    if (focused !== undefined) this.#current = focused;
    else if (!this.shown.element(this.#current)) this.#current = last?.key;
    for (const [key, { element }] of this.shown.shown) setTabIndex(element, key === this.#current ? 0 : -1);
    const row = this.shown.element(focused);
    if (row && !row.contains(document.activeElement)) row.focus({ preventScroll: true });
  }

  /** @param {FocusEvent} event */
  #focused({ target }) {
    const key = this.shown.keyAround(target);
    if (key !== undefined && key !== this.#current) this.#rove(key);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const rows = [...this.#focusable()];
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const steps = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: rows.length - 1 };
    if (event.key in steps) {
      const step = steps[/** @type {keyof typeof steps} */ (event.key)];
      if (step >= rows.length) this.host.leaveList();
      else this.#focusRow(rows[Math.max(0, step)]);
      event.preventDefault();
    } else if (event.key === "Escape") {
      this.host.leaveList();
    } else if ((event.key === "Enter" || event.key === "r") && event.target === rows[here]) {
      const seq = Number(rows[here]?.dataset["seq"]);
      if (seq) this.host.actions.reply(seq);
      event.preventDefault();
    }
  }

  /** @param {HTMLElement | undefined} row */
  #focusRow(row) {
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }
}

/**
 * @param {HTMLElement} row
 * @param {number} tabIndex
 */
function setTabIndex(row, tabIndex) {
  if (!row.hasAttribute("tabindex") || row.tabIndex === tabIndex) return;
  row.tabIndex = tabIndex;
  for (const control of row.querySelectorAll("a, button")) {
    if (control instanceof HTMLElement && !control.matches(LOUD_CONTROLS)) control.tabIndex = tabIndex;
  }
}
