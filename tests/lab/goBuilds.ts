import * as fs from "node:fs";
import * as path from "node:path";
import { cached, cacheEntry, Recipe } from "./cache";
import { run } from "./command";

/** One Go module of `tests/lab/go/<name>`, whose go.mod pins what is built and lists the programs as tools. */
interface GoBuild {
    /** The module whose version counts. */
    module: string;
    /** Variables that are set at link time; `{version}` is the module's, with its v. */
    variables?: string[];
    tags?: string[];
    /** Linked statically with C code. */
    cgo?: boolean;
    /** The module has a main package of its own; else what it lists as tools is built. */
    ownMain?: boolean;
    /** Names of programs that differ from what Go calls them. */
    rename?: Record<string, string>;
}

const builds = {
    pulumi: {
        module: "github.com/pulumi/pulumi/pkg/v3",
        variables: ["github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}"],
    },
    "pulumi-language-yaml": {
        module: "github.com/pulumi/pulumi-yaml",
        variables: ["github.com/pulumi/pulumi-yaml/pkg/version.Version={version}"],
    },
    kubernetes: {
        module: "k8s.io/kubernetes",
        variables: [
            "k8s.io/component-base/version.gitVersion={version}",
            "k8s.io/component-base/version.gitMajor={major}",
            "k8s.io/component-base/version.gitMinor={minor}",
            "k8s.io/component-base/version.gitTreeState=clean",
            "k8s.io/client-go/pkg/version.gitVersion={version}",
        ],
    },
    containerd: {
        module: "github.com/containerd/containerd/v2",
        variables: ["github.com/containerd/containerd/v2/version.Version={version}"],
        tags: ["netgo", "osusergo", "urfave_cli_no_docs"],
    },
    runc: {
        module: "github.com/opencontainers/runc",
        tags: ["seccomp", "netgo", "osusergo", "urfave_cli_no_docs"],
        cgo: true,
    },
    "cni-plugins": {
        module: "github.com/containernetworking/plugins",
        variables: ["github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion={version}"],
    },
    "flannel-cni-plugin": {
        module: "github.com/containernetworking/plugins",
        variables: ["github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion={version}"],
    },
    crictl: {
        module: "sigs.k8s.io/cri-tools",
        variables: ["sigs.k8s.io/cri-tools/pkg/version.Version={version}"],
    },
    actionlint: {
        module: "github.com/rhysd/actionlint",
        variables: ["github.com/rhysd/actionlint.version={version}"],
    },
    etcd: { module: "go.etcd.io/etcd/server/v3", rename: { server: "etcd" } },
    etcdctl: { module: "go.etcd.io/etcd/etcdctl/v3" },
    coredns: { module: "github.com/coredns/coredns", ownMain: true },
    flannel: {
        module: "github.com/flannel-io/flannel",
        variables: ["github.com/flannel-io/flannel/pkg/version.Version={version}"],
        tags: ["netgo", "osusergo"],
        // Its UDP backend is C on this architecture.
        cgo: true,
        rename: { flannel: "flanneld" },
    },
} satisfies Record<string, GoBuild>;

/** Names of the lab's Go builds, each a folder below `tests/lab/go`. */
export type GoBuildName = keyof typeof builds;

/** What a Go build gave. */
export interface Programs {
    /** Without a leading v. */
    version: string;
    /** Path of one of the programs. */
    program: (name: string) => string;
    /** The folder whose `bin` holds the programs. */
    folder: string;
}

/** The version that a build's go.mod pins, without a leading v. */
export function pinnedVersion(name: GoBuildName): string {
    const { module } = builds[name];
    const text = fs.readFileSync(path.join(moduleFolder(name), "go.mod"), "utf8");
    const version = text.split("\n").flatMap((line) => {
        const [required, found] = line
            .trim()
            .replace(/^require /, "")
            .split(" ");
        return required === module && found?.startsWith("v") ? [found] : [];
    })[0];
    if (!version) {
        throw new Error(`tests/lab/go/${name}/go.mod requires no ${module}`);
    }
    return version.slice(1);
}

/** Builds the programs of one Go module, or takes them from the cache. */
export async function goBuild(name: GoBuildName, log: (line: string) => void): Promise<Programs> {
    const version = pinnedVersion(name);
    const folder = await cached(recipe(name), (entry) => compile(name, builds[name], version, entry, log));
    const bin = path.join(folder, "bin");
    return { version, folder, program: (program) => path.join(bin, program) };
}

/** The folder that holds the programs of a build, once it has been made. */
export function binFolder(name: GoBuildName): string {
    return path.join(cacheEntry(recipe(name)), "bin");
}

function recipe(name: GoBuildName): Recipe {
    return { name: `${name}-${pinnedVersion(name)}`, files: [moduleFolder(name)], settings: builds[name] };
}

async function compile(name: string, build: GoBuild, version: string, entry: string, log: (line: string) => void) {
    log(`lab: building ${name} ${version} from its Go module (minutes, the first time)`);
    const [major, minor] = version.split(".");
    const fill = (text: string) =>
        text.replace("{version}", `v${version}`).replace("{major}", major!).replace("{minor}", minor!);
    const ldflags = [
        "-s -w",
        ...(build.variables ?? []).map((variable) => `-X ${fill(variable)}`),
        ...(build.cgo ? ["-extldflags -static"] : []),
    ].join(" ");
    const bin = path.join(entry, "bin");
    fs.mkdirSync(bin);
    const flags = ["-buildvcs=false", "-tags", (build.tags ?? []).join(","), "-ldflags", ldflags];
    // Go reports only what it downloads: a line for the first of each shows that it moves, without hundreds of them.
    let downloads = 0;
    await run("go", ["build", ...flags, "-o", `${bin}/`, build.ownMain ? "." : "tool"], {
        cwd: moduleFolder(name),
        env: goEnvironment(build.cgo === true),
        log: (line) => line.startsWith("go: downloading") && downloads++ === 0 && log(`lab: ${name}: fetching modules`),
    });
    for (const [from, to] of Object.entries(build.rename ?? {})) {
        fs.renameSync(path.join(bin, from), path.join(bin, to));
    }
}

/** Go's environment for programs of the lab's machine, with C code or without. */
export function goEnvironment(cgo: boolean): Record<string, string> {
    return {
        CGO_ENABLED: cgo ? "1" : "0",
        GOOS: "linux",
        GOARCH: "amd64",
        GOTOOLCHAIN: "auto",
        GOWORK: "off",
    };
}

function moduleFolder(name: string): string {
    return path.join(__dirname, "go", name);
}
