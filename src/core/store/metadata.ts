/** The shallow merge of room metadata (ROOM-06). */
import { EMPTY, freezeJson, ownJson, type Metadata } from '../models/json.js';

/** The map after a patch: a key set to `undefined` is gone. Frozen; neither argument is changed. */
export function mergeMetadata(current: Metadata, patch: Metadata): Metadata {
  const merged: Record<string, unknown> = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) delete merged[key];
    else merged[key] = ownJson(value);
  }
  return Object.keys(merged).length === 0 ? EMPTY : freezeJson(merged);
}
