/**
 * The keyboard: `const unbind = bind({"g s": openSearch, "/": focusSearch, "j": next})`.
 *
 * A key is its `KeyboardEvent.key`; two with a space between are typed one after the other. What was bound last is
 * asked first; a handler that returns false passes the key on. Nothing is bound while somebody types into a field,
 * except Escape, nor while a dialog is open. Arrows and j/k move through the rows of the list of the page (elements
 * with `data-row` in an element with `data-list`: tables have them), Enter is then the browser's own.
 */

const SEQUENCE_MS = 1000;

/** Keys that scroll the side panel while it has the focus. */
const SCROLLING = /^(?:Arrow|Page|Home|End)/;

const layers = [];
let first = "";
let firstAt = 0;

/** Bind keys until the returned function is called. */
export function bind(map) {
  layers.unshift(map);
  return () => layers.splice(layers.indexOf(map) >>> 0, 1);
}

/** Begin to listen. */
export function startKeys() {
  document.addEventListener("keydown", pressed);
  bind({ArrowDown: () => move(1), ArrowUp: () => move(-1), j: () => move(1), k: () => move(-1)});
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (isTyping(event.target) && event.key !== "Escape") return;
  if (SCROLLING.test(event.key) && event.target.closest?.(".panel")) return;
  const sequence = performance.now() - firstAt < SEQUENCE_MS ? `${first} ${event.key}` : "";
  if ((sequence && handled(sequence)) || handled(event.key)) {
    event.preventDefault();
    first = "";
  } else if (event.key.length === 1) {
    first = event.key;
    firstAt = performance.now();
  }
}

function handled(keys) {
  return layers.some((map) => Object.hasOwn(map, keys) && map[keys]() !== false);
}

/** Tell whether what has the focus takes text. */
export function isTyping(target) {
  return target.matches?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button])");
}

function move(step) {
  const active = document.activeElement;
  const list = active?.closest("[data-list]") ?? document.querySelector("#main [data-list]");
  if (!list) return false;
  const rows = [...list.querySelectorAll("[data-row]")];
  const at = rows.indexOf(active);
  const row = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1)];
  if (!row) return false;
  row.focus();
  row.scrollIntoView({block: "nearest"});
  return true;
}
