/** A round sign for a person or a room. Decoration: the name always stands beside it. */

import { hueOf, initials } from "../text.js";
import { h, icon } from "./element.js";

/** @import { IconName } from "./element.js" */

/**
 * @param {string} id
 * @param {string} name
 * @param {boolean} [online] shows a dot; nothing is shown where it is not known
 */
export function avatar(id, name, online) {
  return h(
    "span",
    { class: `avatar hue-${hueOf(id)}`, "aria-hidden": "true" },
    initials(name),
    online !== undefined && h("span", { class: online ? "dot online" : "dot" }),
  );
}

/** @param {IconName} name */
export function roomSign(name) {
  return h("span", { class: "avatar sign", "aria-hidden": "true" }, icon(name));
}
