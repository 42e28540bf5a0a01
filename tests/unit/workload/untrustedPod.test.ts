import * as assert from "node:assert/strict";
import { UntrustedPodArgs } from "../../../components/args";
import { UntrustedPod } from "../../../components/workload/untrustedPod";
import { recordingMocks } from "../../support/recordingMocks";

describe("UntrustedPod", () => {
    const problemsOf = (args: unknown) => {
        recordingMocks(true, {});
        try {
            new UntrustedPod("web", args as UntrustedPodArgs);
        } catch (error) {
            return (error as Error).message.split("\n");
        }
        return [];
    };

    it("tells all that is wrong with its arguments at once", () => {
        assert.deepEqual(problemsOf({ name: 5, image: "a", spec: { hostPID: true, containers: [{}] } }), [
            'UntrustedPod "web": args.name = 5: not a text. Allowed: a text. Hint: put it into quotes.',
            'UntrustedPod "web": args.image = "a": args.spec names the images of its containers. Allowed: image or spec. Hint: leave image out.',
            'UntrustedPod "web": args.spec.hostPID = true: an untrusted pod may not share the node\'s namespaces. Allowed: a pod without access to the node. Hint: remove it, or do not use UntrustedPod.',
        ]);
        assert.match(problemsOf("nginx").join(), /^UntrustedPod "web": args = "nginx": not an object/);
    });
});
