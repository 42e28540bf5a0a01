import * as assert from "node:assert/strict";

/** A minute, in milliseconds. */
export const minutes = 60_000;

/** Waits until something holds. What it throws meanwhile is told if it never does. */
export async function eventually(limit: number, what: string, done: () => boolean | Promise<boolean>) {
    const end = Date.now() + limit;
    for (;;) {
        let seen: unknown;
        try {
            if (await done()) {
                return;
            }
        } catch (error) {
            seen = error;
        }
        assert.ok(Date.now() < end, `waited too long for ${what}: ${String(seen)}`);
        await new Promise((resolve) => setTimeout(resolve, 5000));
    }
}
