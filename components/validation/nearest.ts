/** The name that was probably meant: the same but for case, one that begins alike, or one a few letters away. */
export function nearest(name: string, names: string[]): string | undefined {
    const lower = name.toLowerCase();
    const near = (other: string) => {
        const it = other.toLowerCase();
        return lower.length > 2 && (it.startsWith(lower) || lower.startsWith(it)) ? 1 : distance(lower, it);
    };
    const [best] = names
        .map((other) => ({ other, letters: near(other) }))
        .filter(({ letters }) => letters <= Math.max(1, Math.floor(name.length / 3)))
        .sort((a, b) => a.letters - b.letters);
    return best?.other;
}

/** How many letters have to be put in, taken out or exchanged (Levenshtein). */
function distance(one: string, other: string): number {
    let row = Array.from({ length: other.length + 1 }, (_, j) => j);
    for (const [i, letter] of [...one].entries()) {
        const next = [i + 1];
        for (let j = 1; j <= other.length; j++) {
            next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (letter === other[j - 1] ? 0 : 1)));
        }
        row = next;
    }
    return row[other.length]!;
}
