/** How an item is named, coloured and linked, everywhere the same. `row` is an item as the API gives it. */

import {clip, el} from "./dom.js";
import {duration, value} from "./format.js";

/** itemType -> table, names in the singular and plural, colour (class `of-...`), and whether it is a call (has children). */
export const KINDS = {
  request: {table: "requests", name: "Request", names: "Requests", color: "request", call: true},
  dependency: {table: "dependencies", name: "Dependency", names: "Dependencies", color: "dependency", call: true},
  exception: {table: "exceptions", name: "Exception", names: "Exceptions", color: "exception", call: false},
  trace: {table: "traces", name: "Log", names: "Logs", color: "trace", call: false},
  customEvent: {table: "customEvents", name: "Event", names: "Events", color: "event", call: false},
  customMetric: {table: "customMetrics", name: "Metric", names: "Metrics", color: "metric", call: false},
  pageView: {table: "pageViews", name: "Page view", names: "Page views", color: "view", call: true},
  availabilityResult: {table: "availabilityResults", name: "Availability", names: "Availability", color: "availability", call: true},
};

export const SEVERITIES = ["Verbose", "Information", "Warning", "Error", "Critical"];

const NO_OPERATION = /^0*$/;
const NAME_MOST = 300;

/** Return what is known about an item's kind; of an unknown one as much as can be shown. */
export function kindOf(row) {
  const type = row.itemType;
  if (Object.hasOwn(KINDS, type)) return KINDS[type];
  return {table: String(type), name: String(type), names: String(type), color: "trace", call: false};
}

/** Return what an item is called: its name, message, or the exception's type and message; cut for a line. */
export function titleOf(row) {
  if (row.itemType === "exception") return clip([row.type, row.message].filter(Boolean).join(": "), NAME_MOST);
  return clip(row.name || row.message || row.url || "(no name)", NAME_MOST);
}

/** Tell whether the item is a call that did not succeed, or an exception. */
export function isFailed(row) {
  return row.itemType === "exception" || row.success === false;
}

/** Return the kind with its coloured dot; logs have their severity in its place. */
export function kindLabel(row) {
  const kind = kindOf(row);
  const level = row.itemType === "trace" ? SEVERITIES[row.severityLevel] : undefined;
  const color = row.itemType === "trace" && row.severityLevel >= 2 ? (row.severityLevel >= 3 ? "exception" : "metric") : kind.color;
  return el("span", {class: `kind of-${color}${kind.call ? " call" : ""}`}, level ?? kind.name);
}

/** Return the chip or legend of a kind: its dot and its name in the plural. */
export function kindName(type) {
  const kind = KINDS[type];
  return el("span", {class: `kind of-${kind.color}${kind.call ? " call" : ""}`}, kind.names);
}

/** Return the result code with FAILED where it did not succeed, the value of a metric, or null. */
export function resultBadge(row) {
  if (row.itemType === "customMetric") return el("span", {class: "number"}, value(row.value));
  const code = row.resultCode ? clip(row.resultCode, 24) : "";
  if (row.success === false) return el("span", {class: "badge fail"}, code && code !== "0" ? code : "failed");
  return code && code !== "0" ? el("span", {class: "badge"}, code) : null;
}

/** Return what a dependency calls: type and target. */
export function targetOf(row) {
  return clip([row.type, row.target].filter(Boolean).join(" "), NAME_MOST);
}

/** Return the duration as text; "" for items that have none. */
export function durationOf(row) {
  return kindOf(row).call ? duration(row.duration) : "";
}

/** Return the table and number of an item in one word, as URLs have it: requests:12. */
export function keyOf(row) {
  return `${kindOf(row).table}:${row.itemId}`;
}

/** Return the link to the transaction of an item with the item chosen, or null if it belongs to none. */
export function transactionLink(state, row) {
  if (!hasTransaction(row)) return null;
  return state.link("transaction", {path: [row.operation_Id], item: keyOf(row)});
}

/** Tell whether an item belongs to an operation: without one, some SDKs send an id of zeros. */
export function hasTransaction(row) {
  return Boolean(row.operation_Id) && !NO_OPERATION.test(row.operation_Id);
}
