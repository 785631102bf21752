/** Tells a page that shows what is stored when something newer has arrived. It asks now and then, while it is looked at. */

import {keyOf} from "./items.js";

const EVERY_MS = 2000;

/**
 * Call `tell` once, as soon as there is an item newer than the latest now; `query` narrows which (as for "search").
 * Ends with the page. Asking, and not a stream: browsers keep six connections to a server, and a tab each would hold one.
 */
export async function whenNewer(api, query, tell) {
  const latest = async () => {
    const {items} = await api.get("search", {...query, limit: 1});
    return items.length ? keyOf(items[0]) : "";
  };
  let before = null;
  const ask = async () => {
    if (document.visibilityState === "visible") {
      try {
        const now = await latest();
        if (before !== null && now !== before && now) return tell();
        before = now;
      } catch {
        // The server is away: the next question may be answered.
      }
    }
    if (!api.signal.aborted) setTimeout(ask, EVERY_MS);
    return undefined;
  };
  await ask();
}
