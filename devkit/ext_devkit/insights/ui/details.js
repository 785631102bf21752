/** All that is known of one item, for the side panel: facts, exceptions with their frames, properties, every column. */

import {clip, el, fill, isWebUrl, shown} from "./dom.js";
import {bytes, duration, exactly, value} from "./format.js";
import {SEVERITIES, kindLabel, kindOf, keyOf, resultBadge, titleOf, transactionLink} from "./items.js";
import {icon} from "./icons.js";
import {stack} from "./stack.js";
import {copyButton} from "./states.js";

/** Characters of one value that are shown at first. */
const VALUE_MOST = 2000;

/** Characters of JSON in a value that are laid out; more stays as it was sent. */
const JSON_MOST = 20_000;

/** Columns that have a place of their own, or that are only there to find the item. */
const ELSEWHERE = new Set(
  `timestamp name message duration success resultCode url type target data severityLevel details customDimensions
   customMeasurements itemType value problemId`.split(/\s+/),
);

const DERIVED = /^(?:outer|innermost)[A-Z]|^(?:assembly|method)$/;

/** Return the title and the content of the side panel for an item; `began`: ms after the beginning of its transaction. */
export function details(row, state, began = null) {
  return {
    title: [el("div", {class: "panel-kind"}, kindLabel(row), resultBadge(row)), titleOf(row)],
    content: [
      actions(row, state),
      summary(row, began),
      row.itemType === "exception" && exceptions(row),
      section("Custom properties", pairs(row.customDimensions)),
      section("Measurements", pairs(row.customMeasurements, (number) => value(number) || String(number))),
      section("Everything else", pairs(rest(row))),
    ],
  };
}

function actions(row, state) {
  const transaction = state.page === "transaction" ? null : transactionLink(state, row);
  return el(
    "div",
    {class: "chips"},
    transaction && el("a", {class: "action", href: transaction}, icon("transaction", 14), "Open the transaction"),
    copyButton(() => new URL(itemLink(row, state), location.href).href, "Copy link"),
    copyButton(() => JSON.stringify(row, null, 2), "Copy JSON"),
  );
}

function itemLink(row, state) {
  return transactionLink(state, row) ?? state.link("search", {item: keyOf(row)});
}

function summary(row, began) {
  const facts = [
    ["Time", el("time", {}, exactly(row.timestamp))],
    !exactly(row.timestamp).endsWith("(UTC)") && ["Time in UTC", el("time", {}, row.timestamp)],
    began !== null && ["Began after", duration(began)],
    row.duration !== undefined && kindOf(row).call && ["Duration", exactDuration(row.duration)],
    row.success !== undefined && ["Success", row.success ? "yes" : el("span", {class: "text-fail"}, "no")],
    row.resultCode && ["Result", long(row.resultCode)],
    row.severityLevel !== undefined && ["Severity", SEVERITIES[row.severityLevel] ?? String(row.severityLevel)],
    row.itemType === "customMetric" && ["Value", value(row.value)],
    row.type && row.itemType !== "exception" && ["Type", long(row.type)],
    row.target && ["Target", long(row.target)],
    row.url && ["URL", link(row.url)],
    row.problemId && ["Problem", long(row.problemId)],
  ];
  return [
    list(facts),
    row.message && row.itemType !== "exception" && text("Message", row.message),
    row.name && row.name.length > 120 && text("Name", row.name),
    row.data && text(row.type === "SQL" ? "Statement" : "Data", row.data),
  ];
}

function exactDuration(ms) {
  const [short, exact] = [duration(ms), `${value(ms)} ms`];
  return short === exact ? short : `${short} (${exact})`;
}

function text(title, content) {
  return section(title, el("pre", {class: "block", tabindex: "0"}, long(content)), content);
}

function section(title, content, copied = null) {
  if (!content) return null;
  const copy = copied && copyButton(copied);
  return el("section", {class: "section"}, el("h3", {}, title, copy), content);
}

function pairs(map, show = readable) {
  const names = Object.keys(map ?? {}).sort((one, other) => one.localeCompare(other));
  return names.length ? list(names.map((name) => [clip(name, 150), show(map[name])])) : null;
}

function list(facts) {
  return el("dl", {class: "facts"}, facts.filter(Boolean).map(([name, content]) => [el("dt", {}, name), el("dd", {}, content)]));
}

function rest(row) {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !ELSEWHERE.has(name) && !DERIVED.test(name) && name !== "depth"));
}

/** Return a value: text as it is, JSON in text laid out, anything else as JSON. */
function readable(content) {
  if (typeof content !== "string") return long(JSON.stringify(content) ?? "");
  if (isWebUrl(content)) return link(content);
  const laidOut = layOut(content);
  return laidOut ? el("pre", {class: "block", tabindex: "0"}, long(laidOut)) : long(content);
}

function layOut(content) {
  if (!/^\s*[[{]/.test(content) || content.length > JSON_MOST) return null;
  try {
    return JSON.stringify(JSON.parse(content), null, 2);
  } catch {
    return null;
  }
}

/** Return text; of a very long one the beginning, and a button for all of it. */
export function long(content) {
  const whole = String(content);
  if (whole.length <= VALUE_MOST) return whole;
  const place = el("span", {}, clip(whole, VALUE_MOST));
  const button = el(
    "button",
    {type: "button", class: "link", on: {click: () => fill(place, whole) && button.remove()}},
    `Show all of it (${bytes(whole.length)})`,
  );
  return [place, " ", button];
}

/** Return a URL from telemetry: a link if a browser may go there, in a tab that knows nothing of this one. */
function link(url) {
  if (!isWebUrl(url) || url !== shown(url)) return long(url);
  return [el("a", {href: url, target: "_blank", rel: "noopener noreferrer nofollow"}, long(url)), " ", icon("external", 12)];
}

function exceptions(row) {
  const chain = Array.isArray(row.details) && row.details.length ? row.details : [{type: row.type, message: row.message}];
  return chain.map((one, at) =>
    el(
      "section",
      {class: "section"},
      el("h3", {}, at === 0 ? "Exception" : "Inner exception", at === 0 && copyButton(() => asText(chain), "Copy")),
      el("p", {class: "exception-type"}, clip(one.type ?? "", 500)),
      one.message && el("p", {class: "exception-message"}, long(one.message)),
      stack(one),
    ),
  );
}

function asText(chain) {
  return chain
    .map((one) => {
      const frames = (one.parsedStack ?? []).map((frame) => `    at ${frame.method} (${frame.fileName ?? ""}:${frame.line ?? ""})`);
      return [`${one.type}: ${one.message}`, one.rawStack ?? frames.join("\n")].join("\n");
    })
    .join("\n\n");
}
