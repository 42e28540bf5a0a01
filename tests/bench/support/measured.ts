import { Row } from "../part";

/** A row whose figure is the median of measurements. None of these comes out the same on every machine. */
export function measured(what: string, unit: "ratio" | "seconds", samples: number[], more: Partial<Row> = {}): Row {
    return { what, value: median(samples), samples, unit, exact: false, ...more };
}

/** The middle one of values, of an even number the mean of the two. */
export function median(values: number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length / 2;
    return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
