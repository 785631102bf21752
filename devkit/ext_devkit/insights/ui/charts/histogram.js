/**
 * How many had which value: `histogram({label, buckets: [{from, to, count}], format: duration, noun: "request"})`.
 * Buckets are drawn equally wide, whatever they span; the arrows and the mouse read them out.
 */

import {el, fill, svg} from "../dom.js";
import {compact, plural} from "../format.js";
import {labelled, ticks, vertical} from "./scale.js";

const HEIGHT = 150;
const TOP = 8;
const BOTTOM = 22;
const LEFT = 46;

export function histogram({label, buckets, format, noun}) {
  const readout = el("div", {class: "readout", "aria-live": "polite"});
  const place = el("div", {class: "plot"});
  let at = null;
  const read = () => {
    const one = buckets[at];
    fill(readout, one ? [`${format(one.from)} – ${format(one.to)}: `, el("b", {}, plural(one.count, noun))] : label);
    for (const [number, bar] of [...place.querySelectorAll(".bucket")].entries()) bar.classList.toggle("read", number === at);
  };
  const goTo = (target) => {
    at = target;
    read();
  };
  const draw = (width) => {
    const scale = ticks(Math.max(0, ...buckets.map((one) => one.count)), 3);
    const y = vertical(scale.at(-1), TOP, HEIGHT - BOTTOM);
    const wide = (width - LEFT - 10) / Math.max(buckets.length, 1);
    const bars = buckets.map((one, number) => {
      const height = one.count ? Math.max(HEIGHT - BOTTOM - y(one.count), 1.5) : 0;
      return svg("rect", {class: "bar bucket c-1", x: LEFT + number * wide + 0.5, y: HEIGHT - BOTTOM - height, width: Math.max(wide - 1, 0.5), height});
    });
    const names = labelled(buckets.length, width - LEFT, 64).map((number) =>
      svg("text", {class: "tick", x: LEFT + number * wide, y: HEIGHT - 7, "text-anchor": "middle"}, format(buckets[number].from)),
    );
    const lines = scale.map((value) => [
      svg("line", {class: "grid", x1: LEFT, x2: width - 10, y1: y(value), y2: y(value)}),
      svg("text", {class: "tick", x: LEFT - 6, y: y(value), "text-anchor": "end", "dominant-baseline": "middle"}, compact(value)),
    ]);
    const drawing = svg("svg", {class: "drawing", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, tabindex: "0", role: "img", "aria-label": `${label}. Use the arrow keys to read the bars.`}, lines, bars, names);
    drawing.addEventListener("pointermove", (event) => {
      const box = drawing.getBoundingClientRect();
      const number = Math.floor(((event.clientX - box.left) * (width / box.width) - LEFT) / wide);
      goTo(number >= 0 && number < buckets.length ? number : null);
    });
    drawing.addEventListener("pointerleave", () => goTo(null));
    drawing.addEventListener("blur", () => goTo(null));
    drawing.addEventListener("keydown", (event) => {
      const last = buckets.length - 1;
      const target = {ArrowLeft: Math.max((at ?? last + 1) - 1, 0), ArrowRight: Math.min((at ?? -1) + 1, last), Home: 0, End: last}[event.key];
      if (target === undefined || last < 0) return;
      event.preventDefault();
      event.stopPropagation();
      goTo(target);
    });
    fill(place, drawing);
    read();
  };
  draw(500);
  let drawn = 500;
  new ResizeObserver(([seen]) => {
    const width = Math.round(seen.contentRect.width);
    if (width > 0 && width !== drawn) draw((drawn = width));
  }).observe(place);
  return el("figure", {class: "chart"}, readout, place);
}
