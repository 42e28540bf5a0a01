/** The programs that are downloaded to a node. */
export type ReleaseName =
    "containerd" | "runc" | "crio" | "cniPlugins" | "crictl" | "kata" | "kubeadm" | "kubelet" | "kubectl";

/** SHA-256 by architecture, hexadecimal. */
export interface Digests {
    amd64?: string;
    arm64?: string;
}

/** Where a program is released, and the digests of the releases that were pinned. */
export interface ReleaseTable {
    /** `{version}` and `{arch}` are filled in. */
    url: string;
    sha256: Record<string, Digests>;
}

/** The versions of everything that belongs to one Kubernetes version. */
export interface KubernetesSet {
    crictl: string;
    /** CRI-O is released together with Kubernetes, minor by minor. */
    crio: string;
    /** Tag of `registry.k8s.io/pause` that this kubeadm names (`kubeadm config images list`). */
    pause: string;
}

/** Kubernetes versions that can be asked for without giving releases of your own. The first is the default. */
export const kubernetesSets: Record<string, KubernetesSet> = {
    "1.36.4": { crictl: "1.36.0", crio: "1.36.3", pause: "3.10.2" },
    "1.35.8": { crictl: "1.35.0", crio: "1.35.6", pause: "3.10.1" },
    "1.34.11": { crictl: "1.34.0", crio: "1.34.11", pause: "3.10.1" },
};

/** The set of a version: its own, or that of the same minor version, whose companions fit any patch release of it. */
export function kubernetesSet(version: string): KubernetesSet | undefined {
    const minor = (of: string) => of.split(".", 2).join(".");
    return (
        kubernetesSets[version] ??
        Object.entries(kubernetesSets).find(([known]) => minor(known) === minor(version))?.[1]
    );
}

/** What is installed where nothing else is asked for. */
export const defaultVersions = {
    kubernetes: "1.36.4",
    containerd: "2.3.4",
    runc: "1.4.3",
    cniPlugins: "1.9.1",
    kata: "4.1.0",
} as const;

/** Images of the pod network, by digest: https://github.com/flannel-io/flannel/releases */
export const flannelImages = {
    daemon: "ghcr.io/flannel-io/flannel:v0.28.4@sha256:cc44a1a8969c4f14b8dd45664546f14abc3fc7682b125399103e555f1ad2528b",
    cniPlugin:
        "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1@sha256:7c3377e977b4b77b8efdad96e207ebee371537d6dcd7b9c40853cf0c0f0aade3",
} as const;

/** Kata below this is refused: CVE-2026-44210 and CVE-2026-47243 give the host away. */
export const minimumKata = "3.31.0";

/** Kata below this is warned of: CVE-2026-50540 (annotations; this project lets none through) is open in it. */
export const saferKata = "4.0.0";

/** Every release that is pinned, by program. */
export const releaseTables: Record<ReleaseName, ReleaseTable> = {
    containerd: {
        url: "https://github.com/containerd/containerd/releases/download/v{version}/containerd-{version}-linux-{arch}.tar.gz",
        sha256: {
            "2.3.4": {
                amd64: "9d68969855fbf676cdb8ed758e420fb048d61f984f61de3e53eddfebe484d168",
                arm64: "a985fbb7e18fc0362d31a055338f5d7b0e087a3e27f14c70d1c5965399a29f95",
            },
        },
    },
    runc: {
        url: "https://github.com/opencontainers/runc/releases/download/v{version}/runc.{arch}",
        sha256: {
            "1.4.3": {
                amd64: "f6ae8efc0fa40079e1475e97cbe9d1bd3f106a28d6af78a11d9f1bd565515e60",
                arm64: "633301e2e32f8a5ad54031aab4901eb00308bec677dd15faa2751e8f9dab5ca4",
            },
        },
    },
    crio: {
        // It brings runc, conmon and pinns of its own: https://github.com/cri-o/packaging
        url: "https://storage.googleapis.com/cri-o/artifacts/cri-o.{arch}.v{version}.tar.gz",
        sha256: {
            "1.36.3": {
                amd64: "fc2ece7cc22a505cca5e100438e4e58f7786f17b64467022e2d2019239c88349",
                arm64: "749e5e5393a09ec93af6723410cf3554fb4b3b2fd7df2cb36a9acc427c3392cf",
            },
            "1.35.6": {
                amd64: "481c1de44de8a71dc299b3605c7b5f6044f656207cf5d39c14d4c840653bb7f5",
                arm64: "90142d24760afe66fd082a58d2ce752f01aef58b5a2bb96e03dca23e96cff834",
            },
            "1.34.11": {
                amd64: "412d3f0490a37c45933134f4c899cc5b97faf9408a35daf562f672c277d37a0b",
                arm64: "8c8080cb799155b7a40d706c48fcced6869d8942f321042fc16502b42fcbec26",
            },
        },
    },
    cniPlugins: {
        url: "https://github.com/containernetworking/plugins/releases/download/v{version}/cni-plugins-linux-{arch}-v{version}.tgz",
        sha256: {
            "1.9.1": {
                amd64: "b98f74a0f8522f0a83867178729c1aa70f2158f90c45a2ca8fa791db1c76b303",
                arm64: "56171987d3947707c3563db2f4001bccaf50fd63468611b9f3cbecb1375ee7ec",
            },
        },
    },
    crictl: {
        url: "https://github.com/kubernetes-sigs/cri-tools/releases/download/v{version}/crictl-v{version}-linux-{arch}.tar.gz",
        sha256: {
            "1.36.0": {
                amd64: "83855e114566a8a8c44c548d515670f51de3a5e1da8b2effb59870e2f10c25a3",
                arm64: "68328594ccf780a80ae2b092d9f6ce484eec7cf540c275242e8fd954bfd95332",
            },
            "1.35.0": {
                amd64: "2e141e5b22cb189c40365a11807d69b76b9b3caced89fac2f4ec879408ce2177",
                arm64: "519071de89b64c43e2a1661bb5489c6c3fd5e9e5fcef75e50e542b0c891f1118",
            },
            "1.34.0": {
                amd64: "a8ff2a3edb37a98daf3aba7c3b284fe0aa5bff24166d896ab9ef64c8913c9f51",
                arm64: "c31d252e203df5f4cf37f314bd3092eb79087e791631c1e607087c74b6d0423f",
            },
        },
    },
    kata: {
        url: "https://github.com/kata-containers/kata-containers/releases/download/{version}/kata-static-{version}-{arch}.tar.zst",
        sha256: {
            // Upstream publishes no digests (kata-containers#1433): these were recorded alike by independent users.
            "4.1.0": {
                amd64: "3dc6b69c4acb787b967b04b64599a20d02a8beb1a8eaab3084110df9d0b08c96",
                arm64: "cf036de3d184dc080fe84dfbdbf06cd6811386224ff8c6aaee3b5d732722e58f",
            },
            "3.32.0": {
                amd64: "1449ecea50bd91fa73a94648db195d18950fe869ba4b1f12d05f55f1fa7c1b01",
                arm64: "8736c054d9223974735394f822000823baef509e1c33405ec798240fa9b6e4b5",
            },
        },
    },
    kubeadm: {
        url: "https://dl.k8s.io/release/v{version}/bin/linux/{arch}/kubeadm",
        sha256: {
            "1.36.4": {
                amd64: "10d054585907f2c8bb823c84f6a66b3bd2a474c3d795475f04e9a44f78650fe6",
                arm64: "6a849c07d3e1c708f5c40f1ac8be03a56124204dfc7e1931e4113634019c0dad",
            },
            "1.35.8": {
                amd64: "1bbc64a2be5b300880ae9330c6bba592ec2a2b8ecb79c527b0c7cc0f44070e5e",
                arm64: "8956730f3ae46ebdb95e95845542f71d844f74affd69c14634a58d1fe3510d86",
            },
            "1.34.11": {
                amd64: "bd3cbe40aff6c7b3b939243ebd80dbd7da207c0e594cfdd434295bf553ea7351",
                arm64: "1365b20b698151f432eb8f5a8ca53f0200e85af32392d31f40ffa901a73b694c",
            },
        },
    },
    kubelet: {
        url: "https://dl.k8s.io/release/v{version}/bin/linux/{arch}/kubelet",
        sha256: {
            "1.36.4": {
                amd64: "cf2562db46c48ab84cc3791540778ee7fb1a0a008529adbb434723dd02ed8b4b",
                arm64: "fd53ea3fcbd077844f50a3c67e9b52f62972a563674956bab0c0f4fb7ea37d50",
            },
            "1.35.8": {
                amd64: "6971b9f95e54dbed67a2271abe6e78f8cc2894494649f3cf39e4b25a82dca923",
                arm64: "7744f84c49df6dff7d0a0471f9acef31568c02459659de83aa279cf3a04b1714",
            },
            "1.34.11": {
                amd64: "4777a226b2ba3c1d656254bcf3f7ad471bf210042f361094216e51ab4fa9b4b6",
                arm64: "f12879879481e9af46317c2c82a6dba7d59df78ed095e44e0399643df1c4c8ba",
            },
        },
    },
    kubectl: {
        url: "https://dl.k8s.io/release/v{version}/bin/linux/{arch}/kubectl",
        sha256: {
            "1.36.4": {
                amd64: "8b8f088da2dab964f853b38464033b1be15ede2839eca751482357c45abdd05a",
                arm64: "0ecf44450ee6063bf19dd166a103ee6df4a9034455c2abce626e6eea657d73fb",
            },
            "1.35.8": {
                amd64: "874d5e72dbb819f43cff16bcd1e4f8bac5b7f2361fe1e55049b0a6c676fb0cbf",
                arm64: "cc749967b62f4422260bc9c0aa7a7c55f45175ae38cb8d95767b5d2b7e04c1fd",
            },
            "1.34.11": {
                amd64: "8efbb9435132a190920eb65a47a8c1ecf755ad85ab57a600c9bedbab460bb7a8",
                arm64: "5b045a4712674c88a56fd98eef4285689738b7fbe8735e1b9ee3509521af5cb4",
            },
        },
    },
};
