import { Problems } from "../validation/problems";

/** A number of control planes that etcd is made for. `shown` is how the user sees it. */
export function controlPlaneCount(problems: Problems, path: string, count: number, shown: unknown): boolean {
    return problems.check(
        [1, 3, 5].includes(count),
        path,
        shown,
        count > 0 && count % 2 === 0
            ? "an even number bears the loss of no more machines than one less, for etcd needs a majority"
            : "not a number of control planes that etcd is made for",
        "1, 3 or 5",
        count > 1 ? `give ${count <= 3 ? 3 : 5}, or take one out` : "give one machine",
    );
}
