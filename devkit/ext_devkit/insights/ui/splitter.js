/** A line between two parts that can be dragged, or moved with the arrow keys, to give one of them more room. */

import {el} from "./dom.js";

const STEP = 24;

/** `position(event)` tells the width that a pointer means, `width()` the present one, `resize(width)` sets it (px). */
export function splitter({label, className, position, width, resize, grows = "ArrowRight"}) {
  const shrinks = grows === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
  const pressed = (event) => {
    if (event.key === grows) resize(width() + STEP);
    else if (event.key === shrinks) resize(width() - STEP);
    else return;
    event.preventDefault();
  };
  return el("div", {
    class: `splitter ${className}`,
    role: "separator",
    tabindex: "0",
    "aria-orientation": "vertical",
    "aria-label": label,
    on: {
      pointerdown: (event) => event.target.setPointerCapture(event.pointerId),
      pointermove: (event) => event.buttons && resize(position(event)),
      keydown: pressed,
    },
  });
}
