/** What a page shows before, instead of, or in place of its data: that it loads, that there is nothing, what went wrong. */

import {el, fill} from "./dom.js";
import {icon} from "./icons.js";

/** Show that data are on their way; nothing is seen of it for the first moments. */
export function loading(root, what = "Loading") {
  return fill(root, el("p", {class: "loading", role: "status"}, `${what} …`));
}

/** Show what went wrong and a button that tries again. */
export function showError(root, error, retry = null) {
  if (!(error?.name === "ApiError")) console.error(error);
  return fill(
    root,
    el(
      "div",
      {class: "notice fail", role: "alert"},
      icon("failures"),
      el("div", {}, el("strong", {}, "That did not work. "), String(error?.message ?? error)),
      retry && el("button", {type: "button", on: {click: retry}}, "Try again"),
    ),
  );
}

/** Run what fills an element; show its errors there. Returns what `work` returns, or null after an error. */
export async function guarded(root, work) {
  try {
    return await work();
  } catch (error) {
    showError(root, error, () => guarded(root, work));
    return null;
  }
}

/** Return an empty state: what is missing, and what to do; children as for `el`. */
export function nothing(headline, ...advice) {
  return el("div", {class: "empty"}, el("h2", {}, headline), advice);
}

/** Return the empty state of a store without any items: the connection string to paste. */
export async function nothingYet(api) {
  const about = await api.get("about");
  const setting = `APPLICATIONINSIGHTS_CONNECTION_STRING=${about.connectionString}`;
  return nothing(
    "Waiting for telemetry",
    el("p", {}, "Give this connection string to your app, and run it. Whatever it sends is shown here."),
    copyable(setting),
    el("p", {class: "muted"}, "Nothing to run at hand? A sample app with its telemetry: ", el("code", {}, "azfunc-ext demo")),
  );
}

/** Return text to copy, with a button that does it. */
export function copyable(text) {
  return el("div", {class: "copyable"}, el("code", {}, text), copyButton(text));
}

/** Return a button that copies text; `text` may be a function that returns it. */
export function copyButton(text, label = "Copy") {
  const words = el("span", {}, label);
  const said = async () => {
    const copied = await copy(typeof text === "function" ? text() : text);
    fill(words, copied ? "Copied" : "Select it and copy by hand");
    setTimeout(() => fill(words, label), 1500);
  };
  return el("button", {type: "button", class: "quiet", on: {click: said}}, icon("copy", 14), words);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
