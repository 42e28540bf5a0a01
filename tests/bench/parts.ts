import { Part } from "./part";
import { growth } from "./parts/growth";
import { roundTrips } from "./parts/roundTrips";

/** All parts, in the order of the table. */
export const parts: readonly Part[] = [roundTrips, growth];
