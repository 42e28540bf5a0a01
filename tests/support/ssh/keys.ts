import { PublicKeyAuthContext, utils } from "ssh2";

/** Whether a client has this key: it names it, and signs with it once it is asked to. */
export function proves(context: PublicKeyAuthContext, publicKey: string): boolean {
    const key = utils.parseKey(publicKey);
    return (
        !(key instanceof Error) &&
        context.key.data.equals(key.getPublicSSH()) &&
        (!context.signature || key.verify(context.blob!, context.signature, context.hashAlgo) === true)
    );
}

/** A new Ed25519 key. ssh2 writes about one in 250 in a form that it does not read back. */
export function keyPair(): ReturnType<typeof utils.generateKeyPairSync> {
    for (;;) {
        const pair = utils.generateKeyPairSync("ed25519");
        if (!(utils.parseKey(pair.private) instanceof Error)) {
            return pair;
        }
    }
}
