/**
 * A list of rows of one height of which only those in view are elements, so that 40,000 are as quick as 40.
 *
 *   const list = virtualRows({height: 26, row: (at) => el("div", {class: "row"}, ...)});
 *   list.show(count);       // so many rows, all drawn anew
 *   list.reveal(at);        // scroll until the row can be seen
 *
 * `list.element` scrolls; each row gets its place by itself, from the property --top.
 */

import {el, fill, setNumber} from "./dom.js";

const BEYOND = 12;

export function virtualRows({height, row, attributes = {}}) {
  const rows = el("div", {class: "virtual-rows", role: "presentation"});
  const element = el("div", {...attributes, class: `virtual ${attributes.class ?? ""}`}, rows);
  const drawn = new Map();
  let total = 0;
  let waiting = false;

  const draw = () => {
    waiting = false;
    const first = Math.max(Math.floor(element.scrollTop / height) - BEYOND, 0);
    const last = Math.min(Math.ceil((element.scrollTop + element.clientHeight) / height) + BEYOND, total);
    for (const [at, one] of drawn) {
      if (at >= first && at < last) continue;
      one.remove();
      drawn.delete(at);
    }
    const missing = [];
    for (let at = first; at < last; at++) {
      if (drawn.has(at)) continue;
      const one = row(at);
      setNumber(one, "--top", at * height);
      drawn.set(at, one);
      missing.push(one);
    }
    rows.append(...missing);
  };
  const later = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  element.addEventListener("scroll", later, {passive: true});
  new ResizeObserver(later).observe(element);

  return {
    element,
    show(count) {
      total = count;
      drawn.clear();
      fill(rows);
      setNumber(rows, "--height", total * height);
      draw();
    },
    /** Draw one row anew, if it is in view. */
    redraw(at) {
      drawn.get(at)?.remove();
      drawn.delete(at);
      draw();
    },
    reveal(at) {
      const top = at * height;
      const view = element.clientHeight - height * 2;
      if (top < element.scrollTop + height) element.scrollTop = Math.max(top - height * 2, 0);
      else if (top > element.scrollTop + view) element.scrollTop = top - view + height;
      draw();
    },
    /** Rows that fit into the view. */
    get fitting() {
      return Math.max(Math.floor(element.clientHeight / height) - 1, 1);
    },
  };
}
