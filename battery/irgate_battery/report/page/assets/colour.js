/* Colours of pixels: greys, and a map for signed differences that colour-blind people read too. */

const NOUGHT = [250, 250, 250];
const BELOW = [[158, 104, 190], [40, 0, 70]];
const ABOVE = [[84, 168, 104], [0, 50, 24]];
const HUED = 0.25;

/**
 * Colour of a difference: purple below zero, white at it, green above; `t` from -1 to 1. At a
 * quarter it has a hue that tells the sign of small differences, from there on it darkens.
 */
function differenceColour(t) {
  const [half, end] = t < 0 ? BELOW : ABOVE;
  const part = Math.min(Math.abs(t), 1);
  const [from, to, along] = part < HUED
    ? [NOUGHT, half, part / HUED] : [half, end, (part - HUED) / (1 - HUED)];
  return from.map((value, channel) => Math.round(value + along * (to[channel] - value)));
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
