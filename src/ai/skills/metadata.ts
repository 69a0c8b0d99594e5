/** What is known of a skill before it is activated (SKL-01, SKL-02). */
import { RoomKitError } from '../../core/errors.js';
import { EMPTY, ownJson, type Metadata } from '../../core/models/json.js';

/** What a skill says of itself. Every agent that may use it reads name and description in its prompt. */
export interface SkillMetadata {
  /** Kebab-case, at most 64 characters; of a folder also the folder's name. */
  readonly name: string;
  /** What it is for and when to use it, 1 to 1024 characters. */
  readonly description: string;
  /** Under which terms it may be used. */
  readonly license?: string;
  /** What it needs: programs, access, a network. */
  readonly compatibility?: string;
  /** While the skill is active the agent keeps only these of its tools; names, `*` and `?`. Absent: all of them. */
  readonly allowedTools?: readonly string[];
  /** What else the frontmatter says. The kit makes nothing of it. */
  readonly extra?: Metadata;
}

/** `skill_invalid`: a skill cannot be used as it is written. */
export class SkillError extends RoomKitError {
  override readonly name = 'SkillError';
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('skill_invalid', message, options);
  }
}

const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const MAX_NAME = 64;
const MAX_DESCRIPTION = 1024;
const MAX_TEXT = 500;

/** The metadata, frozen. Throws SkillError for what makes no sense. */
export function checkMetadata(given: SkillMetadata): SkillMetadata {
  const raw: unknown = given;
  if (typeof raw !== 'object' || raw === null) throw new SkillError(`The metadata of a skill is ${String(raw)}. Give { name, description }.`);
  const { name, description, license, compatibility, allowedTools, extra }: { readonly [Field in keyof SkillMetadata]: unknown } = given;
  if (typeof name !== 'string' || name.length > MAX_NAME || !NAME.test(name)) {
    throw new SkillError(
      `Skill name ${shown(name)} cannot be used. Use lower-case letters, digits and single hyphens, at most ${MAX_NAME}, such as 'weather-report'.`,
    );
  }
  if (typeof description !== 'string' || description.trim() === '' || description.length > MAX_DESCRIPTION) {
    const found =
      typeof description === 'string' ? `has ${description.trim() === '' ? 0 : description.length} characters` : `is ${shown(description)}`;
    throw new SkillError(`The description of skill '${name}' ${found}. Say in 1 to ${MAX_DESCRIPTION} characters what it is for and when to use it.`);
  }
  checkText(name, 'license', license);
  checkText(name, 'compatibility', compatibility);
  if (allowedTools !== undefined && !isNames(allowedTools)) {
    throw new SkillError(
      `allowed_tools of skill '${name}' is ${shown(allowedTools)}. Give a list of tool names, such as [look_up_order, 'order_*'].`,
    );
  }
  return Object.freeze({
    name,
    description,
    ...(license !== undefined && { license: license as string }), // checked above, like the next
    ...(compatibility !== undefined && { compatibility: compatibility as string }),
    ...(allowedTools !== undefined && { allowedTools: Object.freeze([...allowedTools]) }),
    ...(extra !== undefined && extra !== EMPTY && { extra: ownJson(extra as Metadata) }),
  });
}

function checkText(name: string, field: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value.length <= MAX_TEXT)) return;
  throw new SkillError(`${field} of skill '${name}' is ${shown(value)}. Give a text of at most ${MAX_TEXT} characters, or leave it out.`);
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== '');
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
