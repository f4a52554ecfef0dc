/** What kind of screen this is. The queries are live: ask `.matches` at the moment it matters. */

/** From this width on the list of people has a place of its own (in step with layout.css). */
export const WIDE = matchMedia("(min-width: 70rem)");

/** Where the keyboard is a part of the screen, it must not pop up unless somebody wants to write. */
export const TOUCH = matchMedia("(pointer: coarse)");
