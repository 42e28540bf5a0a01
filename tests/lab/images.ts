import * as fs from "node:fs";
import * as path from "node:path";
import { flannelImages } from "../../components/versions";
import { cached, cacheRoot } from "./cache";
import { run } from "./command";
import { goBuild, GoBuildName } from "./goBuilds";
import { debianMirror } from "./hostPackages";
import { debianSuite } from "./machineImage";
import { Image, Layer, packLayer, writeLayout } from "./ociLayout";

type Log = (line: string) => void;

/** Layers that several images share. */
interface Shared {
    base: Layer;
    network: Layer;
    nginx: Layer;
}

const sources = path.join(__dirname, "images");

/**
 * Builds every image that a cluster pulls, under its upstream reference.
 *
 * @returns the folder of an OCI image layout
 */
export async function buildImages(log: Log): Promise<string> {
    const kubernetes = await goBuild("kubernetes", log);
    const listed = await run(kubernetes.program("kubeadm"), [
        "config",
        "images",
        "list",
        "--kubernetes-version",
        `v${kubernetes.version}`,
    ]);
    const shared = await sharedLayers(log);
    const images: Record<string, Image> = {};
    for (const reference of listed.trim().split("\n")) {
        images[reference] = await controlPlaneImage(reference, shared, log);
    }
    const flannel = await programLayer("flannel", "flanneld", "/opt/bin/flanneld", log);
    images[tagged(flannelImages.daemon)] = {
        layers: [shared.base, shared.network, flannel],
        config: { Entrypoint: ["/opt/bin/flanneld"] },
    };
    const plugin = await programLayer("flannel-cni-plugin", "flannel", "/flannel", log);
    images[tagged(flannelImages.cniPlugin)] = { layers: [shared.base, plugin], config: {} };
    images["docker.io/library/nginx:latest"] = {
        layers: [shared.base, shared.nginx],
        config: { Cmd: ["nginx", "-g", "daemon off;"], StopSignal: "SIGQUIT", ExposedPorts: { "80/tcp": {} } },
    };
    return writeLayout(images);
}

async function controlPlaneImage(reference: string, shared: Shared, log: Log): Promise<Image> {
    const name = /([^/:]+):[^/]+$/.exec(reference)?.[1];
    const program = (build: GoBuildName, file = name!) => programLayer(build, file, `/usr/local/bin/${file}`, log);
    switch (name) {
        case "kube-apiserver":
        case "kube-controller-manager":
        case "kube-scheduler":
            return { layers: [await program("kubernetes")], config: { Entrypoint: [`/usr/local/bin/${name}`] } };
        case "kube-proxy":
            return { layers: [shared.base, shared.network, await program("kubernetes")], config: {} };
        case "etcd":
            // As in the released image, etcdctl is beside it: a control plane that leaves is taken out by it.
            return { layers: [await program("etcd"), await program("etcdctl", "etcdctl")], config: {} };
        case "coredns": {
            const layer = await programLayer("coredns", "coredns", "/coredns", log);
            return { layers: [layer], config: { Entrypoint: ["/coredns"], User: "65532:65532" } };
        }
        case "pause":
            return { layers: [await pauseLayer()], config: { Entrypoint: ["/pause"], User: "65535:65535" } };
        default:
            throw new Error(
                `kubeadm names image ${reference}, which the lab cannot build. Fix: add it to tests/lab/images.ts`,
            );
    }
}

/** A layer with one program of a Go build. */
async function programLayer(build: GoBuildName, program: string, target: string, log: Log): Promise<Layer> {
    const { folder, program: pathOf } = await goBuild(build, log);
    return packLayer(program, [path.relative(cacheRoot(), folder), target], async (root) => {
        log(`lab: packing ${program} as an image layer`);
        fs.mkdirSync(path.join(root, path.dirname(target)), { recursive: true });
        fs.copyFileSync(pathOf(program), path.join(root, target));
    });
}

async function pauseLayer(): Promise<Layer> {
    const source = path.join(sources, "pause.c");
    return packLayer("pause", fs.readFileSync(source, "utf8"), async (root) => {
        await run("gcc", ["-Os", "-Wall", "-Werror", "-static", "-s", "-o", path.join(root, "pause"), source]);
    });
}

async function sharedLayers(log: Log): Promise<Shared> {
    const recipe = { name: "debian-layers", files: [sources], settings: debianSuite };
    const folder = await cached(recipe, async (target) => {
        log(`lab: taking iptables and nginx from Debian ${debianSuite}`);
        await run("bash", [path.join(sources, "layers.sh"), debianSuite, await debianMirror(), target]);
    });
    const layer = (name: string) =>
        packLayer(name, path.relative(cacheRoot(), folder), async (root) => {
            await run("cp", ["-a", `${folder}/${name}/.`, root]);
        });
    return { base: await layer("base"), network: await layer("network"), nginx: await layer("nginx") };
}

/** A reference without its digest: what the lab builds has another. */
function tagged(reference: string): string {
    return reference.replace(/@sha256:[0-9a-f]+$/, "");
}
