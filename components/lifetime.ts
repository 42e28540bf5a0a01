import * as pulumi from "@pulumi/pulumi";

/**
 * Options of a resource that is a part of `whole`: it goes with it without being undone, and is made anew with it.
 * `deletedWith` alone makes nothing anew.
 */
export function livingWith(whole: pulumi.Resource | undefined): pulumi.ResourceOptions {
    return whole ? { deletedWith: whole, replaceWith: [whole] } : {};
}

/** The same for a component and all that is in it: children inherit `deletedWith`, but not `replaceWith`. */
export function allLivingWith(whole: pulumi.Resource): pulumi.ComponentResourceOptions {
    const replaceWith: pulumi.ResourceTransformation = ({ resource, props, opts }) =>
        resource instanceof pulumi.CustomResource ? { props, opts: { ...opts, replaceWith: [whole] } } : undefined;
    return { deletedWith: whole, transformations: [replaceWith] };
}
