/** Whether the arguments of a call fit its tool: as every layer that declares it says. */
import { copyJson, isPromise, type Metadata } from '../../core/models/json.js';
import { checkArguments, type ArgumentCheck } from './schema.js';
import type { TurnTool } from './tool-set.js';

/** Checks arguments against all a tool declares. */
export async function checkAgainst(tool: TurnTool, given: Metadata): Promise<ArgumentCheck> {
  let checked: ArgumentCheck = { ok: true, value: given };
  for (const schema of tool.schemas) {
    const result = checkArguments(schema, given);
    const outcome = isPromise(result) ? await result : result;
    if (!outcome.ok) return outcome;
    // Of several schemas the last is the handler's own: its values are what the handler expects.
    checked = outcome;
  }
  // The handler may do with its arguments what it likes; what is reported stays what was checked.
  return checked.value === given ? { ok: true, value: copyJson(given) } : checked;
}
