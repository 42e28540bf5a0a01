import { Files } from "../../components/bundle";
import { textsIn } from "./inputs";
import { Resource } from "./rule";

/** A bundle among the inputs of a command. */
export interface Bundle {
    /** The input that carries it. */
    path: string;
    files: Files;
}

/** The bundles that a command carries, whichever input they are in. */
export function bundlesOf({ type, inputs }: Resource): Bundle[] {
    return type.startsWith("command:")
        ? textsIn(inputs)
              .map(({ path, text }) => ({ path, files: bundleFiles(text) }))
              .filter(({ files }) => Object.keys(files).length > 0)
        : [];
}

/** The files of a text that `bundle` in components/bundle.ts wrote. None if it is another text. */
export function bundleFiles(text: string): Files {
    const files: Files = {};
    const begin = /^file '([^'\n]+)' <<'(END_OF_FILE_*)'\n/gm;
    for (let match = begin.exec(text); match; match = begin.exec(text)) {
        const [, file, end] = match;
        const length = `\n${text.slice(begin.lastIndex)}`.indexOf(`\n${end}\n`);
        if (length < 0) {
            break;
        }
        files[file!] = text.slice(begin.lastIndex, begin.lastIndex + length);
        begin.lastIndex += length + end!.length;
    }
    return files;
}
