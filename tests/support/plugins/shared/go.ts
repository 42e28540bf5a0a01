// Text as the real plugins, written in Go, print it.

/** Go's `%q`: a double-quoted string with escapes. */
export function quote(text: string): string {
    const escapes: Record<string, string> = {
        '"': '\\"',
        "\\": "\\\\",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\u0007": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\v": "\\v",
    };
    const escaped = [...text].map((c) => {
        const code = c.codePointAt(0)!;
        const control = code < 0x20 || code === 0x7f;
        return escapes[c] ?? (control ? `\\x${code.toString(16).padStart(2, "0")}` : c);
    });
    return `"${escaped.join("")}"`;
}

/** Removes one newline at the end. */
export function trimNewline(text: string): string {
    return text.endsWith("\n") ? text.slice(0, -1) : text;
}
