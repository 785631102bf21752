/** Starts the web UI: the shell around the pages, the keyboard, and the page that the URL names. */

import {startShell} from "./shell.js";
import {setTheme, theme} from "./theme.js";

setTheme(theme());
startShell(document.body);
