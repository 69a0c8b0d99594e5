/** Which tools an agent may use, and for whom (TL-10). Asked when tools are offered and again when one is to run. */
import { ValidationError } from '../../core/errors.js';
import { ParticipantRole } from '../../core/models/vocabulary.js';

/** Globs of tool names. */
export interface ToolRules {
  /** Only these, when not empty. `*` stands for any characters, `?` for one. */
  readonly allow?: readonly string[];
  /** Never these; wins over everything. */
  readonly deny?: readonly string[];
}

/**
 * Which tools may be used (TL-10).
 * @example { allow: ['lookup_*'], roleOverrides: { owner: { allow: ['*'] } } }
 */
export interface ToolPolicy extends ToolRules {
  /** For participants of a role: `allow` takes the place of the general one, `deny` is added to it. */
  readonly roleOverrides?: Readonly<Partial<Record<ParticipantRole, ToolRules>>>;
}

/** Refuses a policy that would allow or forbid something else than it seems to. */
export function checkPolicy(policy: ToolPolicy | undefined): void {
  if (policy === undefined) return;
  checkRules('toolPolicy', policy);
  const known: readonly string[] = Object.values(ParticipantRole);
  for (const [role, rules] of Object.entries(policy.roleOverrides ?? {})) {
    if (!known.includes(role))
      throw new ValidationError(`toolPolicy.roleOverrides names role '${role}', which nobody can have. Roles: ${known.join(', ')}.`);
    checkRules(`toolPolicy.roleOverrides.${role}`, rules);
  }
}

function checkRules(where: string, rules: ToolRules): void {
  for (const name of ['allow', 'deny'] as const) {
    const globs: unknown = rules[name];
    if (globs !== undefined && !(Array.isArray(globs) && globs.every((glob) => typeof glob === 'string'))) {
      throw new ValidationError(`${where}.${name} is ${JSON.stringify(globs)}. Give a list of tool names, such as ['order_*'].`);
    }
  }
}

/** Of those a turn answers; undefined for one who has none. */
export type Roles = readonly (ParticipantRole | undefined)[];

/** Whether the policy lets these participants' roles use the tool: every one of them has to. */
export function isAllowed(policy: ToolPolicy | undefined, name: string, roles: Roles): boolean {
  if (policy === undefined) return true;
  if (roles.length === 0) return fits(policy, undefined, name);
  return roles.every((role) => fits(policy, overrideOf(policy, role), name));
}

/** Whether a tool of the kit itself may be used: no whitelist has to name it, a ban still counts. */
export function isBuiltInAllowed(policy: ToolPolicy | undefined, name: string, roles: Roles): boolean {
  if (policy === undefined) return true;
  const isDenied = (rules: ToolRules | undefined): boolean => rules?.deny?.some((glob) => matchesGlob(glob, name)) ?? false;
  return !isDenied(policy) && !roles.some((role) => isDenied(overrideOf(policy, role)));
}

function overrideOf(policy: ToolPolicy, role: ParticipantRole | undefined): ToolRules | undefined {
  return role === undefined ? undefined : policy.roleOverrides?.[role];
}

function fits(policy: ToolPolicy, override: ToolRules | undefined, name: string): boolean {
  const matches = (glob: string): boolean => matchesGlob(glob, name);
  if (policy.deny?.some(matches) === true || override?.deny?.some(matches) === true) return false;
  const allow = override?.allow ?? policy.allow;
  return allow === undefined || allow.length === 0 || allow.some(matches);
}

/** Matches in linear time, whatever the glob: it only ever goes back to the last `*`. */
export function matchesGlob(glob: string, name: string): boolean {
  let at = 0;
  let inGlob = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    const sign = glob[inGlob];
    if (sign === '*') {
      star = inGlob++;
      resume = at;
    } else if (sign === '?' || sign === name[at]) {
      inGlob++;
      at++;
    } else if (star >= 0) {
      inGlob = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (glob[inGlob] === '*') inGlob++;
  return inGlob === glob.length;
}
