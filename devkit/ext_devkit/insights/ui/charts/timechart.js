/**
 * A chart over time: stacked bars, lines over them, and a readout of the step under the mouse.
 *
 *   const chart = timeChart({
 *     label: "Requests over time",
 *     step: 60,                                   // seconds of a step
 *     times: ["2026-01-02T03:04:00Z", ...],       // where each step begins
 *     series: [
 *       {name: "Failed", values: [0, 2, ...], shape: "bar", colour: "fail"},
 *       {name: "p95", values: [12.5, null, ...], shape: "line", colour: 2},
 *     ],
 *     format: {bar: compact, line: duration},     // how values of the left and of the right axis are written
 *     onRange: (from, to) => state.set({from, to, last: null}),   // a part was chosen; optional
 *   });
 *   root.append(chart);
 *
 * Bars have the axis on the left, lines that on the right, or the left one if there are no bars. Null values are gaps.
 * Colours: 1 to 8 (the series of app.css), "fail", "ok", "muted". The arrows go from step to step, Home and End to the
 * ends, Shift with an arrow chooses several, Enter asks for what is chosen; with the mouse one draws over the chart.
 */

import {el, fill, svg} from "../dom.js";
import {exactly, instant, tick} from "../format.js";
import {labelled, ticks, vertical} from "./scale.js";

const HEIGHT = 190;
const TOP = 10;
const BOTTOM = 22;
const SIDE = 52;
const FEWEST_PIXELS = 6;

export function timeChart(options) {
  const chart = new TimeChart(options);
  return chart.element;
}

class TimeChart {
  constructor({label, step, times, series, format, onRange = null}) {
    Object.assign(this, {label, step, times, series, format, onRange});
    this.bars = series.filter((one) => one.shape === "bar");
    this.lines = series.filter((one) => one.shape === "line");
    this.at = null;
    this.chosen = null;
    this.readout = el("div", {class: "readout", "aria-live": "polite"});
    this.place = el("div", {class: "plot"});
    this.element = el("figure", {class: "chart"}, this.readout, this.place);
    this.#draw(800);
    this.#read(null);
    new ResizeObserver(([seen]) => {
      const width = Math.round(seen.contentRect.width);
      if (width > 0 && width !== this.width) this.#draw(width);
    }).observe(this.place);
  }

  #draw(width) {
    this.width = width;
    this.left = SIDE;
    this.right = width - (this.bars.length && this.lines.length ? SIDE : 12);
    const mostOf = (all) => Math.max(0, ...all);
    const stacked = this.times.map((_, at) => this.bars.reduce((sum, one) => sum + (one.values[at] ?? 0), 0));
    const known = this.lines.flatMap((one) => one.values.filter(Number.isFinite));
    this.barTicks = ticks(mostOf(stacked));
    this.lineTicks = ticks(mostOf(known));
    const bottom = HEIGHT - BOTTOM;
    this.barY = vertical(this.barTicks.at(-1), TOP, bottom);
    this.lineY = vertical(this.lineTicks.at(-1), TOP, bottom);
    this.mark = svg("g", {class: "mark"});
    const drawing = svg(
      "svg",
      {
        class: "drawing", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, tabindex: "0", role: "img",
        "aria-label": `${this.label}. Use the arrow keys to read the steps.`,
      },
      this.#axes(bottom),
      this.#bars(bottom),
      this.lines.map((one) => this.#line(one)),
      this.mark,
    );
    this.#listen(drawing);
    fill(this.place, drawing);
    this.drawing = drawing;
    this.#showMark();
  }

  #axes(bottom) {
    const hasBars = this.bars.length > 0;
    const leftTicks = hasBars ? this.barTicks : this.lineTicks;
    const [leftY, leftFormat] = hasBars ? [this.barY, this.format.bar] : [this.lineY, this.format.line];
    const grid = leftTicks.map((value) => svg("line", {class: "grid", x1: this.left, x2: this.right, y1: leftY(value), y2: leftY(value)}));
    const text = (value, x, y, anchor) => svg("text", {class: "tick", x, y, "text-anchor": anchor, "dominant-baseline": "middle"}, value);
    const leftTexts = leftTicks.map((value) => text(leftFormat(value), this.left - 6, leftY(value), "end"));
    const rightTexts = hasBars && this.lines.length ? this.lineTicks.map((value) => text(this.format.line(value), this.right + 6, this.lineY(value), "start")) : [];
    const times = labelled(this.times.length, this.right - this.left, 62).map((at) =>
      svg("text", {class: "tick", x: this.#x(at), y: bottom + 15, "text-anchor": at === 0 ? "start" : "middle"}, tick(this.times[at], this.step)),
    );
    return svg("g", {}, grid, leftTexts, rightTexts, times);
  }

  #bars(bottom) {
    const wide = Math.max((this.right - this.left) / Math.max(this.times.length, 1), 1);
    const gap = wide > 6 ? 2 : wide > 3 ? 1 : 0;
    const drawn = this.times.map((_, at) => {
      let sum = 0;
      return this.bars.map((one) => {
        const value = one.values[at] ?? 0;
        if (!value) return null;
        const [low, high] = [this.barY(sum), this.barY(sum + value)];
        sum += value;
        // What is there at all is seen, however little it is.
        const height = Math.max(low - high, 1.5);
        return svg("rect", {class: `bar c-${one.colour}`, x: this.#x(at) + gap / 2, y: Math.min(high, bottom - height), width: wide - gap, height});
      });
    });
    return svg("g", {}, drawn);
  }

  #line(one) {
    const middle = (this.right - this.left) / Math.max(this.times.length, 1) / 2;
    let path = "";
    let open = false;
    const dots = [];
    one.values.forEach((value, at) => {
      if (!Number.isFinite(value)) {
        open = false;
        return;
      }
      const [x, y] = [this.#x(at) + middle, this.lineY(value)];
      path += `${open ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      const alone = !open && !Number.isFinite(one.values[at + 1]);
      if (alone) dots.push(svg("circle", {class: `dot c-${one.colour}`, cx: x, cy: y, r: 2}));
      open = true;
    });
    return svg("g", {}, svg("path", {class: `line c-${one.colour}`, d: path || "M0 0"}), dots);
  }

  #listen(drawing) {
    drawing.addEventListener("pointermove", (event) => this.#moved(event));
    drawing.addEventListener("pointerleave", () => this.from === undefined && this.#goTo(null));
    drawing.addEventListener("pointerdown", (event) => {
      if (!this.onRange || event.button !== 0 || !this.times.length) return;
      drawing.setPointerCapture(event.pointerId);
      this.from = this.#stepAt(event);
      this.startX = event.clientX;
    });
    drawing.addEventListener("pointerup", (event) => this.#released(event));
    drawing.addEventListener("pointercancel", () => (this.from = undefined));
    drawing.addEventListener("keydown", (event) => this.#pressed(event));
    drawing.addEventListener("blur", () => this.#goTo(null));
  }

  #moved(event) {
    const at = this.#stepAt(event);
    this.chosen = this.from === undefined ? null : this.from;
    this.#goTo(at);
  }

  #released(event) {
    const from = this.from;
    this.from = undefined;
    if (from === undefined) return;
    if (Math.abs(event.clientX - this.startX) >= FEWEST_PIXELS) this.#choose(from, this.#stepAt(event));
    this.chosen = null;
    this.#showMark();
  }

  #pressed(event) {
    const last = this.times.length - 1;
    if (last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = this.at ?? last;
    const target = {ArrowLeft: Math.max(now - 1, 0), ArrowRight: Math.min(this.at === null ? 0 : now + 1, last), Home: 0, End: last}[event.key];
    if (target !== undefined) {
      this.chosen = event.shiftKey ? (this.chosen ?? now) : null;
      this.#goTo(target);
    } else if (event.key === "Enter" && this.at !== null && this.onRange) {
      this.#choose(this.chosen ?? this.at, this.at);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Ask for the steps from one to another, both with them. */
  #choose(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    const end = instant(this.times[last]) + this.step * 1000;
    this.onRange(new Date(instant(this.times[first])).toISOString(), new Date(end).toISOString());
  }

  #stepAt(event) {
    const box = this.drawing.getBoundingClientRect();
    const x = (event.clientX - box.left) * (this.width / box.width);
    const at = Math.floor(((x - this.left) / (this.right - this.left)) * this.times.length);
    return Math.min(Math.max(at, 0), this.times.length - 1);
  }

  #x(at) {
    return this.left + (at / Math.max(this.times.length, 1)) * (this.right - this.left);
  }

  #goTo(at) {
    this.at = this.times.length ? at : null;
    if (at === null) this.chosen = null;
    this.#showMark();
    this.#read(this.at);
  }

  #showMark() {
    if (this.at === null) return void fill(this.mark);
    const first = Math.min(this.chosen ?? this.at, this.at);
    const last = Math.max(this.chosen ?? this.at, this.at);
    const [x, end] = [this.#x(first), this.#x(last + 1)];
    fill(this.mark, svg("rect", {class: this.chosen === null ? "cursor" : "cursor chosen", x, y: TOP, width: Math.max(end - x, 1), height: HEIGHT - TOP - BOTTOM}));
  }

  /** Say what a step has; of no step, what the colours mean. */
  #read(at) {
    const items = this.series.map((one) => {
      const written = at === null ? null : (this.format[one.shape](one.values[at]) || "–");
      return el("li", {}, el("span", {class: `swatch of-${one.shape} c-${one.colour}`, "aria-hidden": "true"}), one.name, written && el("b", {class: "number"}, written));
    });
    const time = at === null ? null : el("time", {}, exactly(this.times[at]).replace(/\.\d+/, ""));
    fill(this.readout, el("ul", {class: "legend"}, items), time);
  }
}
