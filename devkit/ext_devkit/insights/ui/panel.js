/**
 * The side panel: `openPanel({title, content, onClose})` shows elements beside the page (over it where there is little
 * room), `closePanel()`, Escape and its button close it. One at a time; it is closed when another page is shown.
 */

import {el, fill, setNumber} from "./dom.js";
import {icon} from "./icons.js";
import {bind} from "./keys.js";
import {splitter} from "./splitter.js";

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
  setNumber(panel, "--width", width);
  // Who reads the details with the keyboard goes on doing so when they are those of another item, or drawn again.
  const wasRead = document.activeElement?.classList.contains("panel-body");
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
  if (wasRead) panel.querySelector(".panel-body").focus();
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

/** The panel's left edge. */
function grip() {
  return splitter({
    label: "Width of the details",
    className: "grip",
    grows: "ArrowLeft",
    position: (event) => panel.getBoundingClientRect().right - event.clientX,
    width: () => width,
    resize: (wanted) => {
      width = Math.min(Math.max(wanted, LEAST), innerWidth * 0.8);
      setNumber(panel, "--width", width);
    },
  });
}
