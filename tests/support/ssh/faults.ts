/** What goes wrong. All of it can be changed while the server runs; it counts for the next connection or command. */
export interface SshFaults {
    /** Closes this many connections before the handshake, as a host that is still booting does. */
    refuseConnections?: number;
    /** Never answers: the handshake, or what is asked for after the log-in. */
    stall?: "handshake" | "session";
    /** Waits this many milliseconds before a command runs. */
    delay?: number;
    /** Shows another host key than `hostKey`. */
    wrongHostKey?: boolean;
    /** Drops the connection once a session has carried this many bytes, in either direction. */
    closeAfterBytes?: number;
    /** Lets nothing more through once a session has carried this many bytes, and keeps the connection open. */
    stallAfterBytes?: number;
    /** Ends every command with this status, whatever it did. */
    exitCode?: number;
}

/** What passed over a server's connections, handshakes and all. */
export interface Traffic {
    /** TCP connections so far. */
    connections: number;
    /** Bytes from the clients. */
    received: number;
    /** Bytes to the clients. */
    sent: number;
}
