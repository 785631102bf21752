/**
 * The time range in the header: the last 15 minutes ... 7 days, all, or from-to in local time. It lives in the URL
 * (`last`, or `from` and `to` in ISO 8601 with Z), so it stays when pages change and goes along with a shared link.
 */

import {el, fill} from "./dom.js";
import {clock} from "./format.js";

const RANGES = {"": "All time", "15m": "Last 15 minutes", "1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days"};
const CUSTOM = "custom";

/** Return {element, show(state)}; a choice is put into the URL through the state that was shown last. */
export function timeRange() {
  let current = null;
  const select = el("select", {"aria-label": "Time range", on: {change: chosen}});
  const dialog = customDialog((from, to) => current.set({last: null, from, to}));
  function chosen() {
    const range = select.value;
    if (range !== CUSTOM) return current.set({last: range, from: null, to: null});
    show(current);
    return dialog.ask(current.range);
  }
  function show(state) {
    current = state;
    const {last, from, to} = state.range;
    const names = {...RANGES};
    if (last && !(last in names)) names[last] = `Last ${last}`;
    const isCustom = Boolean(from || to);
    fill(
      select,
      Object.entries(names).map(([value, name]) => el("option", {value}, name)),
      isCustom && el("option", {value: "shown"}, describe(from, to)),
      el("option", {value: CUSTOM}, "From … to …"),
    );
    select.value = isCustom ? "shown" : (last ?? "");
  }
  return {element: el("span", {class: "timerange"}, select, dialog.element), show};
}

function describe(from, to) {
  const text = (moment) => clock(moment).replace(/\.\d+$/, "");
  if (!from) return `until ${text(to)}`;
  return to ? `${text(from)} – ${text(to)}` : `since ${text(from)}`;
}

function customDialog(choose) {
  const from = el("input", {type: "datetime-local", step: "1", name: "from"});
  const to = el("input", {type: "datetime-local", step: "1", name: "to"});
  const problem = el("p", {class: "problem", role: "alert"});
  const element = el(
    "dialog",
    {class: "ask", "aria-label": "Time range"},
    el(
      "form",
      {on: {submit: done}},
      el("h2", {}, "Time range"),
      el("label", {}, "From", from),
      el("label", {}, "To", to),
      el("p", {class: "muted"}, "In local time. Leave one empty for an open end."),
      problem,
      el(
        "div",
        {class: "buttons"},
        el("button", {type: "button", on: {click: () => element.close()}}, "Cancel"),
        el("button", {type: "submit", class: "primary"}, "Show"),
      ),
    ),
  );
  function done(event) {
    event.preventDefault();
    if (from.value && to.value && from.value >= to.value) return fill(problem, "“From” has to be before “To”.");
    element.close();
    return choose(iso(from.value), iso(to.value));
  }
  function ask(range) {
    from.value = local(range.from);
    to.value = local(range.to);
    fill(problem);
    element.showModal();
  }
  return {element, ask};
}

function iso(value) {
  return value ? new Date(value).toISOString() : null;
}

function local(moment) {
  const date = new Date(moment ?? NaN);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
