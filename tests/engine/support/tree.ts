interface Resource {
    urn: string;
    parent?: string;
    type: string;
}

/** The resources of a stack's checkpoint as `pulumi stack` shows them: each below its parent, in order of their making. */
export function treeIn(checkpoint: string): string {
    const { checkpoint: state } = JSON.parse(checkpoint) as { checkpoint: { latest: { resources: Resource[] } } };
    const { resources } = state.latest;
    const below = (parent: string, depth: number): string[] =>
        resources
            .filter((one) => one.parent === parent)
            .sort((one, other) => (one.urn < other.urn ? -1 : 1))
            .flatMap(({ urn, type }) => [
                `${"    ".repeat(depth)}${type} ${urn.split("::").at(-1)}`,
                ...below(urn, depth + 1),
            ]);
    const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack")!;
    return `${below(root.urn, 0).join("\n")}\n`;
}
