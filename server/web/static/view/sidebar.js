/** The list of rooms, what is unread in them, and who one is here. */

/** @import { Room, RoomKind, User } from "../protocol.js" */
/** @import { People } from "../people.js" */
/** @import { RoomState } from "../room.js" */
import { displayName } from "../people.js";
import { roomName, roomTitle } from "../room_names.js";
import { avatar, roomSign } from "./avatar.js";
import { fill, h, icon, iconButton } from "./element.js";
import { KeyedList } from "./keyed.js";

/**
 * @typedef {object} SidebarHost
 * @property {() => { rooms: Iterable<RoomState>, people: People, me: User | undefined, current: string | undefined }} scene
 * @property {() => void} create
 * @property {() => void} showKeys
 * @property {() => void} signOut
 */

/** @type {[RoomKind, string][]} */
const SECTIONS = [
  ["channel", "Channels"],
  ["group", "Groups"],
  ["dm", "Direct messages"],
];

export class Sidebar {
  #signature = "";

  /** @param {SidebarHost} host */
  constructor(host) {
    this.host = host;
    this.sections = SECTIONS.map(([kind, label]) => new Section(kind, label));
    this.nothing = h("p", { class: "hint nothing", hidden: true }, "No conversations yet.");
    this.rooms = h("div", { class: "rooms" }, ...this.sections.map(({ element }) => element), this.nothing);
    this.me = h("div", { class: "me" });
    this.element = h(
      "nav",
      { class: "sidebar", "aria-label": "Rooms" },
      h(
        "header",
        {},
        h("p", { class: "brand" }, h("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 }), "Hubbub"),
        h("button", { type: "button", class: "primary small", onclick: host.create }, icon("plus"), "New"),
      ),
      this.rooms,
      h(
        "footer",
        {},
        this.me,
        iconButton("Keyboard shortcuts", "keyboard", { onclick: host.showKeys }),
        iconButton("Sign out", "leave", { onclick: host.signOut }),
      ),
    );
    this.rooms.addEventListener("keydown", (event) => this.#key(event));
  }

  update() {
    const { rooms, people, me, current } = this.host.scene();
    const sorted = [...rooms].map(({ info }) => info).sort((a, b) => roomName(a).localeCompare(roomName(b)));
    for (const section of this.sections) section.show(sorted, current, people);
    this.nothing.hidden = sorted.length > 0;
    if (me) this.#showMe(me);
  }

  /** @param {User} me */
  #showMe(me) {
    const signature = JSON.stringify(me);
    if (signature === this.#signature) return;
    this.#signature = signature;
    const words = [h("bdi", { class: "name" }, displayName(me)), h("span", { class: "hint" }, `@${me.name ?? ""}`)];
    fill(this.me, avatar(me.user, displayName(me)), h("span", { class: "words" }, ...words));
  }

  /** The rooms in the order they are shown. */
  order() {
    return this.#links().map((link) => link.dataset["room"] ?? "");
  }

  /** @param {string | undefined} room */
  focus(room) {
    this.#links()
      .find((link) => link.dataset["room"] === room)
      ?.focus();
  }

  #links() {
    return [...this.rooms.querySelectorAll("a")];
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const links = this.#links();
    const here = links.findIndex((link) => link === document.activeElement);
    const steps = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: links.length - 1 };
    if (event.altKey || here < 0 || !(event.key in steps)) return;
    event.preventDefault();
    links[steps[/** @type {keyof typeof steps} */ (event.key)]]?.focus();
  }
}

/** The rooms of one kind. */
class Section {
  /**
   * @param {RoomKind} kind
   * @param {string} label
   */
  constructor(kind, label) {
    this.kind = kind;
    const list = h("ul", { role: "list" });
    this.links = new KeyedList(list);
    this.element = h("section", {}, h("h2", {}, label), list);
  }

  /**
   * @param {Room[]} rooms
   * @param {string | undefined} current
   * @param {People} people
   */
  show(rooms, current, people) {
    const ours = rooms.filter(({ kind }) => kind === this.kind);
    const focused = this.links.show(
      ours.map((info) => {
        const online = info.peer && people.isOnline(info.peer.user);
        const signature = JSON.stringify([roomName(info), info.unread, online, info.room === current]);
        return { key: info.room, signature, make: () => h("li", {}, link(info, current, online)) };
      }),
    );
    this.element.hidden = ours.length === 0;
    const row = this.links.element(focused);
    if (row && !row.contains(document.activeElement)) row.querySelector("a")?.focus();
  }
}

/**
 * @param {Room} info
 * @param {string | undefined} current
 * @param {boolean | undefined} online
 */
function link(info, current, online) {
  const name = roomName(info);
  return h(
    "a",
    {
      href: `#${info.room}`,
      class: info.unread > 0 ? "room-link unread" : "room-link",
      "aria-current": info.room === current ? "page" : undefined,
      "data-room": info.room,
    },
    info.peer ? avatar(info.peer.user, name, online) : roomSign(info.kind === "channel" ? "hash" : "group"),
    h("bdi", { class: "name" }, name),
    online === true && h("span", { class: "sr-only" }, ", online"),
    info.unread > 0 &&
      h(
        "span",
        { class: "badge" },
        info.unread > 999 ? "999+" : String(info.unread),
        h("span", { class: "sr-only" }, " unread"),
      ),
  );
}

/**
 * What the browser's tab says.
 *
 * @param {number} unread
 * @param {Room | undefined} current
 */
export function pageTitle(unread, current) {
  const count = unread > 0 ? `(${unread > 999 ? "999+" : unread}) ` : "";
  return `${count}${current ? `${roomTitle(current)} · ` : ""}Hubbub`;
}
