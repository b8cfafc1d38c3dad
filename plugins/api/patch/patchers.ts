import { badRequest, type KubeObject, type Patcher, unsupportedMediaType } from 'kernetes/sdk';
import { asPatchObject, isJsonObject, type JsonObject } from './json.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic-merge.ts';

export const jsonPatcher: Patcher = {
  types: ['application/json-patch+json'],
  patch(live, patch) {
    const patched = jsonPatch(live, patch);
    if (!isJsonObject(patched)) throw badRequest('Invalid JSON patch: its result is no object');
    return asObject(patched);
  },
};

export const mergePatcher: Patcher = {
  types: ['application/merge-patch+json'],
  patch: (live, patch) => asObject(mergePatch(live, asPatchObject(patch))),
};

export const strategicMergePatcher: Patcher = {
  types: ['application/strategic-merge-patch+json'],
  patch(live, patch, { schema }) {
    if (schema.id === undefined) throw unsupportedMediaType(WITHOUT_STRATEGIC);
    return asObject(strategicMerge(asJson(live), asPatchObject(patch), schema));
  },
};

/** What a custom resource, whose lists have no merge keys, can be patched with. */
const WITHOUT_STRATEGIC = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
];

/** The decoder checks what came of a patch; until then it is an object in name. */
function asObject(patched: JsonObject): KubeObject {
  const metadata = isJsonObject(patched.metadata) ? patched.metadata : {};
  return { ...patched, metadata };
}

function asJson(object: KubeObject): JsonObject {
  return object as unknown as JsonObject;
}
