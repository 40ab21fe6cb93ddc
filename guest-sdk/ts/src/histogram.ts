// Histograms as the tools of libbpf print them.

/** Slots of a power-of-two histogram: a u64 falls into one of them. */
const LOG2_SLOTS_MAX = 64;
/** The last slot whose numbers fit into narrow columns. */
const NARROW_SLOT_MAX = 32;

/**
 * A histogram whose slot `i` counts values from 2 to the power of `i` to just below twice that (the
 * first one 0 as well), up to the last slot that is not empty; no text when all are.
 */
export function log2Histogram(unit: string, slots: ArrayLike<number | bigint>): string {
  const counts = filled(slots).slice(0, LOG2_SLOTS_MAX);
  if (counts.length === 0) return "";
  const isNarrow = counts.length <= NARROW_SLOT_MAX + 1;
  const [indent, title, width, stars] = isNarrow ? [5, 19, 10, 40] : [15, 29, 20, 20];
  const most = counts.reduce((most, count) => (count > most ? count : most));
  let text = `${"".padEnd(indent)}${unit.padEnd(title)} : count    distribution\n`;
  counts.forEach((count, slot) => {
    const low = slot === 0 ? 0n : 1n << BigInt(slot);
    const high = (2n << BigInt(slot)) - 1n;
    const range = `${String(low).padStart(width)} -> ${String(high).padEnd(width)}`;
    text += `${range} : ${String(count).padEnd(8)} |${bar(count, most, stars)}|\n`;
  });
  return text;
}

/**
 * A histogram whose slot `i` counts values from `base + i * step` to just below the next; empty
 * slots are left out, and no text when all are.
 */
export function linearHistogram(
  unit: string,
  base: number,
  step: number,
  slots: ArrayLike<number | bigint>,
): string {
  const counts = filled(slots);
  if (counts.length === 0) return "";
  const most = counts.reduce((most, count) => (count > most ? count : most));
  let text = `     ${unit.padEnd(13)} : count     distribution\n`;
  counts.forEach((count, slot) => {
    if (count === 0n) return;
    const value = String(base + slot * step).padEnd(10);
    text += `        ${value} : ${String(count).padEnd(8)} |${bar(count, most, 40)}|\n`;
  });
  return text;
}

/** Up to the last slot that is not empty. */
function filled(slots: ArrayLike<number | bigint>): bigint[] {
  const counts = Array.from(slots, BigInt);
  while (counts.at(-1) === 0n) counts.pop();
  return counts;
}

function bar(count: bigint, most: bigint, stars: number): string {
  return "*".repeat(Number((count * BigInt(stars)) / most)).padEnd(stars);
}
