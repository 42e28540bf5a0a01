import { Row } from "./part";

/** The one in the middle, or between the two there. */
export function median(values: number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = (sorted.length - 1) / 2;
    return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

/** What something gives, and the seconds that it takes. */
export async function timed<T>(act: () => Promise<T>): Promise<{ result: T; seconds: number }> {
    const begun = performance.now();
    const result = await act();
    return { result, seconds: (performance.now() - begun) / 1000 };
}

/** A row whose figure is the median of measurements. None of these comes out the same on every machine. */
export function measured(what: string, unit: "ratio" | "seconds", samples: number[], more: Partial<Row> = {}): Row {
    return { what, value: median(samples), samples, unit, exact: false, ...more };
}
