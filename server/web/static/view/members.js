/** Who is in the room, and who of them is here now. */

/** @import { Member, User } from "../protocol.js" */
/** @import { People } from "../people.js" */
/** @import { RoomState } from "../room.js" */
import { ago } from "../dates.js";
import { displayName } from "../people.js";
import { counted } from "../text.js";
import { avatar } from "./avatar.js";
import { fill, h, icon, iconButton } from "./element.js";

/**
 * @typedef {object} MembersHost
 * @property {() => { room: RoomState, people: People, me: string }} scene
 * @property {() => void} close
 * @property {() => void} invite
 * @property {() => void} leave
 * @property {(user: User) => void} write
 */

export class MembersPanel {
  #signature = "";

  /** @param {MembersHost} host */
  constructor(host) {
    this.host = host;
    this.heading = h("h2", { id: "members-heading" });
    this.body = h("div", { class: "members-body" });
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
    const members = room.members?.map((member) => this.#seen(member, people));
    const signature = JSON.stringify([people.current, members, room.info.members, room.moreMembers]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.heading.textContent = counted(room.info.members, "person", "people");
    if (!members) return fill(this.body, h("p", { class: "hint" }, "Loading…"));
    const byName = members.sort((a, b) => displayName(a.user).localeCompare(displayName(b.user)));
    const who = (/** @type {boolean | undefined} */ online) => byName.filter(({ user }) => people.isOnline(user.user) === online);
    fill(
      this.body,
      ...section("Online", who(true), true, me, this.host),
      ...section("Offline", who(false), false, me, this.host),
      ...section("Everyone", who(undefined), undefined, me, this.host),
      room.moreMembers && h("p", { class: "hint" }, `and ${counted(room.info.members - members.length, "more person", "more people")}`),
    );
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

/**
 * @param {string} label
 * @param {Member[]} members
 * @param {boolean | undefined} online
 * @param {string} me
 * @param {MembersHost} host
 */
function section(label, members, online, me, host) {
  if (members.length === 0) return [];
  return [
    h("h3", {}, `${label} · ${members.length.toLocaleString()}`),
    h("ul", { role: "list" }, ...members.map((member) => entry(member, online, me, host))),
  ];
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
  return h("li", {}, h("button", { type: "button", class: "person", title, onclick: () => host.write(user) }, ...inside));
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
