/** The skills that agents may use: registered in code, or found in folders (SKL-03). */
import { errorMessage, ValidationError } from '../../core/errors.js';
import { StderrLogger, type Logger } from '../../core/logger.js';
import { skillsXml } from './prompt.js';
import { Skill } from './skill.js';

/** What a registry is made with. */
export interface SkillRegistryOptions {
  /** Hears of what was skipped; default: one line on stderr. */
  readonly logger?: Logger;
}

/** How folders are searched. */
export interface DiscoverOptions {
  /** Default true: what is wrong with one skill is thrown, and none is taken. False: it is logged and skipped. */
  readonly strict?: boolean;
}

/**
 * Holds skills by name. Changes count from the next turn on.
 * @example
 * const skills = new SkillRegistry();
 * skills.register(new Skill({ metadata: { name: 'weather', description: 'Tells the weather.' }, handler }));
 * await skills.discover('./skills');
 */
export class SkillRegistry {
  readonly #logger: Logger;
  /** In the order of names. */
  #skills: readonly Skill[] = [];

  constructor(options: SkillRegistryOptions = {}) {
    this.#logger = options.logger ?? new StderrLogger();
  }

  /** How many there are. */
  get size(): number {
    return this.#skills.length;
  }

  /** In the order of names. */
  get names(): readonly string[] {
    return this.#skills.map(({ name }) => name);
  }

  /** In the order of names. */
  list(): readonly Skill[] {
    return this.#skills;
  }

  /** The skill of this name. */
  get(name: string): Skill | undefined {
    return this.#skills.find((skill) => skill.name === name);
  }

  /** Takes a skill, at once, or reads one from its folder. One of the same name is replaced. Throws SkillError. */
  register(skill: Skill): Skill;
  register(folder: string): Promise<Skill>;
  register(given: Skill | string): Skill | Promise<Skill> {
    if (typeof given === 'string') return this.#registerFolder(given);
    const skill: unknown = given;
    if (!(skill instanceof Skill)) {
      throw new ValidationError('register takes new Skill({ metadata, … }) or the path of a folder that holds a SKILL.md.');
    }
    this.#take([skill]);
    return skill;
  }

  /** Takes a skill away; false when there was none. */
  unregister(name: string): boolean {
    const left = this.#skills.filter((skill) => skill.name !== name);
    const isGone = left.length < this.#skills.length;
    this.#skills = left;
    return isGone;
  }

  /**
   * Registers every skill of these folders: each folder in them that holds a SKILL.md. Of one name the later folder's
   * stands. Gives what was registered, in the order of names. Throws SkillError, with nothing registered, unless
   * `{ strict: false }` is given last.
   */
  async discover(...given: readonly string[] | readonly [...folders: string[], options: DiscoverOptions]): Promise<readonly Skill[]> {
    const { readSkill, skillFoldersIn } = await import('./folder.node.js');
    const last = given.at(-1);
    const strict = typeof last === 'object' ? (last.strict ?? true) : true;
    const found = new Map<string, Skill>();
    const trying = async <Result>(folder: string, read: () => Promise<Result>): Promise<Result | undefined> => {
      try {
        return await read();
      } catch (error) {
        if (strict) throw error;
        this.#logger.warn('A skill was skipped.', { folder, error: errorMessage(error) });
        return undefined;
      }
    };
    for (const folder of given) {
      if (typeof folder !== 'string') continue;
      for (const path of (await trying(folder, () => skillFoldersIn(folder))) ?? []) {
        const skill = await trying(path, () => readSkill(path));
        if (skill !== undefined) found.set(skill.name, skill);
      }
    }
    const skills = sorted([...found.values()]);
    this.#take(skills);
    return skills;
  }

  /** The skills as agents read of them in their prompt; '' when there are none (SKL-04). */
  toPromptXml(): string {
    return skillsXml(this.#skills);
  }

  async #registerFolder(folder: string): Promise<Skill> {
    const { readSkill } = await import('./folder.node.js');
    const skill = await readSkill(folder);
    this.#take([skill]);
    return skill;
  }

  #take(skills: readonly Skill[]): void {
    const names = new Set(skills.map(({ name }) => name));
    this.#skills = sorted([...this.#skills.filter(({ name }) => !names.has(name)), ...skills]);
  }
}

function sorted(skills: readonly Skill[]): readonly Skill[] {
  return [...skills].sort((left, right) => (left.name < right.name ? -1 : 1));
}
