import { Part } from "./part";
import { bootstrap, bootstrapWorkers } from "./parts/bootstrap";
import { criticalPath } from "./parts/criticalPath";
import { growth } from "./parts/growth";
import { init } from "./parts/init";
import { podStart } from "./parts/podStart";
import { roundTrips } from "./parts/roundTrips";

/** All parts, in the order of the table. */
export const parts: readonly Part[] = [bootstrap, bootstrapWorkers, init, criticalPath, podStart, roundTrips, growth];
