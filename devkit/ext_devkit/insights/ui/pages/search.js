/**
 * All items that have the words and facts asked for, newest first, page after page as one scrolls.
 * In the URL: q, table (several), success, severity, and the facts below; `item` is one whose details are shown.
 */

import {whenNewer} from "../arrivals.js";
import {details} from "../details.js";
import {append, clip, el, fill} from "../dom.js";
import {clock, compact, exactly} from "../format.js";
import {icon} from "../icons.js";
import {KINDS, SEVERITIES, isFailed, keyOf, kindLabel, kindName, kindOf, resultBadge, targetOf, titleOf, transactionLink} from "../items.js";
import {closePanel, openPanel} from "../panel.js";
import {guarded, loading, nothing, nothingYet} from "../states.js";
import {dataTable} from "../table.js";
import {took} from "./transactions.js";
import {emphasised, wordsOf} from "./words.js";

export const title = "Search";

const PAGE = 100;

/** Parameters that ask for one value of a column, and what they are called. */
const FACTS = {name: "Name", resultCode: "Result", operation_Id: "Operation", operation_Name: "Operation name", problemId: "Problem", type: "Type", target: "Target"};

export function render(root, state, api) {
  return new SearchPage(root, state, api);
}

class SearchPage {
  constructor(root, state, api) {
    this.api = api;
    this.filters = el("div", {class: "filters"});
    this.results = el("div", {class: "results"});
    this.facets = el("aside", {class: "facets", "aria-label": "Narrow the search"});
    root.classList.add("search-page");
    fill(root, this.facets, el("div", {class: "found"}, this.filters, this.results));
    this.update(state);
  }

  update(state) {
    this.state = state;
    const asked = JSON.stringify(question(state));
    if (asked !== this.asked) {
      const range = JSON.stringify(state.range);
      if (range !== this.range) guarded(this.facets, () => this.#loadFacets());
      this.range = range;
      this.asked = asked;
      this.#drawFilters();
      this.#drawFacets();
      this.#search();
    }
    this.#followItem();
  }

  async #search() {
    const asked = this.asked;
    this.results.setAttribute("aria-busy", "true");
    if (!this.table) loading(this.results, "Searching");
    await guarded(this.results, async () => {
      const answer = await this.api.get("search", {...question(this.state), limit: PAGE});
      if (asked !== this.asked) return;
      this.next = answer.next;
      await this.#show(answer.items);
    });
    if (asked === this.asked) this.results.removeAttribute("aria-busy");
  }

  async #show(items) {
    if (!items.length) {
      this.table = null;
      if (isNarrowed(this.state)) return fill(this.results, noMatch(this.state));
      fill(this.results, await nothingYet(this.api));
      whenNewer(this.api, {}, this.state.refresh);
      return undefined;
    }
    const longest = Math.max(...items.map((row) => row.duration ?? 0));
    this.table = dataTable({
      label: "Items found, newest first",
      columns: columns(wordsOf(this.state.params.get("q")), longest),
      href: (row) => transactionLink(this.state, row),
      open: (row) => this.state.set({item: keyOf(row)}),
      className: (row) => (isFailed(row) ? "fail" : ""),
      more: () => this.#more(),
    });
    this.table.show(items);
    this.#end();
    fill(this.results, this.table.element);
    return undefined;
  }

  /** The end of the table came into view. */
  async #more() {
    if (!this.next || this.waiting) return;
    const [table, asked] = [this.table, this.asked];
    this.waiting = true;
    await guarded(table.end, async () => {
      const answer = await this.api.get("search", {...question(this.state), limit: PAGE, cursor: this.next});
      if (asked !== this.asked) return;
      this.next = answer.next;
      table.add(answer.items);
      this.#end();
    });
    this.waiting = false;
    if (table === this.table && table.end.getBoundingClientRect().top < innerHeight) this.#more();
  }

  #end() {
    const more = el("button", {type: "button", on: {click: () => this.#more()}}, "Show more");
    fill(this.table.end, this.next ? more : "That is all.");
  }

  async #loadFacets() {
    this.known = await this.api.get("facets");
    this.#drawFacets();
  }

  #drawFacets() {
    if (!this.known) return;
    const list = (title, name, values, chosen) => facet(title, values, chosen, (value) => this.state.set({[name]: value === chosen ? null : value, item: null}));
    const param = (name) => this.state.params.get(name);
    fill(
      this.facets,
      list("Roles", "role", this.known.roles, this.state.role),
      list("Results", "resultCode", this.known.resultCodes, param("resultCode")),
      list("Names", "name", this.known.names, param("name")),
    );
  }

  #drawFilters() {
    const {state} = this;
    const tables = state.params.getAll("table");
    const set = (parameters) => state.set({...parameters, item: null});
    const toggle = (table) => set({table: tables.includes(table) ? tables.filter((one) => one !== table) : [...tables, table]});
    const kinds = Object.entries(KINDS).map(([type, {table}]) =>
      el("button", {type: "button", class: "chip", "aria-pressed": String(tables.includes(table)), on: {click: () => toggle(table)}}, kindName(type)),
    );
    const success = state.params.get("success") ?? "";
    const outcomes = [["", "Any"], ["false", "Failed"], ["true", "OK"]].map(([value, text]) =>
      el("button", {type: "button", "aria-pressed": String(success === value), on: {click: () => set({success: value})}}, text),
    );
    const severity = el(
      "select",
      {"aria-label": "Severity", on: {change: () => set({severity: severity.value})}, value: state.params.get("severity") ?? ""},
      el("option", {value: ""}, "Any severity"),
      SEVERITIES.map((name, level) => el("option", {value: String(level)}, level === 4 ? name : `${name} and above`)),
    );
    const facts = Object.entries(FACTS).filter(([name]) => state.params.get(name));
    const chosen = facts.map(([name, text]) =>
      el("button", {type: "button", class: "chip chosen", title: "Take this filter away", on: {click: () => set({[name]: null})}}, el("span", {class: "muted"}, `${text}:`), clip(state.params.get(name), 60), icon("close", 11)),
    );
    fill(
      this.filters,
      el("div", {class: "chips", role: "group", "aria-label": "Types"}, kinds),
      el("div", {class: "segments", role: "group", "aria-label": "Outcome"}, outcomes),
      severity,
      chosen,
    );
  }

  /** Show the details of the item that the URL names: one without a transaction, or of a shared link. */
  async #followItem() {
    const key = this.state.params.get("item");
    if (key === this.item) return;
    this.item = key;
    if (!key) return closePanel();
    const [table, id] = key.split(":");
    const onClose = () => this.item === key && this.state.set({item: null});
    const show = (title, content) => openPanel({title, content, onClose});
    const found = this.table?.rows.find((row) => keyOf(row) === key);
    const place = el("div", {});
    if (!found) show("Item", place);
    await guarded(place, async () => {
      const row = found ?? (await this.api.get(["items", table, id ?? ""]));
      const {title, content} = details(row, this.state);
      if (this.item === key) show(title, content);
    });
  }
}

function question(state) {
  const facts = Object.fromEntries(Object.keys(FACTS).map((name) => [name, state.params.get(name)]));
  const {params} = state;
  return state.query({q: params.get("q"), table: params.getAll("table"), success: params.get("success"), severity: params.get("severity"), ...facts});
}

const NO_FILTERS = {q: null, table: null, success: null, severity: null, role: null, last: null, from: null, to: null, item: null, ...Object.fromEntries(Object.keys(FACTS).map((name) => [name, null]))};

function isNarrowed(state) {
  return Object.keys(NO_FILTERS).some((name) => name !== "item" && state.params.get(name));
}

function noMatch(state) {
  const clear = el("button", {type: "button", on: {click: () => state.set(NO_FILTERS)}}, "Clear all filters");
  return nothing(
    "Nothing matches",
    el("p", {}, "All words have to be found. ", el("code", {}, "begin*"), " finds words by their beginning, ", el("code", {}, '"two words"'), " a phrase. Names, messages, URLs, exceptions and properties are searched."),
    clear,
  );
}

function columns(words, longest) {
  return [
    {title: "Time", cell: (row) => el("time", {title: exactly(row.timestamp)}, clock(row.timestamp)), className: "nowrap"},
    {title: "Type", cell: kindLabel, className: "nowrap"},
    {title: "What", cell: (row) => what(row, words), main: true, className: "wide"},
    {title: "Result", cell: (row) => (row.itemType === "exception" ? null : resultBadge(row)), className: "nowrap"},
    {title: "Role", cell: (row) => clip(row.cloud_RoleName ?? "", 30), className: "nowrap muted optional"},
    {title: "Duration", cell: (row) => (kindOf(row).call ? took(row, longest) : ""), align: "right", className: "nowrap"},
  ];
}

/** The item's name, with the words found; of words found elsewhere, the place. */
function what(row, words) {
  const title = titleOf(row);
  const aside = row.itemType === "dependency" ? targetOf(row) : "";
  const rest = words.filter((word) => !`${title} ${aside}`.toLowerCase().includes(word));
  const place = rest.length ? propertyWith(row, rest[0]) : null;
  return [
    emphasised(title, words),
    aside && el("span", {class: "aside"}, emphasised(aside, words)),
    place && el("span", {class: "aside"}, clip(place[0], 60), ": ", emphasised(around(place[1], rest[0]), words)),
  ];
}

function propertyWith(row, word) {
  const all = {...row, ...row.customMeasurements, ...row.customDimensions};
  const pairs = Object.entries(all).map(([name, content]) => [name, typeof content === "object" ? "" : String(content)]);
  return pairs.find(([name, text]) => `${name} ${text}`.toLowerCase().includes(word)) ?? null;
}

function around(text, word) {
  const at = Math.max(text.toLowerCase().indexOf(word) - 24, 0);
  return (at ? "…" : "") + clip(text.slice(at), 90);
}

const FACET_MOST = 12;

function facet(title, values, chosen, choose) {
  if (!values?.length) return null;
  const item = ({value, count}) =>
    el(
      "li",
      {},
      el(
        "button",
        {type: "button", class: "facet", "aria-pressed": String(value === chosen), title: clip(value), on: {click: () => choose(value)}},
        el("span", {class: "value"}, clip(value, 80) || "(empty)"),
        el("span", {class: "number"}, compact(count)),
      ),
    );
  const list = el("ul", {}, values.slice(0, FACET_MOST).map(item));
  const rest = values.slice(FACET_MOST);
  const more = el("button", {type: "button", class: "link", on: {click: () => append(list, rest.map(item)) && more.remove()}}, `${rest.length} more`);
  return el("section", {}, el("h3", {}, title), list, rest.length > 0 && more);
}
