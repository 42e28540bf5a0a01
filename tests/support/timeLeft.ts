/** When the run must be over, in milliseconds since 1970: CI ends one that takes longer. */
const variable = "KATA_CLUSTER_TEST_DEADLINE";

/** How long CI lets a run take, in minutes, less what is wanted in hand. */
const ciMinutes = 80;

/** Sets the time that a run has, for itself and the processes that it starts. Only CI ends runs. */
export function startClock() {
    if (process.env.CI && !process.env[variable]) {
        process.env[variable] = String(Date.now() + ciMinutes * 60_000);
    }
}

/** Minutes that are left of the run; without bound outside of CI. */
export function minutesLeft(): number {
    const deadline = process.env[variable];
    return deadline === undefined ? Infinity : (Number(deadline) - Date.now()) / 60_000;
}
