/** One line of the table. */
export interface Row {
    /** What is measured, as the table shows it. */
    what: string;
    /** The figure: of several measurements the median. */
    value: number;
    /** `ratio` has no unit; bytes are shown as kB. */
    unit: "ratio" | "count" | "bytes" | "seconds";
    /** The single measurements that `value` is the median of, in the order in which they were made. */
    samples?: number[];
    /** The target: at most this. A row without one is there to be compared. */
    most?: number;
    /** Whether it comes out the same on every machine. Only such a row makes the command fail, when it misses `most`. */
    exact: boolean;
    /** What it is a ratio of, or was measured on. */
    note?: string;
    /** What others have published of the same, with where. Of other machines, so for the order of size alone. */
    others?: string;
}

/** Files that a part writes beside the table, by their name below `docs/benchmarks`: pictures. */
export type Pictures = Record<string, string>;

/** What is measured together. */
export interface Part {
    /** By which the command line names it, and its heading. */
    name: string;
    /** One sentence: what runs, and how it is compared. */
    about: string;
    /** Whether `--quick` runs it, and then `run` is told so: stub hosts alone, within five minutes for all such parts. */
    quick: boolean;
    /** `say` shows progress. */
    run(options: { quick: boolean; say: (line: string) => void }): Promise<{ rows: Row[]; pictures?: Pictures }>;
}
