/** Registries whose images a mirror serves. */
export const mirroredRegistries = [
    "docker.io",
    "gcr.io",
    "ghcr.io",
    "mcr.microsoft.com",
    "quay.io",
    "registry.k8s.io",
] as const;
