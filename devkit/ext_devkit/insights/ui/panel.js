/**
 * The side panel: `openPanel({title, content, onClose})` shows elements beside the page (over it where there is little
 * room), `closePanel()`, Escape and its button close it. One at a time; it is closed when another page is shown.
 */

import {el, fill} from "./dom.js";
import {icon} from "./icons.js";
import {bind} from "./keys.js";

const STEP = 24;
const LEAST = 280;
const panel = el("aside", {class: "panel", hidden: true, "aria-label": "Details"});
let closed = null;
let width = 440;

/** Return the panel's element, for the shell. */
export function startPanel() {
  bind({Escape: () => (panel.hidden ? false : closePanel())});
  return panel;
}

export function openPanel({title, content, onClose = null}) {
  const before = closed;
  closed = null;
  if (before !== onClose) before?.();
  closed = onClose;
  panel.style.setProperty("--width", `${width}px`);
  fill(
    panel,
    grip(),
    el(
      "header",
      {},
      el("h2", {}, title),
      el("button", {type: "button", class: "quiet square", "aria-label": "Close (Esc)", title: "Close (Esc)", on: {click: closePanel}}, icon("close")),
    ),
    el("div", {class: "panel-body", tabindex: "0"}, content),
  );
  panel.hidden = false;
}

export function closePanel() {
  if (panel.hidden) return;
  panel.hidden = true;
  fill(panel);
  const tell = closed;
  closed = null;
  tell?.();
}

export function isPanelOpen() {
  return !panel.hidden;
}

/** The panel's left edge: drag it, or use the arrow keys, to make the panel wider. */
function grip() {
  const resize = (wanted) => {
    width = Math.min(Math.max(wanted, LEAST), innerWidth * 0.8);
    panel.style.setProperty("--width", `${width}px`);
  };
  const drag = (event) => event.buttons && resize(panel.getBoundingClientRect().right - event.clientX);
  const keys = (event) => {
    if (event.key === "ArrowLeft") resize(width + STEP);
    else if (event.key === "ArrowRight") resize(width - STEP);
    else return;
    event.preventDefault();
  };
  return el("div", {
    class: "grip",
    role: "separator",
    tabindex: "0",
    "aria-orientation": "vertical",
    "aria-label": "Width of the details",
    on: {pointerdown: (event) => event.target.setPointerCapture(event.pointerId), pointermove: drag, keydown: keys},
  });
}
