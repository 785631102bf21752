/** Dark, light, or as the system says; kept on this machine. The stylesheet looks at <html data-theme>. */

const NAMES = ["auto", "light", "dark"];
const KEY = "theme";

/** Return the theme that was chosen: auto, light or dark. */
export function theme() {
  const kept = stored();
  return NAMES.includes(kept) ? kept : "auto";
}

/** Apply a theme, and keep it. */
export function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // A browser that keeps nothing: the choice holds until the page is closed.
  }
}

/** Return the theme that comes after one. */
export function following(name) {
  return NAMES[(NAMES.indexOf(name) + 1) % NAMES.length];
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
