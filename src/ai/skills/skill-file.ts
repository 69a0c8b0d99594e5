/** Reads the text of a SKILL.md: frontmatter in YAML between two lines `---`, then instructions (SKL-01, SKL-02). */
import type * as Yaml from 'yaml';
import { errorMessage, MissingPeerError } from '../../core/errors.js';
import type { Metadata } from '../../core/models/json.js';
import { SkillError, type SkillMetadata } from './metadata.js';

export interface SkillFile {
  readonly metadata: SkillMetadata;
  readonly instructions: string;
}

/** The name of the file that makes a folder a skill. */
export const SKILL_FILE = 'SKILL.md';

/** Throws SkillError that names the file. YAML is read as data: tags that would make anything else of it are refused. */
export async function parseSkillFile(text: string, path: string): Promise<SkillFile> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const end = lines.findIndex((line, at) => at > 0 && line.trimEnd() === '---');
  if (lines[0]?.trimEnd() !== '---' || end === -1) {
    throw new SkillError(`${path} has no frontmatter. Begin it with a line '---', then name and description, then another line '---'.`);
  }
  const frontmatter = await parseYaml(lines.slice(1, end).join('\n'), path);
  const { name, description, license, compatibility, allowed_tools, ['allowed-tools']: allowedTools, ...extra } = frontmatter;
  const allowed = listOf(allowed_tools ?? allowedTools);
  return {
    // What is of a wrong type is refused with the rest by checkMetadata, which knows what may stand there.
    metadata: {
      name: name as string,
      description: description as string,
      ...(license != null && { license: license as string }),
      ...(compatibility != null && { compatibility: compatibility as string }),
      ...(allowed != null && { allowedTools: allowed as readonly string[] }),
      ...(Object.keys(extra).length > 0 && { extra }),
    },
    instructions: lines
      .slice(end + 1)
      .join('\n')
      .trim(),
  };
}

async function parseYaml(text: string, path: string): Promise<Metadata> {
  const { parseDocument } = await loadYaml();
  let value: unknown;
  try {
    const document = parseDocument(text, { schema: 'core', uniqueKeys: true, logLevel: 'silent' });
    const [fault] = [...document.errors, ...document.warnings];
    if (fault !== undefined) throw fault;
    value = document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    throw new SkillError(`The frontmatter of ${path} is no plain YAML: ${firstLine(errorMessage(error))}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SkillError(`The frontmatter of ${path} holds no fields. Write 'name: …' and 'description: …'.`);
  }
  return value as Metadata; // a YAML mapping
}

/** As a list, or as words in one line, as other programs write it. */
function listOf(given: unknown): unknown {
  return typeof given === 'string' ? given.split(/[\s,]+/).filter((word) => word !== '') : given;
}

async function loadYaml(): Promise<typeof Yaml> {
  try {
    return await import('yaml');
  } catch (error) {
    throw new MissingPeerError('Reading skills from folders', 'yaml', { cause: error });
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
