/**
 * Draws a Waterfall as a tree grid: names on the left, bars and marks on one time scale on the right.
 *
 *   const view = waterfallView(waterfall, {onSelect(at), onOpen(at)}); view.select(at); view.redraw(); bind(view.keys);
 *
 * Keys: arrows and j/k, Home, End, Page up/down go; Left and Right fold and unfold, Enter opens.
 */

import {el, fill, setNumber} from "./dom.js";
import {duration} from "./format.js";
import {icon} from "./icons.js";
import {kindOf, resultBadge, SEVERITIES, targetOf, titleOf} from "./items.js";
import {splitter} from "./splitter.js";
import {virtualRows} from "./virtual.js";

export const ROW_HEIGHT = 27;
const MARKS_MOST = 100;
/** Levels that are indented, and the room that all of them may take together; deeper ones say by how much. */
const DEEPEST = 24;
const INDENT_MOST = 190;
const INDENT = 15;
const TICK_WIDTH = 76;

export function waterfallView(waterfall, {onSelect, onOpen}) {
  let selected = -1;
  const head = el("div", {class: "waterfall-head", role: "row"});
  const lines = el("div", {class: "gridlines", role: "presentation", "aria-hidden": "true"});
  const list = virtualRows({
    height: ROW_HEIGHT,
    row: (place) => rowElement(waterfall, place, waterfall.visible[place] === selected, actions),
    attributes: {class: "waterfall-rows", role: "rowgroup"},
  });
  const grid = el(
    "div",
    {class: "waterfall", role: "treegrid", tabindex: "0", "aria-label": "Items of the transaction", "aria-readonly": "true", css: {"--step": indent(waterfall)}},
    head,
    lines,
    list.element,
    namesSplitter(() => grid),
  );
  const actions = {toggle, choose: (at) => choose(at, true)};

  function redraw() {
    grid.setAttribute("aria-rowcount", String(waterfall.visible.length + 1));
    drawAxis();
    list.show(waterfall.visible.length);
    describe();
  }
  /** As many ticks as have room for their text. */
  function drawAxis() {
    const wanted = Math.min(Math.max(Math.floor((lines.firstElementChild?.clientWidth ?? 0) / TICK_WIDTH), 2), 10);
    const ticks = waterfall.ticks(wanted);
    fill(head, header(waterfall, ticks));
    fill(lines, gridlines(waterfall, ticks));
  }
  let room = 0;
  new ResizeObserver(() => {
    const now = Math.floor((lines.firstElementChild?.clientWidth ?? 0) / TICK_WIDTH);
    if (now !== room) drawAxis();
    room = now;
  }).observe(grid);
  function describe() {
    const place = waterfall.places.get(selected);
    if (place === undefined) grid.removeAttribute("aria-activedescendant");
    else grid.setAttribute("aria-activedescendant", `row-${place}`);
  }
  function toggle(at) {
    if (!waterfall.entries[at].children) return;
    if (!waterfall.folded.delete(at)) waterfall.folded.add(at);
    waterfall.update();
    redraw();
  }
  /** Choose an entry and show it, unfolding what hides it; tell `onSelect` unless it came from the URL. */
  function select(at) {
    const before = waterfall.places.get(selected);
    selected = at;
    if (at >= 0 && waterfall.uncover(at)) redraw();
    if (before !== undefined) list.redraw(before);
    const place = waterfall.places.get(at);
    if (place !== undefined) {
      list.reveal(place);
      list.redraw(place);
    }
    describe();
  }
  function choose(at, opens = false) {
    select(at);
    onSelect(at);
    if (opens) onOpen(at);
  }
  function step(by) {
    const place = waterfall.places.get(selected) ?? (by > 0 ? -1 : waterfall.visible.length);
    const next = Math.min(Math.max(place + by, 0), waterfall.visible.length - 1);
    if (next >= 0) choose(waterfall.visible[next]);
  }
  /** Right unfolds, or goes to the first below; left folds, or goes to the one above. */
  function sideways(right) {
    if (selected < 0) return step(1);
    const one = waterfall.entries[selected];
    const isFolded = waterfall.folded.has(selected);
    if (one.children && isFolded === right) return toggle(selected);
    if (right) return one.children ? step(1) : undefined;
    return one.parent >= 0 ? choose(one.parent) : undefined;
  }
  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    j: () => step(1),
    k: () => step(-1),
    PageDown: () => step(list.fitting),
    PageUp: () => step(-list.fitting),
    Home: () => step(-Infinity),
    End: () => step(Infinity),
    ArrowRight: () => sideways(true),
    ArrowLeft: () => sideways(false),
    Enter: () => [grid, document.body].includes(document.activeElement) && selected >= 0 && onOpen(selected),
  };
  redraw();
  return {element: grid, keys, select, choose, redraw, selected: () => selected};
}

/** Return the pixels of one level: fewer where there are many. */
function indent(waterfall) {
  const deepest = waterfall.entries.reduce((most, one) => Math.max(most, one.depth), 1);
  return Math.min(INDENT, INDENT_MOST / Math.min(deepest, DEEPEST));
}

/** The right edge of the names. */
function namesSplitter(grid) {
  const width = () => grid().querySelector(".name").getBoundingClientRect().width;
  return splitter({
    label: "Width of the names",
    className: "of-names",
    position: (event) => event.clientX - grid().getBoundingClientRect().left,
    width,
    resize: (wanted) => {
      setNumber(grid(), "--chosen-width", Math.min(Math.max(wanted, 120), grid().clientWidth - 260));
      grid().classList.add("resized");
    },
  });
}

function header(waterfall, ticks) {
  const cell = (name, text) => el("div", {class: name, role: "columnheader"}, text);
  const axis = ticks.map((ms) =>
    el("span", {class: "tick", css: {"--at": waterfall.share(ms)}}, el("span", {class: "label"}, ms === 0 ? "0" : duration(ms))),
  );
  const lane = el("div", {class: "lane", role: "columnheader", "aria-label": "Time since the beginning"}, axis);
  return [cell("name", "Item"), cell("result", "Result"), cell("took", "Duration"), lane];
}

function gridlines(waterfall, ticks) {
  return el("div", {class: "lane"}, ticks.map((ms) => el("span", {class: "gridline", css: {"--at": waterfall.share(ms)}})));
}

function rowElement(waterfall, place, isSelected, actions) {
  const at = waterfall.visible[place];
  const one = waterfall.entries[at];
  const folded = waterfall.folded.has(at);
  const failed = one.failed ? " fail" : "";
  return el(
    "div",
    {
      class: `waterfall-row${isSelected ? " selected" : ""}${failed}${place % 2 ? " odd" : ""}`,
      id: `row-${place}`,
      role: "row",
      "aria-level": one.depth + 1,
      "aria-rowindex": place + 2,
      "aria-selected": String(isSelected),
      "aria-expanded": one.children ? String(!folded) : null,
      on: {click: () => actions.choose(at)},
    },
    name(one, at, folded, actions),
    el("div", {class: "result", role: "gridcell"}, result(one.row)),
    el("div", {class: "took", role: "gridcell"}, one.call ? duration(one.row.duration) : ""),
    el("div", {class: "lane", role: "gridcell"}, waterfall.isInView(one) && (one.call ? bar(waterfall, one, at) : mark(waterfall, one, "mark"))),
  );
}

function name(one, at, folded, actions) {
  const toggle = (event) => {
    event.stopPropagation();
    actions.toggle(at);
  };
  const twist = one.children
    ? el("button", {type: "button", class: "twist", tabindex: "-1", "aria-label": folded ? "Unfold" : "Fold", on: {click: toggle}}, icon(folded ? "right" : "down", 12))
    : el("span", {class: "twist"});
  const depth = Math.min(one.depth, DEEPEST);
  const title = titleOf(one.row);
  return el(
    "div",
    {class: "name", role: "gridcell", title, css: {"--depth": depth}},
    one.depth > depth && el("span", {class: "deeper", title: "Levels deeper than shown"}, `+${one.depth - depth}`),
    twist,
    el("span", {class: `dot ${colorOf(one.row)}${one.call ? " call" : ""}`, title: kindTitle(one.row)}),
    el("span", {class: "sr"}, kindTitle(one.row)),
    el("span", {class: "title"}, title),
    one.row.itemType === "dependency" && el("span", {class: "aside"}, targetOf(one.row)),
    roleAside(one),
    folded && el("span", {class: "badge"}, `${one.last - at}`),
    folded && one.failedBelow && !one.failed && el("span", {class: "badge fail", title: "Something below failed"}, "!"),
  );
}

/** The role is named where it changes: the first of a service's calls inside another's. */
function roleAside(one) {
  return one.newRole ? el("span", {class: "badge role"}, one.newRole) : null;
}

function result(row) {
  if (row.itemType === "trace" && row.severityLevel >= 2) {
    return el("span", {class: `badge ${row.severityLevel >= 3 ? "fail" : "warn"}`}, SEVERITIES[row.severityLevel]);
  }
  if (row.itemType === "exception") return el("span", {class: "badge fail"}, "exception");
  return resultBadge(row);
}

function kindTitle(row) {
  return row.itemType === "trace" ? `${SEVERITIES[row.severityLevel] ?? ""} log`.trim() : kindOf(row).name;
}

function colorOf(row) {
  if (row.itemType !== "trace" || !(row.severityLevel >= 2)) return `of-${kindOf(row).color}`;
  return row.severityLevel >= 3 ? "of-exception" : "of-metric";
}

function bar(waterfall, one, at) {
  const left = waterfall.share(one.start);
  const width = waterfall.share(one.end) - left;
  return [
    el("span", {class: `span ${colorOf(one.row)}${one.failed ? " failed" : ""}`, css: {"--at": left, "--width": width}}),
    waterfall.marks(at, MARKS_MOST).filter((below) => waterfall.isInView(below)).map((below) => mark(waterfall, below, "mark small")),
  ];
}

function mark(waterfall, one, classes) {
  const title = `${titleOf(one.row)} (after ${duration(one.start)})`;
  return el("span", {class: `${classes} ${colorOf(one.row)}${one.failed ? " failed" : ""}`, title, css: {"--at": waterfall.share(one.start)}});
}
