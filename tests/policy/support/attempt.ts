import * as assert from "node:assert/strict";
import { ApiAnswer, ApiRequest } from "../../support/apiServer";
import { Case, documentsIn, Mode } from "./corpus";
import { dryRun, KubeObject, pathOf, PolicyCluster } from "./cluster";

let attempts = 0;

/** Tries a case of the corpus, without leaving anything behind, and gives back the answer to its last document. */
export async function attempt(cluster: PolicyCluster, one: Case, mode: Mode): Promise<ApiAnswer> {
    const known: Record<string, string> = { "NODE-UID": await cluster.nodeUid(), RUN: String(attempts++) };
    const text = JSON.stringify(documentsIn(mode, one)).replace(/NODE-UID|RUN/g, (word) => known[word]!);
    const documents = JSON.parse(text) as KubeObject[];
    const last = documents.pop()!;
    try {
        for (const document of documents) {
            const { code, body } = await cluster.send(one.setup, {
                method: "POST",
                path: pathOf(document),
                body: document,
            });
            assert.equal(code, 201, `${one.name}: ${document.kind} ${document.metadata.name}: ${body.message}`);
        }
        return await cluster.send(one.as, requestFor(one.request, last));
    } finally {
        for (const document of documents) {
            await remove(cluster, document);
        }
    }
}

function requestFor(request: string, object: KubeObject): ApiRequest {
    const [verb, subresource] = request.split(" ");
    const path = (object: KubeObject) =>
        `${pathOf(object, object.metadata.name)}${subresource ? `/${subresource}` : ""}?dryRun=All`;
    switch (verb) {
        case "create":
            // A binding is created at the pod that it is for.
            return subresource
                ? { method: "POST", path: path({ ...object, kind: "Pod" }), body: object }
                : dryRun(object);
        case "patch":
            return {
                method: "PATCH",
                path: path(object),
                contentType: "application/strategic-merge-patch+json",
                body: object,
            };
        case "apply": {
            const named = `${path(object)}&fieldManager=test`;
            return { method: "PATCH", path: named, contentType: "application/apply-patch+yaml", body: object };
        }
        case "delete":
            return { method: "DELETE", path: path(object) };
        default:
            throw new Error(`no such request: ${request}`);
    }
}

async function remove(cluster: PolicyCluster, object: KubeObject): Promise<void> {
    await cluster.api.request({
        method: "DELETE",
        path: `${pathOf(object, object.metadata.name)}?gracePeriodSeconds=0`,
    });
}
