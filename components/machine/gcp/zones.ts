import * as args from "../../args";
import { Problems } from "../../validation/problems";
import { textsAt } from "../../validation/shapes";

/** The zones that the machines are spread over, unchecked. Every region has a zone b. */
export function zonesOf({ region, zones }: Partial<args.GcpMachinesArgs>): string[] {
    return Array.isArray(zones) && zones.length > 0 ? zones : [firstZone(region)];
}

/** Checks the region, and the zones if there are some. */
export function checkRegion(problems: Problems, at: string, { region, zones }: Partial<args.GcpMachinesArgs>) {
    problems.check(
        isRegion(region),
        `${at}.region`,
        region,
        region === undefined ? "missing" : "not a region",
        "a region as gcloud compute regions list names it",
        `use "${typeof region === "string" && isRegion(region.slice(0, -2)) ? region.slice(0, -2) : "europe-west4"}"`,
    );
    if (zones !== undefined) {
        poolZones(problems, `${at}.zones`, zones, region);
    }
}

/** The zones of a pool: of the region, each once. Zone b where there is none. */
export function poolZones(problems: Problems, path: string, value: string[], region: string | undefined): string[] {
    const zones = textsAt(problems, path, value);
    problems.check(
        !Array.isArray(value) || value.length > 0,
        path,
        value,
        "no zone to make a machine in",
        "one zone or more",
        "leave it out for zone b of the region",
    );
    zones.forEach((zone, i) => {
        problems.check(
            !isRegion(region) ||
                (zone.startsWith(`${region}-`) && /^(ai\d+)?[a-z]$/.test(zone.slice(region.length + 1))),
            `${path}[${i}]`,
            zone,
            `not a zone of ${region}`,
            `a zone as gcloud compute zones list names it`,
            `for example "${region}-b"`,
        );
        problems.check(
            zones.indexOf(zone) === i,
            `${path}[${i}]`,
            zone,
            "the same zone twice",
            "each zone once",
            "remove it: the machines are spread over all of them",
        );
    });
    return zones.length > 0 ? zones : [firstZone(region)];
}

function firstZone(region: string | undefined): string {
    return `${region}-b`;
}

function isRegion(value: unknown): value is string {
    return typeof value === "string" && /^[a-z]+-[a-z]+\d{1,2}$/.test(value);
}
