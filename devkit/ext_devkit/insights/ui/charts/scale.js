/** Scales of charts: round numbers for an axis, and where a value lies on it. */

/** Return ticks from 0 to at least `most`, about `wanted` of them, at round numbers: [0, 20, 40, 60]. */
export function ticks(most, wanted = 4) {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
  const count = Math.ceil((most / step) * 0.9999);
  return Array.from({length: count + 1}, (_, at) => Number((at * step).toPrecision(12)));
}

/** Return a function that maps 0 ... most to bottom ... top. */
export function vertical(most, top, bottom) {
  return (value) => bottom - (Math.min(Math.max(value, 0), most) / most) * (bottom - top);
}

/** Return which of `count` steps get a label so that labels of `width` pixels do not touch in `room` pixels. */
export function labelled(count, room, width) {
  const every = Math.max(Math.ceil((count * width) / Math.max(room, 1)), 1);
  return Array.from({length: Math.ceil(count / every)}, (_, at) => at * every);
}
