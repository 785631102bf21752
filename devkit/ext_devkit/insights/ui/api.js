/**
 * Asks the server: `await api.get("search", {q: "sold out", table: ["traces"], last: "1h"})`.
 *
 * - A path is relative to /api/; its parts from telemetry go through `encodeURIComponent`, or an array is given:
 *   `api.get(["items", table, itemId])`.
 * - Parameters that are undefined, null or "" are left out; arrays are repeated.
 * - A page's `api` belongs to one showing of the page: when the page is left, what is under way is cancelled and its
 *   promise never settles, so no page has to ask whether it is still there.
 * - What goes wrong is an ApiError whose message can be shown as it is (`error.status`, 0 if there was no answer).
 */

/** What is said when nobody answers. */
export const GONE = "The local Application Insights does not answer. Is it still running? Start it again with: azfunc-ext insights";

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/** Return an API client whose requests end with `signal` (of an AbortController). */
export function createApi(signal) {
  return {
    signal,
    get: (path, parameters = {}) => ask(signal, address(path, parameters), {}),
    post: (path, body) =>
      ask(signal, address(path, {}), {
        method: "POST",
        headers: {"Content-Type": "application/json"},
        body: JSON.stringify(body),
      }),
    live: (parameters, listeners) => live(signal, address("live", parameters), listeners),
  };
}

function address(path, parameters) {
  const parts = Array.isArray(path) ? path.map((part) => encodeURIComponent(part)).join("/") : path;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") query.append(name, one);
    }
  }
  return `/api/${parts}${query.size ? `?${query}` : ""}`;
}

async function ask(signal, url, options) {
  let response;
  let text;
  try {
    response = await fetch(url, {...options, signal, headers: {Accept: "application/json", ...options.headers}});
    text = await response.text();
  } catch {
    if (signal?.aborted) return new Promise(() => {});
    throw new ApiError(GONE, 0);
  }
  return read(url, response, text);
}

function read(url, response, text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(`The answer to ${url} is not JSON (status ${response.status}).`, response.status);
  }
  if (!response.ok) throw new ApiError(body?.error ?? `${url} was answered with status ${response.status}.`, response.status);
  return body;
}

const RETRY_MS = 2000;

/**
 * Follow what arrives: `api.live({table: [...]}, {items(batch), rate(rate), state("open" | "lost")})`.
 * A lost connection is tried again until the page is left. Returns a function that ends it.
 */
function live(signal, url, {items, rate, state}) {
  let source = null;
  let timer = 0;
  let ended = false;
  const connect = () => {
    source = new EventSource(url);
    source.addEventListener("open", () => state?.("open"));
    source.addEventListener("items", (event) => items?.(JSON.parse(event.data)));
    source.addEventListener("rate", (event) => rate?.(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (ended) return;
      state?.("lost");
      // The browser gives up after some errors; one way of trying again for all of them.
      source.close();
      clearTimeout(timer);
      timer = setTimeout(connect, RETRY_MS);
    });
  };
  const end = () => {
    ended = true;
    clearTimeout(timer);
    source?.close();
  };
  signal?.addEventListener("abort", end);
  if (!signal?.aborted) connect();
  return end;
}
