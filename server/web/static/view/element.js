/**
 * Making elements. Text only ever becomes text nodes, so nothing anybody wrote can become markup or script.
 */

/** @typedef {Node | string | undefined | false} Child */
/** @typedef {Record<string, string | boolean | number | undefined | ((event: any) => void)>} Attributes */

/**
 * An attribute that starts with `on` is a listener; `true` sets an empty attribute, `false` and `undefined` none.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  fill(element, ...children);
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | boolean | number | undefined} value
 */
export function set(element, name, value) {
  if (value === false || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== undefined && child !== false));
}

/** Outlines on a grid of 24, drawn with the current colour; decoration only, so screen readers skip them. */
const ICONS = {
  alert: "M12 8v5 M12 16.5v.01 M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z",
  back: "M15 5l-7 7 7 7",
  check: "M5 12.5l4.5 4.5L19 7.5",
  checks: "M2.5 12.5L7 17l8.5-9.5 M12.5 16.5l.5.5 8.5-9.5",
  clock: "M12 7.5V12l3 2 M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18z",
  close: "M6 6l12 12 M18 6L6 18",
  down: "M12 5v14 M6 13l6 6 6-6",
  group:
    "M9 11a3.5 3.5 0 1 0 0-7a3.5 3.5 0 1 0 0 7z M2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6 M16 4.3a3.5 3.5 0 0 1 0 6.4 M18 14.5c2.1.8 3.5 2.8 3.5 5.5",
  hash: "M5 9h15 M4 15h15 M10 4L8 20 M16 4l-2 16",
  invite: "M10 11a3.5 3.5 0 1 0 0-7a3.5 3.5 0 1 0 0 7z M3 20c0-3.6 3-6 7-6 1.4 0 2.7.3 3.8.8 M18 14v6 M15 17h6",
  keyboard: "M3 7h18v11H3z M7 11v.01 M11 11v.01 M15 11v.01 M8 14.5h8",
  leave: "M10 4H5v16h5 M14 8l4 4-4 4 M18 12H9",
  plus: "M12 5v14 M5 12h14",
  reply: "M10 6L4 12l6 6 M4 12h9c4 0 7 2.5 7 7",
  send: "M4 12L20 4l-5 16-3.5-6.5L4 12z M11.5 13.5L20 4",
};

/** @typedef {keyof typeof ICONS} IconName */

const SVG = "http://www.w3.org/2000/svg";

/** @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  set(svg, "viewBox", "0 0 24 24");
  set(svg, "class", "icon");
  set(svg, "aria-hidden", "true");
  set(path, "d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * @param {string} label what the button does, for those who do not see the icon
 * @param {IconName} name
 * @param {Attributes} attributes
 */
export function iconButton(label, name, attributes) {
  return h(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, ...attributes },
    icon(name),
  );
}
