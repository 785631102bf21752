/**
 * Shows the page that the URL names. The whole state of a page is in its URL, so that each can be shared:
 *
 *   #/search?q=sold+out&table=traces&last=1h&role=shop        #/transaction/<operation_Id>?item=requests:12
 *
 * HOW TO WRITE A PAGE. A module pages/<name>.js, listed in PAGES below, loaded when it is first shown:
 *
 *   export const title = "Performance";
 *   export async function render(root, state, api) {
 *     const answer = await api.get("performance", state.query({kind: "requests"}));
 *     fill(root, el("h2", {}, "Operations"), dataTable({...}).element);
 *   }
 *
 * - `root` is an empty <div class="page">, scrolled by the shell; `root.classList.add("fills")` for a page that fills
 *   the window and scrolls inside. Errors that `render` throws are shown in it, with a button to try again; the same
 *   is there for parts of a page: `await guarded(element, async () => {...})`, from states.js, which also has `loading`
 *   and `nothing` (an empty state that says what to do).
 * - `render` is called again, with an empty root, whenever the URL changes. A page that keeps its elements returns
 *   `{update(state), destroy()}`, both optional: `update` is then called instead for as long as page and path stay,
 *   and `destroy` when it is left. Requests of `api` are cancelled by themselves (api.js).
 * - `state` is what the URL says, and how to change it:
 *     state.params        URLSearchParams of this page; state.path: the parts after the page's name, decoded
 *     state.range         {last: "1h"} or {from, to} or {} (all time); state.role: "" or a cloud_RoleName
 *     state.query(extra)  parameters for the API: range, role and what else is given
 *     state.set({kind: "dependencies", cursor: null}, {replace: true})   change parameters, null takes one away;
 *                         adds a step to the browser's history unless `replace`; nothing happens once another page is shown
 *     state.link("transaction", {path: [id], item: "requests:12"})       a URL "#/..." that keeps range and role
 *     state.refresh()     show the page anew, as the button (key r) does
 * - Kit: dom.js (el, svg: the only way to make elements), format.js, table.js (dataTable), panel.js (side panel),
 *   states.js, keys.js (bind), items.js (how an item is named, coloured, linked), details.js (all of an item),
 *   icons.js. Colours and sizes are the custom properties at the head of app.css; series of charts: --series-1 ... 8.
 *   Styles of the analysis pages go into pages/analysis.css and charts/charts.css, which index.html already loads.
 */

import {ApiError, GONE, createApi} from "./api.js";
import {el, fill} from "./dom.js";
import {showError} from "./states.js";

/** Name -> title in the navigation, icon and key, and whether time range or role say nothing there; in the order shown. */
export const PAGES = {
  live: {title: "Live", icon: "live", key: "l", timeless: true},
  search: {title: "Search", icon: "search", key: "s"},
  transaction: {title: "Transactions", icon: "transaction", key: "t"},
  performance: {title: "Performance", icon: "performance", key: "p"},
  failures: {title: "Failures", icon: "failures", key: "f"},
  metrics: {title: "Metrics", icon: "metrics", key: "m", roleless: true},
  map: {title: "Map", icon: "map", key: "a", roleless: true},
  query: {title: "Query", icon: "query", key: "q", timeless: true, roleless: true},
};

const START = "transaction";

/** Parameters that stay when another page is opened. */
const KEPT = ["last", "from", "to", "role"];

/** Return what a hash says: {page, path, params}; an unknown page has the name null. */
export function parse(hash) {
  const [way, query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [name, ...path] = way.split("/").filter(Boolean).map(decoded);
  const page = name === undefined ? START : Object.hasOwn(PAGES, name) ? name : null;
  return {page, path, params: new URLSearchParams(query)};
}

/** Return the URL of a page: `path` is an array of its parts, other names are parameters; keeps range and role of `params`. */
export function link(params, page, {path = [], ...parameters} = {}) {
  const query = new URLSearchParams();
  for (const name of KEPT) if (params.get(name)) query.set(name, params.get(name));
  change(query, parameters);
  return write(page, path, query);
}

function write(page, path, query) {
  const way = [page, ...path].map((part) => encodeURIComponent(part)).join("/");
  return `#/${way}${query.size ? `?${query}` : ""}`;
}

function change(query, parameters) {
  for (const [name, value] of Object.entries(parameters)) {
    query.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") query.append(name, one);
    }
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Show pages in `frame`, now and whenever the URL changes; `onChange(state, title)` is told first. Returns `refresh`. */
export function startRouter(frame, onChange) {
  let shown = null;
  const show = async (anew) => {
    const {page, path, params} = parse(location.hash);
    const state = stateOf(page, path, params, () => show(true));
    onChange(state, PAGES[page]?.title ?? "No such page");
    const place = JSON.stringify([page, path]);
    if (!anew && shown?.place === place && shown.page?.update) return shown.page.update(state);
    leave(shown);
    shown = {place, page: null, ending: new AbortController()};
    await enter(frame, shown, state);
  };
  addEventListener("hashchange", () => show(false));
  show(true);
  return () => show(true);
}

async function enter(frame, showing, state) {
  const root = el("div", {class: "page"});
  fill(frame, root);
  frame.scrollTop = 0;
  if (state.page === null) {
    return fill(root, el("p", {class: "empty"}, "There is no such page. Choose one of those on the left."));
  }
  try {
    const module = await load(state.page);
    if (showing.ending.signal.aborted) return undefined;
    const page = (await module.render(root, state, createApi(showing.ending.signal))) ?? {};
    if (showing.ending.signal.aborted) page.destroy?.();
    else showing.page = page;
  } catch (error) {
    if (!showing.ending.signal.aborted) showError(root, error, state.refresh);
  }
  return undefined;
}

/** The browser's own words for a module that did not come would help nobody. */
async function load(page) {
  try {
    return await import(`./pages/${page}.js`);
  } catch (error) {
    throw error instanceof TypeError ? new ApiError(GONE, 0) : error;
  }
}

function leave(showing) {
  if (showing === null) return;
  showing.ending.abort();
  showing.page?.destroy?.();
}

function stateOf(page, path, params, refresh) {
  const given = (name) => params.get(name) ?? "";
  const range = given("last")
    ? {last: given("last")}
    : Object.fromEntries(["from", "to"].filter(given).map((name) => [name, given(name)]));
  const role = given("role");
  return Object.freeze({
    page,
    path,
    params,
    range,
    role,
    refresh,
    query: (extra = {}) => ({...range, role, ...extra}),
    link: (name, parameters) => link(params, name, parameters),
    set(parameters, {replace = false} = {}) {
      const now = parse(location.hash);
      // A page that is left, and what it has open is closed, must not call itself back.
      if (now.page !== page || String(now.path) !== String(path)) return;
      const query = new URLSearchParams(location.hash.split(/\?(.*)/s)[1] ?? "");
      change(query, parameters);
      const target = write(page, path, query);
      if (target === location.hash) return;
      if (replace) {
        history.replaceState(null, "", target);
        dispatchEvent(new HashChangeEvent("hashchange"));
      } else {
        location.hash = target;
      }
    },
  });
}
