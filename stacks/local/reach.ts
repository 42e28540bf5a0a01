/** What a cluster of released parts is downloaded from. */
const upstreams = ["https://github.com", "https://dl.k8s.io", "https://registry.k8s.io/v2/", "https://get.pulumi.com"];

/** The upstreams that do not answer within ten seconds. */
export async function unreachable(): Promise<string[]> {
    const answers = await Promise.all(upstreams.map((url) => answersTo(url)));
    return upstreams.filter((_, i) => !answers[i]).map((url) => new URL(url).host);
}

async function answersTo(url: string): Promise<boolean> {
    try {
        const response = await fetch(url, {
            method: "HEAD",
            redirect: "manual",
            signal: AbortSignal.timeout(10_000),
        });
        // A gateway that forbids the host answers 403 or 5xx in its place.
        return response.status < 500 && response.status !== 403;
    } catch {
        return false;
    }
}
