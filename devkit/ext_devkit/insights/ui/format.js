/**
 * How numbers, durations and times are written, everywhere the same.
 *
 *   duration(1250) "1.25 s"   count(12345) "12,345"   compact(12345) "12.3k"   percent(1, 3) "33 %"   bytes(2048) "2.0 KB"
 *   clock("2026-01-02T03:04:05.678901Z") "03:04:05.678" in local time, with the date if it is not today
 *   instant(text) milliseconds since 1970 with their fraction, which Date.parse would cut at microseconds
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Return milliseconds for people: 0.42 ms, 4.2 ms, 125 ms, 1.50 s, 2 min 05 s, 1 h 02 min, 3 d 4 h; "" for nothing. */
export function duration(ms) {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "";
  if (ms < 0) return `-${duration(-ms)}`;
  if (ms === 0) return "0 ms";
  if (ms < 0.0005) return `${(ms * 1e6).toPrecision(2)} ns`;
  if (ms < 0.9995) return `${trim(ms.toFixed(ms < 0.01 ? 3 : 2))} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / SECOND).toFixed(ms < 9995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  const minutes = Math.round(ms / MINUTE);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(ms / HOUR);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Return a whole number with separators: 12,345; "" for nothing. */
export function count(number) {
  return Number.isFinite(number) ? Math.round(number).toLocaleString("en-US") : "";
}

/** Return a number in few characters: 999, 1.2k, 34k, 5.6M. */
export function compact(number) {
  if (!Number.isFinite(number)) return "";
  const size = Math.abs(number);
  for (const [unit, letter] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= unit * 0.9995) return `${trim((number / unit).toFixed(size < 99.95 * unit ? 1 : 0))}${letter}`;
  }
  return trim(number.toFixed(size < 10 && !Number.isInteger(number) ? 2 : size < 100 ? 1 : 0));
}

/** Return a value of a metric: up to six significant digits, with separators. */
export function value(number) {
  return Number.isFinite(number) ? number.toLocaleString("en-US", {maximumSignificantDigits: 6}) : "";
}

/** Return how much of the whole a part is: 33 %, 0.4 %; a part is never shown as 0 % nor, if some are left, as 100 %. */
export function percent(part, whole) {
  if (!whole) return "";
  const share = (100 * part) / whole;
  if (share === 0 || share === 100) return `${share} %`;
  if (share < 0.1) return "< 0.1 %";
  if (share > 99.9) return "> 99.9 %";
  return `${share.toFixed(share < 10 || share > 99 ? 1 : 0)} %`;
}

/** Return a size: 512 B, 2.0 KB, 3.4 MB. */
export function bytes(number) {
  if (!Number.isFinite(number)) return "";
  if (number < 1024) return `${number} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let size = number / 1024;
  while (size >= 1024 && units.length > 1) {
    size /= 1024;
    units.shift();
  }
  return `${size.toFixed(size < 100 ? 1 : 0)} ${units[0]}`;
}

/** Return a stored timestamp as milliseconds since 1970, with fractions; NaN if it is none. */
export function instant(timestamp) {
  const match = /^(.{19})(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(timestamp ?? "");
  if (!match) return Date.parse(timestamp);
  return Date.parse(match[1] + (match[3] ?? "Z")) + Number(`0${match[2] ?? ""}`) * SECOND;
}

/** Return local time: 14:03:22.125, and before it the date if that is not today (12 Mar, 12 Mar 2024). */
export function clock(timestamp, now = new Date()) {
  const date = moment(timestamp);
  if (Number.isNaN(date.getTime())) return "";
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const full = `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  if (date.toDateString() === now.toDateString()) return full;
  return `${day(date, now)} ${full}`;
}

/** Return local time in few characters for an axis: 14:03, 14:03:22 (step < 1 min), 12 Mar (step >= 1 day). */
export function tick(timestamp, stepSeconds, now = new Date()) {
  const date = moment(timestamp);
  if (stepSeconds * SECOND >= DAY) return day(date, now);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return stepSeconds < 60 ? `${time}:${two(date.getSeconds())}` : time;
}

/** Return local date and time with the zone, for tooltips: 2026-01-02 03:04:05.678901 (UTC+01:00). */
export function exactly(timestamp) {
  const date = moment(timestamp);
  if (Number.isNaN(date.getTime())) return String(timestamp ?? "");
  const minutes = -date.getTimezoneOffset();
  const zone = `UTC${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  const fraction = /\.(\d+)/.exec(typeof timestamp === "string" ? timestamp : "")?.[1] ?? "";
  const days = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${days} ${time}${fraction && `.${fraction}`} (${minutes === 0 ? "UTC" : zone})`;
}

/** Return how long ago that was: just now, 42 s ago, 5 min ago, 3 h ago, 2 d ago. */
export function ago(timestamp, now = Date.now()) {
  const age = now - instant(timestamp);
  if (Number.isNaN(age)) return "";
  if (age < 2 * SECOND) return "just now";
  for (const [unit, name] of [[DAY, "d"], [HOUR, "h"], [MINUTE, "min"], [SECOND, "s"]]) {
    if (age >= unit) return `${Math.floor(age / unit)} ${name} ago`;
  }
  return "just now";
}

/** Return a count with its noun: 1 item, 2 items; another plural can be given. */
export function plural(number, noun, nouns = `${noun}s`) {
  return `${count(number)} ${number === 1 ? noun : nouns}`;
}

function moment(timestamp) {
  return timestamp instanceof Date ? timestamp : new Date(typeof timestamp === "number" ? timestamp : instant(timestamp));
}

function day(date, now) {
  const year = date.getFullYear() === now.getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${MONTHS[date.getMonth()]}${year}`;
}

function two(number) {
  return String(number).padStart(2, "0");
}

function trim(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
