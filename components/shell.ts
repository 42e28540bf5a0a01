import { quote } from "shell-quote";

/** The text as one word of a POSIX shell. */
export function quoted(text: string): string {
    return quote([text]);
}
