/** What stays around the pages: navigation, search field, role, time range, theme, help. */

import {createApi} from "./api.js";
import {el, fill} from "./dom.js";
import {icon} from "./icons.js";
import {bind, startKeys} from "./keys.js";
import {closePanel, startPanel} from "./panel.js";
import {PAGES, link, startRouter} from "./router.js";
import {following, setTheme, theme} from "./theme.js";
import {timeRange} from "./timerange.js";

const NAME = "Local Application Insights";

/** Build the shell in the document's body and show the first page. */
export function startShell(body) {
  startKeys();
  const main = el("main", {id: "main", tabindex: "-1"});
  const links = Object.entries(PAGES).map(([name, page]) => navigationLink(name, page));
  const [roles, range, search] = [roleFilter(), timeRange(), searchField(() => current)];
  const heading = el("h1", {});
  const help = helpDialog();
  let current = null;
  const changed = (state, title) => {
    if (current && (current.page !== state.page || String(current.path) !== String(state.path))) closePanel();
    current = state;
    document.title = `${title} · ${NAME}`;
    fill(heading, title);
    for (const one of links) one.show(state);
    for (const control of [roles, range, search]) control.show(state);
    const isOneTransaction = state.page === "transaction" && state.path.length > 0;
    roles.element.hidden = isOneTransaction || Boolean(PAGES[state.page]?.roleless);
    range.element.hidden = isOneTransaction || Boolean(PAGES[state.page]?.timeless);
  };
  fill(
    body,
    el("a", {class: "skip", href: "#main", on: {click: (event) => skip(event, main)}}, "Skip to the page"),
    el("nav", {"aria-label": "Pages"}, brand(), el("ul", {}, links.map((one) => one.element)), about()),
    el(
      "header",
      {class: "bar"},
      heading,
      search.element,
      roles.element,
      range.element,
      el("button", {type: "button", class: "quiet square", title: "Show anew (r)", "aria-label": "Show anew (r)", on: {click: () => refresh()}}, icon("refresh")),
      themeButton(),
      el("button", {type: "button", class: "quiet square", title: "Keys (?)", "aria-label": "Keys (?)", on: {click: help.open}}, icon("help")),
    ),
    main,
    startPanel(),
    help.element,
  );
  const refresh = startRouter(main, changed);
  bind({"/": search.focus, "?": help.open, r: () => refresh(), ...jumps(() => current)});
}

function jumps(current) {
  const go = (name) => () => (location.hash = link(current().params, name));
  return Object.fromEntries(Object.entries(PAGES).map(([name, page]) => [`g ${page.key}`, go(name)]));
}

function skip(event, main) {
  event.preventDefault();
  main.focus();
}

function brand() {
  return el(
    "a",
    {class: "brand", href: "#/", title: NAME},
    el("span", {class: "logo", "aria-hidden": "true"}, icon("transaction", 18)),
    el("span", {class: "name"}, "Local", el("br", {}), "Application\u00a0Insights"),
  );
}

function navigationLink(name, page) {
  const anchor = el("a", {href: `#/${name}`, title: `${page.title} (g ${page.key})`}, icon(page.icon), el("span", {class: "name"}, page.title));
  const show = (state) => {
    anchor.setAttribute("href", state.link(name));
    if (state.page === name) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  };
  return {element: el("li", {}, anchor), show};
}

function about() {
  const place = el("p", {class: "about"});
  createApi()
    .get("about")
    .then((answer) => fill(place, el("span", {title: answer.database}, `azfunc-ext ${answer.version}`)))
    .catch(() => {});
  return place;
}

/** The search field: Enter searches, from any page; on the search page it is what is searched for. */
function searchField(current) {
  const input = el("input", {
    type: "search",
    name: "q",
    placeholder: "Search telemetry",
    "aria-label": "Search telemetry (/)",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "1000",
  });
  const submit = (event) => {
    event.preventDefault();
    const state = current();
    if (state.page === "search") state.set({q: input.value});
    else location.hash = state.link("search", {q: input.value});
  };
  const left = (event) => {
    if (event.key !== "Escape") return;
    // The browser would empty the field; only its button does.
    event.preventDefault();
    input.blur();
  };
  input.addEventListener("keydown", left);
  const cleared = () => input.value === "" && current().page === "search" && current().set({q: null});
  input.addEventListener("search", cleared);
  return {
    element: el("form", {class: "search", role: "search", on: {submit}}, icon("search"), input, el("kbd", {"aria-hidden": "true"}, "/")),
    focus: () => input.select() ?? input.focus(),
    show: (state) => (input.value = state.page === "search" ? (state.params.get("q") ?? "") : ""),
  };
}

/** The role filter: roles are asked for when the page opens and whenever the list is about to be used. */
function roleFilter() {
  let current = null;
  let known = [];
  const select = el("select", {"aria-label": "Role", on: {change: () => current.set({role: select.value}), focus: ask, pointerenter: ask}});
  const draw = () => {
    const chosen = current?.role ?? "";
    const all = chosen && !known.includes(chosen) ? [...known, chosen] : known;
    fill(select, el("option", {value: ""}, "All roles"), all.map((role) => el("option", {value: role}, role)));
    select.value = chosen;
  };
  async function ask() {
    try {
      const roles = (await createApi().get("facets")).roles.map((role) => role.value).filter(Boolean);
      if (String(roles) === String(known)) return;
      known = roles;
      draw();
    } catch {
      // The page itself says what is wrong; the filter stays as it is.
    }
  }
  ask();
  const show = (state) => {
    current = state;
    draw();
  };
  return {element: select, show};
}

function themeButton() {
  const ICONS = {auto: "auto", light: "sun", dark: "moon"};
  const button = el("button", {type: "button", class: "quiet square"});
  const show = () => {
    const text = `Theme: ${theme()}`;
    button.title = text;
    button.setAttribute("aria-label", text);
    fill(button, icon(ICONS[theme()]));
  };
  button.addEventListener("click", () => {
    setTheme(following(theme()));
    show();
  });
  show();
  return button;
}

const KEYS = [
  ["/", "Search"],
  ["j k ↓ ↑", "Next, previous row"],
  ["Enter", "Open the row"],
  ["← →", "Fold, unfold (transaction)"],
  ["e", "Next failure (transaction)"],
  ["z", "Zoom to the row, and back"],
  ["Space", "Pause, go on (live)"],
  ["Esc", "Close the details"],
  ["r", "Show the page anew"],
  ["?", "This help"],
];

function helpDialog() {
  const line = ([keys, what]) => [el("dt", {}, keys.split(" ").map((key) => el("kbd", {}, key))), el("dd", {}, what)];
  const pages = Object.values(PAGES).map((page) => [`g ${page.key}`, page.title]);
  const element = el(
    "dialog",
    {class: "help", "aria-label": "Keys"},
    el("h2", {}, "Keys"),
    el("div", {class: "columns"}, el("dl", {}, KEYS.map(line)), el("dl", {}, pages.map(line))),
    el("form", {class: "buttons"}, el("button", {type: "button", on: {click: () => element.close()}}, "Close")),
  );
  element.addEventListener("click", (event) => event.target === element && element.close());
  return {element, open: () => element.showModal()};
}
