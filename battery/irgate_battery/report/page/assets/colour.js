/* Colours of pixels: greys, and a map for signed differences that colour-blind people read too. */

const NEGATIVE = [88, 24, 128];
const NOUGHT = [250, 250, 250];
const POSITIVE = [0, 92, 48];

/** Colour of a difference: purple below zero, white at it, green above; `t` from -1 to 1. */
function differenceColour(t) {
  const end = t < 0 ? NEGATIVE : POSITIVE;
  const part = Math.min(Math.abs(t), 1);
  return NOUGHT.map((from, channel) => Math.round(from + part * (end[channel] - from)));
}

/** The value below which a part of the absolute values lies. */
function quantile(values, part) {
  const sorted = Float32Array.from(values).sort();
  return sorted.length ? sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)] : 0;
}

/** The greys that two images share: {low, high}, but for a thousandth of their pixels. */
function greyRange(...images) {
  const parts = images.map(({ values }) => [quantile(values, 0.001), quantile(values, 0.999)]);
  const low = Math.min(...parts.map(([least]) => least));
  const high = Math.max(...parts.map(([, most]) => most));
  return { low, high: high > low ? high : low + 1 };
}

function greyOf(value, { low, high }) {
  return Math.round(255 * Math.min(Math.max((value - low) / (high - low), 0), 1));
}
