/** What the pages of the analysis share: tiles with numbers, a choice of few, chips of what is chosen. */

import {clip, el} from "../dom.js";
import {icon} from "../icons.js";

/** Return numbers with their names: `tiles([["Requests", "1,234"], ["Failed", "3 %", "fail"]])`. */
export function tiles(numbers) {
  return el(
    "dl",
    {class: "numbers"},
    numbers.map(([name, number, kind = ""]) => el("div", {class: kind}, el("dt", {}, name), el("dd", {class: "number"}, number))),
  );
}

/** Return buttons of which one is pressed: `values` maps what is chosen to what it is called. */
export function segments(label, values, chosen, choose) {
  return el(
    "div",
    {class: "segments", role: "group", "aria-label": label},
    Object.entries(values).map(([value, text]) =>
      el("button", {type: "button", "aria-pressed": String(value === chosen), on: {click: () => choose(value)}}, text),
    ),
  );
}

/** Return a chip of a filter that takes it away when it is pressed. */
export function chip(name, value, remove) {
  return el(
    "button",
    {type: "button", class: "chip chosen", title: "Take this filter away", on: {click: remove}},
    el("span", {class: "muted"}, `${name}:`),
    clip(value, 60) || "(empty)",
    icon("close", 11),
  );
}
