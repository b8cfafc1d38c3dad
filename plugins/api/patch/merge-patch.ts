import { isJsonObject, type JsonObject, ownValue, setKey } from './json.ts';

/** JSON merge patch (RFC 7386). Shares with `target` what it does not change. */
export function mergePatch(target: unknown, patch: JsonObject): JsonObject {
  const merged: Record<string, unknown> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (!isJsonObject(value)) setKey(merged, key, value);
    else setKey(merged, key, mergePatch(ownValue(merged, key), value));
  }
  return merged;
}
