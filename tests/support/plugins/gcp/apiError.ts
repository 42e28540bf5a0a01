/** An error in the form in which the provider passes on the API's. */
export class ApiError extends Error {
    constructor(
        readonly code: number,
        readonly reason: string,
        message: string,
    ) {
        super(`googleapi: Error ${code}: ${message}, ${reason}`);
    }
}

/** A request that makes no sense. */
export function invalid(message: string): ApiError {
    return new ApiError(400, "invalid", message);
}

/** A property of the request that makes no sense, at its path in the API's request. */
export function invalidField(path: string, value: string, message: string): ApiError {
    return invalid(`Invalid value for field 'resource.${path}': '${value}'. ${message}`);
}

/** A resource that is not there. */
export function notFound(what: string): ApiError {
    return new ApiError(404, "notFound", `The resource '${what}' was not found`);
}

/** A resource that another one uses. */
export function inUse(kind: string, what: string, by: string): ApiError {
    const message = `The ${kind} resource '${what}' is already being used by '${by}'`;
    return new ApiError(400, "resourceInUseByAnotherResource", message);
}
