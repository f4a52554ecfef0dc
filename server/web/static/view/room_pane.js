/** One room, open: its name, its messages, who is typing, and where to write. A new one is made for each room. */

/** @import { Client } from "../client.js" */
/** @import { RoomState } from "../room.js" */
import { ago } from "../dates.js";
import { roomName, roomTitle } from "../room_names.js";
import { excerpt } from "../rows.js";
import { loadDraft, saveDraft } from "../storage.js";
import { counted } from "../text.js";
import { displayName } from "../people.js";
import { avatar, roomSign } from "./avatar.js";
import { Composer } from "./composer.js";
import { fill, h, icon, iconButton } from "./element.js";
import { MessageList } from "./messages.js";

/** How many pages of history are worth loading to show what a reply answers. */
const PAGES_TO_QUOTED = 10;
const MOST_TYPISTS = 3;

/**
 * @typedef {object} RoomHost
 * @property {Client} client
 * @property {() => void} toggleMembers
 * @property {() => void} invite
 */

export class RoomPane {
  /** @type {{ seq: number, pages: number } | undefined} what is being looked for in older history */
  #sought;
  #headerSignature = "";

  /**
   * @param {RoomHost} host
   * @param {RoomState} room
   */
  constructor(host, room) {
    this.host = host;
    this.id = room.id;
    this.title = h("h1", { id: "room-title", dir: "auto" });
    this.subtitle = h("p", { class: "hint" });
    this.sign = h("span", { class: "sign-slot" });
    this.peopleCount = h("span", { class: "people-count" });
    this.peopleWord = h("span", { class: "sr-only" });
    this.peopleButton = h(
      "button",
      {
        type: "button",
        class: "icon-button wide",
        title: "Who is here",
        "aria-controls": "members",
        onclick: host.toggleMembers,
      },
      icon("group"),
      this.peopleCount,
      this.peopleWord,
    );
    const label = roomTitle(room.info);
    this.messages = new MessageList(this.#messagesHost(), `Messages in ${label}`);
    this.typing = h("p", { class: "typing" });
    this.composer = new Composer(this.#composerHost(), `Message ${label}`, loadDraft(room.id));
    this.element = h(
      "main",
      { class: "room", "aria-labelledby": "room-title" },
      h(
        "header",
        {},
        h(
          "a",
          { href: "#", class: "icon-button back", "aria-label": "Back to the rooms", title: "Back" },
          icon("back"),
        ),
        this.sign,
        h("div", { class: "words" }, this.title, this.subtitle),
        room.info.kind !== "dm" && iconButton("Add people", "invite", { onclick: host.invite }),
        this.peopleButton,
      ),
      this.messages.element,
      this.typing,
      this.composer.element,
    );
  }

  get #conversation() {
    return this.host.client.conversation;
  }

  get #room() {
    return this.#conversation.rooms.get(this.id);
  }

  close() {
    this.messages.close();
    this.composer.close();
  }

  focus() {
    this.composer.focus();
  }

  /** @param {boolean} membersShown */
  update(membersShown) {
    const room = this.#room;
    if (!room) return;
    this.#updateHeader(room);
    this.peopleButton.setAttribute("aria-expanded", String(membersShown));
    this.messages.update();
    this.composer.update();
    this.updateTyping();
    this.#seek(room);
  }

  /** Who is typing fades by itself, so the clock asks for this too. */
  updateTyping() {
    const typists = this.#conversation.people.typingIn(this.id, performance.now());
    const words = typingInWords(typists.map((user) => this.#conversation.people.nameOf(user)));
    if (this.typing.textContent !== words) this.typing.textContent = words;
  }

  /** @param {RoomState} room */
  #updateHeader(room) {
    const { info } = room;
    const peer = info.peer && (this.#conversation.people.known.get(info.peer.user) ?? info.peer);
    const online = peer && this.#conversation.people.isOnline(peer.user);
    const subtitle = peer
      ? whereabouts(online, peer.last_seen)
      : (info.topic ?? counted(info.members, "person", "people"));
    const signature = JSON.stringify([info.name, peer, subtitle, info.members, online]);
    if (signature === this.#headerSignature) return;
    this.#headerSignature = signature;
    this.title.textContent = roomName(info);
    this.subtitle.textContent = subtitle;
    this.peopleCount.textContent = info.members.toLocaleString();
    this.peopleWord.textContent = info.members === 1 ? " person" : " people";
    fill(
      this.sign,
      peer ? avatar(peer.user, displayName(peer), online) : roomSign(info.kind === "channel" ? "hash" : "group"),
    );
  }

  // --- what the messages need ---------------------------------------------------------------------------------

  /** @returns {import("./messages.js").MessagesHost} */
  #messagesHost() {
    const { client } = this.host;
    return {
      scene: () => this.#scene(),
      recovering: () => this.#conversation.isRecovering(this.id),
      older: () => client.older(this.id),
      trim: () => this.#room?.timeline.trim(),
      quote: (seq) => client.quote(this.id, seq),
      read: (seq) => client.read(this.id, seq),
      leaveList: () => this.composer.focus(),
      actions: {
        reply: (seq) => this.composer.replyTo(seq),
        showQuoted: (seq) => this.#showQuoted(seq),
        retry: (nonce) => client.retry(this.id, nonce),
        discard: (nonce) => client.discard(this.id, nonce),
      },
    };
  }

  #scene() {
    const { people, outbox, me } = this.#conversation;
    const room = this.#room;
    if (!room || !me) throw new Error("an open room has a state and a reader");
    return { room, people, posts: outbox.of(this.id), me: me.user, myName: displayName(me) };
  }

  /** @param {number} seq */
  #showQuoted(seq) {
    if (!this.messages.show(seq)) this.#sought = { seq, pages: PAGES_TO_QUOTED };
    if (this.#sought) this.host.client.older(this.id);
  }

  /** Goes on loading older pages until what somebody asked to see is there. @param {RoomState} room */
  #seek(room) {
    if (!this.#sought || room.asking.history) return;
    this.#sought.pages -= 1;
    const { seq, pages } = this.#sought;
    if (this.messages.show(seq) || pages <= 0 || room.timeline.complete) this.#sought = undefined;
    else this.host.client.older(this.id);
  }

  // --- what the composer needs --------------------------------------------------------------------------------

  /** @returns {import("./composer.js").ComposerHost} */
  #composerHost() {
    const { client } = this.host;
    return {
      send: (text, replyTo) => {
        client.post(this.id, text, replyTo);
        this.messages.posted();
      },
      typing: () => client.typing(this.id),
      keep: (draft) => saveDraft(this.id, draft),
      quote: (seq) => {
        const message = this.#room?.timeline.message(seq) ?? this.#room?.quotes.get(seq);
        return message
          ? { author: displayName(message.from), text: excerpt(message.text) }
          : { author: "", text: "An earlier message" };
      },
      toMessages: () => this.messages.focusLast(),
    };
  }
}

/**
 * @param {boolean | undefined} online
 * @param {string | undefined} lastSeen
 */
function whereabouts(online, lastSeen) {
  if (online === undefined) return "";
  if (online) return "online";
  return lastSeen === undefined ? "offline" : `last here ${ago(new Date(lastSeen), new Date())}`;
}

/** @param {string[]} names */
function typingInWords(names) {
  if (names.length === 0) return "";
  if (names.length > MOST_TYPISTS) return "Several people are typing…";
  return `${new Intl.ListFormat("en").format(names)} ${names.length === 1 ? "is" : "are"} typing…`;
}
