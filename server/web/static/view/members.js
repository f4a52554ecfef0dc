/** Who is in the room, and who of them is here now. */

/** @import { Member, User } from "../protocol.js" */
/** @import { People } from "../people.js" */
/** @import { RoomState } from "../room.js" */
import { ago } from "../dates.js";
import { displayName } from "../people.js";
import { counted } from "../text.js";
import { avatar } from "./avatar.js";
import { h, icon, iconButton } from "./element.js";
import { KeyedList } from "./keyed.js";

/**
 * @typedef {object} MembersHost
 * @property {() => { room: RoomState, people: People, me: string }} scene
 * @property {() => void} close
 * @property {() => void} invite
 * @property {() => void} leave
 * @property {(user: User) => void} write
 */

/** @type {[boolean | undefined, string][]} */
const GROUPS = [
  [true, "Online"],
  [false, "Offline"],
  [undefined, "Everyone"],
];

export class MembersPanel {
  /** @param {MembersHost} host */
  constructor(host) {
    this.host = host;
    this.heading = h("h2", { id: "members-heading" });
    this.sections = GROUPS.map(([online, label]) => new Section(online, label, host));
    this.rest = h("p", { class: "hint" });
    this.body = h("div", { class: "members-body" }, ...this.sections.map(({ element }) => element), this.rest);
    const { room } = host.scene();
    const isDm = room.info.kind === "dm";
    this.element = h(
      "aside",
      { class: "members", id: "members", "aria-labelledby": "members-heading" },
      h("header", {}, this.heading, iconButton("Close the list of people", "close", { onclick: host.close })),
      this.body,
      h(
        "footer",
        {},
        !isDm && h("button", { type: "button", class: "plain", onclick: host.invite }, icon("invite"), "Add people"),
        h("button", { type: "button", class: "plain danger", onclick: host.leave }, icon("leave"), "Leave"),
      ),
    );
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && host.close());
  }

  update() {
    const { room, people, me } = this.host.scene();
    const members = (room.members ?? []).map((member) => this.#seen(member, people));
    members.sort((a, b) => displayName(a.user).localeCompare(displayName(b.user)));
    this.heading.textContent = counted(room.info.members, "person", "people");
    for (const section of this.sections) section.show(members, people, me);
    const more = room.moreMembers ? room.info.members - members.length : 0;
    if (!room.members) this.rest.textContent = "Loading…";
    else this.rest.textContent = more > 0 ? `and ${counted(more, "more person", "more people")}` : "";
  }

  /**
   * What is known of the person now, over what was known when the list was asked for.
   *
   * @param {Member} member
   * @param {People} people
   * @returns {Member}
   */
  #seen(member, people) {
    return { ...member, user: people.known.get(member.user.user) ?? member.user };
  }
}

/** Those who are here, those who are not, or everyone while that is not known. */
class Section {
  /**
   * @param {boolean | undefined} online
   * @param {string} label
   * @param {MembersHost} host
   */
  constructor(online, label, host) {
    this.online = online;
    this.label = label;
    this.host = host;
    this.heading = h("h3");
    const list = h("ul", { role: "list" });
    this.people = new KeyedList(list);
    this.element = h("section", {}, this.heading, list);
  }

  /**
   * @param {Member[]} members
   * @param {People} people
   * @param {string} me
   */
  show(members, people, me) {
    const ours = members.filter(({ user }) => people.isOnline(user.user) === this.online);
    const focused = this.people.show(
      ours.map((member) => {
        const signature = JSON.stringify([
          displayName(member.user),
          describe(member.user, member.role, false, this.online),
        ]);
        return { key: member.user.user, signature, make: () => entry(member, this.online, me, this.host) };
      }),
    );
    this.heading.textContent = `${this.label} · ${ours.length.toLocaleString()}`;
    this.element.hidden = ours.length === 0;
    const row = this.people.element(focused);
    if (row && !row.contains(document.activeElement)) row.querySelector("button")?.focus();
  }
}

/**
 * @param {Member} member
 * @param {boolean | undefined} online
 * @param {string} me
 * @param {MembersHost} host
 */
function entry({ user, role }, online, me, host) {
  const name = displayName(user);
  const isMe = user.user === me;
  const words = [
    h("bdi", { class: "name" }, name),
    h("span", { class: "hint" }, describe(user, role, isMe, online)),
    online !== undefined && h("span", { class: "sr-only" }, online ? "online" : "offline"),
  ];
  const inside = [avatar(user.user, name, online), h("span", { class: "words" }, ...words)];
  if (isMe || user.name === null) return h("li", { class: "person" }, ...inside);
  const title = `Write to ${name}`;
  return h(
    "li",
    {},
    h("button", { type: "button", class: "person", title, onclick: () => host.write(user) }, ...inside),
  );
}

/**
 * @param {User} user
 * @param {string} role
 * @param {boolean} isMe
 * @param {boolean | undefined} online
 */
function describe(user, role, isMe, online) {
  const parts = [isMe ? "you" : user.name === null ? "" : `@${user.name}`];
  if (role !== "member") parts.push(role);
  if (online === false && user.last_seen !== undefined) parts.push(ago(new Date(user.last_seen), new Date()));
  return parts.filter(Boolean).join(" · ");
}
