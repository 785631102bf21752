/** The list of the latest operations, the first thing that is seen: is there telemetry, and what happened last? */

import {whenNewer} from "../arrivals.js";
import {clip, el, fill} from "../dom.js";
import {clock, count, duration, exactly} from "../format.js";
import {loading, nothing, nothingYet} from "../states.js";
import {dataTable} from "../table.js";

const PAGE = 50;
const MOST = 200;

export async function renderTransactions(root, state, api) {
  let limit = PAGE;
  loading(root);
  const ask = async () => (await api.get("transactions", state.query({limit}))).items;
  const items = await ask();
  if (!items.length) {
    const narrowed = Object.keys(state.range).length || state.role;
    fill(root, narrowed ? nothing("No transactions here", wider(state)) : await nothingYet(api));
    whenNewer(api, state.query(), state.refresh);
    return;
  }
  const longest = Math.max(...items.map((item) => item.duration ?? 0));
  const table = dataTable({label: "Latest transactions", columns: columns(longest), href: linkOf(state), className: (item) => (item.success ? "" : "fail")});
  const more = el("button", {type: "button", on: {click: showMore}}, "Show more");
  async function showMore() {
    limit = Math.min(limit * 3, MOST);
    more.disabled = true;
    show(await ask());
    more.disabled = false;
  }
  function show(found) {
    table.show(found);
    fill(table.end, found.length >= limit && limit < MOST && more);
  }
  show(items);
  const news = el("div", {class: "news", role: "status"});
  fill(root, news, table.element);
  whenNewer(api, state.query({table: ["requests"]}), () => fill(news, el("button", {type: "button", on: {click: state.refresh}}, "New requests have arrived. Show them", el("kbd", {}, "r"))));
}

function wider(state) {
  return el("p", {}, "Nothing in this time range and role. ", el("a", {href: state.link("transaction", {last: null, from: null, to: null, role: null})}, "Show all time and all roles"), ".");
}

function linkOf(state) {
  return (item) => state.link("transaction", {path: [item.operation_Id]});
}

function columns(longest) {
  return [
    {title: "Time", cell: (item) => el("time", {title: exactly(item.timestamp)}, clock(item.timestamp)), sort: (item) => item.timestamp, className: "nowrap"},
    {title: "Operation", cell: (item) => clip(item.name || "(no name)"), sort: (item) => item.name, main: true, className: "wide"},
    {title: "Role", cell: (item) => clip(item.cloud_RoleName ?? "", 40), sort: (item) => item.cloud_RoleName ?? "", className: "nowrap muted optional"},
    {title: "Result", cell: result, sort: (item) => item.resultCode ?? "", className: "nowrap"},
    {title: "Failures", cell: (item) => (item.failures ? el("span", {class: "text-fail"}, count(item.failures)) : ""), sort: (item) => item.failures, align: "right", className: "optional"},
    {title: "Items", cell: (item) => count(item.items), sort: (item) => item.items, align: "right"},
    {title: "Duration", cell: (item) => took(item, longest), sort: (item) => item.duration, align: "right", className: "nowrap"},
  ];
}

function result(item) {
  const code = item.resultCode && item.resultCode !== "0" ? clip(item.resultCode, 24) : "";
  if (!item.success) return el("span", {class: "badge fail"}, code || "failed");
  return code && el("span", {class: "badge"}, code);
}

/** The duration with a thin bar under it, by the square root: a short one beside a long one can still be seen. */
export function took(item, longest) {
  if (item.duration === null || item.duration === undefined) return "";
  const share = longest > 0 ? Math.sqrt(Math.min(item.duration / longest, 1)) : 0;
  return el("span", {class: `gauge${item.success === false ? " fail" : ""}`, css: {"--share": share}}, duration(item.duration));
}
