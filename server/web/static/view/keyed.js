/**
 * A list of elements that are kept for as long as what they show is the same.
 *
 * Whoever is about to press a button, has the focus on it, or has selected a text keeps it while everything around
 * it changes. Elements are matched by key, and replaced only where their signature differs.
 */

/** @typedef {{ key: string, signature: string, make: () => HTMLElement }} Entry */
/** @typedef {{ element: HTMLElement, signature: string }} Shown */

export class KeyedList {
  /** @param {Element} parent whose children these are, and no others */
  constructor(parent) {
    this.parent = parent;
    /** @type {Map<string, Shown>} in the order shown */
    this.shown = new Map();
  }

  /**
   * @param {Entry[]} entries
   * @returns {string | undefined} the key of the element that had the focus, and may have been replaced
   */
  show(entries) {
    const focused = this.keyAround(document.activeElement);
    /** @type {Map<string, Shown>} */
    const shown = new Map();
    for (const { key, signature, make } of entries) {
      const before = this.shown.get(key);
      shown.set(key, before?.signature === signature ? before : { element: make(), signature });
    }
    for (const [key, { element }] of this.shown) if (shown.get(key)?.element !== element) element.remove();
    let next = this.parent.firstElementChild;
    for (const { element } of shown.values()) {
      if (element === next) next = next.nextElementSibling;
      else this.parent.insertBefore(element, next);
    }
    this.shown = shown;
    return focused;
  }

  /** @param {string | undefined} key */
  element(key) {
    return key === undefined ? undefined : this.shown.get(key)?.element;
  }

  /**
   * @param {unknown} target
   * @returns {string | undefined} the key of the element the target is in
   */
  keyAround(target) {
    if (!(target instanceof Node) || !this.parent.contains(target)) return undefined;
    for (const [key, { element }] of this.shown) if (element.contains(target)) return key;
    return undefined;
  }
}
