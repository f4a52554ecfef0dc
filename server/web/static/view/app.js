/**
 * The signed-in page: rooms on the left, one open room, people on the right. Which room is open stands in the
 * address (`#r_…`), so Back, reload and bookmarks do what they should.
 *
 * State flows one way: events mark the view as stale, one update shortly after brings all of it up to date.
 */

/** @import { Client } from "../client.js" */
/** @import { ConnectionState } from "../connection.js" */
/** @import { ConversationEvent } from "../conversation_events.js" */
/** @import { User } from "../protocol.js" */
import { CommandRefused } from "../client.js";
import { freshNonce } from "../nonce.js";
import { displayName } from "../people.js";
import { roomTitle } from "../room_names.js";
import { excerpt } from "../rows.js";
import { Announcer } from "./announcer.js";
import { Banner } from "./banner.js";
import { closeDialogs, openConfirm, openKeys } from "./dialogs.js";
import { fill, h } from "./element.js";
import { TOUCH, WIDE } from "./media.js";
import { MembersPanel } from "./members.js";
import { openInvite, openNewRoom } from "./new_room.js";
import { RoomPane } from "./room_pane.js";
import { pageTitle, Sidebar } from "./sidebar.js";
import { Toast } from "./toast.js";

/** Milliseconds in which events are gathered for one update: about one frame of the screen. */
const TOGETHER = 16;
const TYPING_CHECK = 1_000;

export class App {
  /** @type {RoomPane | undefined} */
  #pane;
  /** @type {MembersPanel | undefined} */
  #members;
  #membersWanted = WIDE.matches;
  #stale = false;
  #pressed = false;
  #welcomed = false;
  #ended = new AbortController();

  /**
   * @param {HTMLElement} root
   * @param {Client} client
   * @param {() => void} signOut
   */
  constructor(root, client, signOut) {
    this.client = client;
    this.root = root;
    this.banner = new Banner(() => client.connection.retryNow());
    this.announcer = new Announcer();
    this.sidebar = new Sidebar({
      scene: () => ({ ...this.#scene(), current: this.#pane?.id }),
      create: () => this.#create(),
      showKeys: openKeys,
      signOut: () =>
        openConfirm("Sign out", "Drafts and unsent messages on this device are forgotten.", "Sign out", async () =>
          signOut(),
        ),
    });
    this.empty = h("main", { class: "room nothing-open" });
    this.toast = new Toast();
    this.roomSlot = h("div", { class: "slot" }, this.empty);
    this.membersSlot = h("div", { class: "slot" });
    this.app = h("div", { class: "app" }, this.sidebar.element, this.roomSlot, this.membersSlot);
    fill(root, this.banner.element, this.app, this.toast.element, this.announcer.element);
    this.#listen();
    this.#route();
  }

  close() {
    this.#ended.abort();
    this.#pane?.close();
    this.announcer.close();
    this.banner.close();
    this.toast.clear();
    closeDialogs();
    clearInterval(this.typingCheck);
  }

  /** @param {ConversationEvent} event */
  happened(event) {
    if (event.type === "welcome") {
      this.#welcomed = true;
      this.#route();
    } else if (event.type === "arrived") {
      this.#announce(event);
    } else if (event.type === "removed") {
      this.#removed(event);
    }
    this.#updateSoon();
  }

  /** @param {ConnectionState} state */
  connection(state) {
    this.banner.show(state);
  }

  /** @param {Extract<ConversationEvent, { type: "removed" }>} event */
  #removed({ room, name, by }) {
    const { me, people } = this.client.conversation;
    if (by !== undefined && by !== me?.user) this.toast.show(`${people.nameOf(by)} removed you from ${name}.`);
    if (room !== this.#pane?.id) return;
    this.#go("");
    this.#route();
  }

  #scene() {
    const { rooms, people, me } = this.client.conversation;
    return { rooms: rooms.values(), people, me };
  }

  #listen() {
    const { signal } = this.#ended;
    const looked = () => {
      this.#pane?.messages.noticeReading();
      this.#updateSoon();
    };
    addEventListener("hashchange", () => this.#route(), { signal });
    addEventListener("focus", looked, { signal });
    document.addEventListener("visibilitychange", looked, { signal });
    document.addEventListener("pointerdown", (event) => this.#pointer(event), { signal });
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => this.#letGo(), { signal });
    addEventListener("blur", () => this.#letGo(), { signal });
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    WIDE.addEventListener("change", () => this.#showMembers(WIDE.matches), { signal });
    this.typingCheck = setInterval(() => this.#pane?.updateTyping(), TYPING_CHECK);
  }

  // --- bringing the view up to date ---------------------------------------------------------------------------

  /** Not an animation frame: those stand still in a tab nobody sees, and the title must not. */
  #updateSoon() {
    if (this.#stale) return;
    this.#stale = true;
    setTimeout(() => this.#updateUnlessPressed(), TOGETHER);
  }

  /** What is pressed stays until it is let go: replaced meanwhile, by a count that changes, it would not be clicked. */
  #updateUnlessPressed() {
    if (this.#pressed) return;
    this.#stale = false;
    if (!this.#ended.signal.aborted) this.#update();
  }

  #letGo() {
    if (!this.#pressed) return;
    this.#pressed = false;
    if (this.#stale) setTimeout(() => this.#updateUnlessPressed(), TOGETHER); // the click comes before that
  }

  #update() {
    const { rooms } = this.client.conversation;
    this.#route();
    this.sidebar.update();
    this.#pane?.update(this.#members !== undefined);
    this.#members?.update();
    if (!this.#pane) this.#showEmpty(rooms.size);
    const unread = [...rooms.values()].reduce((sum, room) => sum + room.info.unread, 0);
    const title = pageTitle(unread, this.#pane && rooms.get(this.#pane.id)?.info);
    if (document.title !== title) document.title = title;
  }

  /** @param {number} rooms */
  #showEmpty(rooms) {
    const words = !this.#welcomed ? "Connecting…" : rooms > 0 ? "Choose a conversation." : "Nothing here yet.";
    if (this.empty.dataset["words"] === words) return;
    this.empty.dataset["words"] = words;
    const first = h(
      "button",
      { type: "button", class: "primary", onclick: () => this.#create() },
      "Start a conversation",
    );
    const sign = h("img", { src: "/static/icon.svg", alt: "", width: 72, height: 72 });
    fill(this.empty, h("div", { class: "welcome" }, sign, h("h1", {}, words), this.#welcomed && rooms === 0 && first));
  }

  #create() {
    openNewRoom(
      (op, fields) => this.client.ask(op, fields),
      (room) => this.#go(room),
    );
  }

  // --- which room is open -------------------------------------------------------------------------------------

  /** @param {string} room */
  #go(room) {
    if (location.hash.slice(1) === room) this.#route();
    else location.hash = room;
  }

  #route() {
    const room = this.client.conversation.rooms.get(location.hash.slice(1));
    const before = this.#pane;
    if (room?.id === before?.id) return;
    const focusIsFree = document.activeElement === document.body || this.app.contains(document.activeElement);
    before?.close();
    this.#pane =
      room &&
      new RoomPane(
        { client: this.client, toggleMembers: () => this.#showMembers(!this.#members), invite: () => this.#invite() },
        room,
      );
    fill(this.roomSlot, this.#pane?.element ?? this.empty);
    this.app.classList.toggle("in-room", room !== undefined);
    this.client.watch(room?.id);
    this.#showMembers(this.#membersWanted && WIDE.matches);
    this.sidebar.update();
    if (!focusIsFree) return;
    if (!this.#pane) this.sidebar.focus(before?.id);
    else if (!TOUCH.matches) this.#pane.focus();
  }

  // --- people -------------------------------------------------------------------------------------------------

  /** @param {boolean} shown */
  #showMembers(shown) {
    const room = this.#pane && this.client.conversation.rooms.get(this.#pane.id);
    const hadFocus = this.#members?.element.contains(document.activeElement) ?? false;
    if (WIDE.matches && room) this.#membersWanted = shown;
    this.#members = shown && room ? this.#newMembersPanel() : undefined;
    fill(this.membersSlot, this.#members?.element);
    this.#members?.update();
    this.#pane?.update(shown);
    if (hadFocus) this.#pane?.peopleButton.focus();
    else if (shown && !WIDE.matches) this.#members?.element.querySelector("button")?.focus();
  }

  /**
   * Something is pressed; the drawer of people closes like any drawer, by a press beside it.
   *
   * @param {PointerEvent} event
   */
  #pointer({ target }) {
    this.#pressed = target instanceof Element && target.closest("a, button") !== null;
    if (WIDE.matches || !this.#members || !(target instanceof Node) || !this.roomSlot.contains(target)) return;
    if (!this.#pane?.peopleButton.contains(target)) this.#showMembers(false);
  }

  #newMembersPanel() {
    return new MembersPanel({
      scene: () => {
        const { rooms, people, me } = this.client.conversation;
        const room = rooms.get(this.#pane?.id ?? "");
        if (!room || !me) throw new Error("the list of people belongs to an open room");
        return { room, people, me: me.user };
      },
      close: () => this.#showMembers(false),
      invite: () => this.#invite(),
      leave: () => this.#leave(),
      write: (user) => this.#write(user),
    });
  }

  /** @param {User} user */
  async #write({ user, name }) {
    try {
      const { room } = await this.client.ask("create_room", { kind: "dm", members: [user], nonce: freshNonce() });
      if (room !== undefined) this.#go(room);
    } catch (error) {
      if (!(error instanceof CommandRefused)) throw error;
      this.toast.show(`Writing to @${name ?? ""} is not possible: ${error.message}.`);
    }
  }

  #invite() {
    const room = this.client.conversation.rooms.get(this.#pane?.id ?? "");
    if (room) openInvite((op, fields) => this.client.ask(op, fields), room.id, roomTitle(room.info));
  }

  #leave() {
    const room = this.client.conversation.rooms.get(this.#pane?.id ?? "");
    if (!room) return;
    const question =
      room.info.kind === "channel" ? "You can join again at any time." : "You can only come back if somebody adds you.";
    openConfirm(`Leave ${roomTitle(room.info)}?`, question, "Leave", async () => {
      await this.client.ask("leave", { room: room.id });
    });
  }

  // --- keyboard and voice -------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!event.altKey || event.ctrlKey || event.metaKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const { rooms } = this.client.conversation;
    const order = this.sidebar
      .order()
      .filter((id) => !event.shiftKey || id === this.#pane?.id || (rooms.get(id)?.info.unread ?? 0) > 0);
    if (order.length === 0 || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    const here = order.indexOf(this.#pane?.id ?? "");
    const step = event.key === "ArrowDown" ? 1 : here < 0 ? 0 : -1;
    this.#go(order[(here + step + order.length) % order.length] ?? "");
  }

  /** @param {Extract<ConversationEvent, { type: "arrived" }>} event */
  #announce({ room, message }) {
    const info = this.client.conversation.rooms.get(room)?.info;
    const where = room === this.#pane?.id || !info || info.kind === "dm" ? "" : ` in ${roomTitle(info)}`;
    this.announcer.say(`${displayName(message.from)}${where}: ${excerpt(message.text)}`);
  }
}
